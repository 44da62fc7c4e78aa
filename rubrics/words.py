"""Words of rubrics: how texts are cut into words, and the lists that advice and differences look words up in."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’-][^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """The words and numbers of a text, in small letters."""
    return [word.casefold().replace("’", "'") for word in _TOKEN.findall(text)]


def is_number(word: str) -> bool:
    """Whether a word is a number, in digits or written out."""
    return word[0].isdigit() or word in NUMBERS


def stem(word: str) -> str:
    """A word without its commonest English endings: enough to see that claims and claim are one."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def telling(text: str) -> set[str]:
    """The stems of the words that carry a text: everything but articles, pronouns and their like."""
    return {stem(word) for word in words_of(text) if word not in FILLERS}


def overlap(one: set[str], other: set[str]) -> float:
    """How much two sets share, from 0 to 1: 2 |A and B| / (|A| + |B|) (Dice 1945); 0 where both are empty."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, roughly: cut at full stops, question marks, exclamation marks and empty lines."""
    for part in re.split(r"(?<=[.!?])\s+|\n\s*\n", text):
        if part.strip():
            yield " ".join(part.split())


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENDINGS = ("ingly", "edly", "fully", "ness", "ing", "ies", "ied", "es", "ed", "ly", "s", "e", "y")

NUMBERS = _listed("two three four five six seven eight nine ten half twice")

LIMITS = _listed("""
    not no never none neither nor without unless except only always all any every each must should may cannot can't
    don't doesn't isn't aren't won't shouldn't mustn't least most more less fewer exactly before after
""")
"""Words that turn or bound a sentence: one more or one less of them, and it says something else."""

FILLERS = _listed("""
    a an the and or but of in on at to for from by with as is are was were be been being it its this that these those
    which who what how where when there here they them their he she his her you your we our i me my so then than if
    also just very quite rather do does did has have had will would can could one
""")
"""Words that every text has."""

ASPECTS = telling("""
    accurate correct true factual complete concise brief short clear readable polite kind friendly empathetic safe
    harmless helpful useful relevant honest original creative fluent natural grammatical informative consistent
    coherent faithful specific detailed simple funny vivid persuasive respectful efficient robust secure fast tested
    documented idiomatic accuracy correctness truth completeness concision brevity clarity readability politeness
    kindness empathy safety harmlessness helpfulness usefulness relevance honesty originality creativity fluency
    naturalness grammar informativeness consistency coherence faithfulness specificity detail simplicity humour style
    tone structure efficiency robustness security speed
""")
"""Stems of aspects of which a response can have one without another."""
