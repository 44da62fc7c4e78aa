"""What a justification must say: the rules of a rubric, each blocking or advisory, with a plain sentence for the rater.

Words stand as they are stored: a response is mentioned as `[response:a]`, so that no rule depends on who sees which
response first. The rules are plain text matching on purpose: a rater can see why one speaks up, and it costs no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from rubrics.answers import CANNOT_JUDGE, RESERVED_PREFERENCES, TIE, Answer
from rubrics.model import Rubric

JUSTIFICATION = "justification"
"""The field of every problem that a rule here finds."""

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}](?:[^\W{IDEOGRAPHS}]|['’-](?=\w))*")
_TOKEN = re.compile(r"\[response:([^\]\s]+)\]")

MIN_QUOTED_WORDS = 3
"""Shorter passages in quotation marks are taken for words held at arm's length, unless a response is named beside."""


@dataclass(frozen=True)
class Problem:
    """One reason why a judgment is refused, or (`is_advice`) one thing that the rater may want to look at again.

    Attributes:
        field: a criterion's key, `overall` or `justification`.
        message: what is wrong, with the offending value.
        remedy: what the rater should do.
        rule: the name of the justification rule that speaks, empty elsewhere: a screen may say it in other words.
        values: what the sentence is about, for those words.
        is_advice: the judgment may be handed in all the same.
    """

    field: str
    message: str
    remedy: str
    rule: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)
    is_advice: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.message} ({self.remedy})"


@dataclass(frozen=True)
class Grounds:
    """What a justification is checked against, beside the answers.

    Attributes:
        responses: completion id -> text, in the order of the rater's screen.
        prompt: everything that is shown before the responses: the turns, constraints and documents.
        copied: the earlier justification of the same rater that this one nearly repeats, None where there is none.
    """

    responses: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    copied: str | None = None


def justification_problems(
    rubric: Rubric,
    text: str,
    *,
    torn: bool,
    unsettled: Sequence[tuple[str, str]] = (),
    overall: Answer | None = None,
    grounds: Grounds | None = None,
) -> Iterator[Problem]:
    """What the rubric's rules say of a justification, those that only advise marked as advice.

    Args:
        rubric: the rubric version of the judgment.
        text: the rater's words as they are stored; empty ones only ever lack words.
        torn: whether two criteria favour different completions.
        unsettled: the pairs of criteria that the screen shows to pull apart, of which the rater said nothing.
        overall: the overall answer, None where there is none.
        grounds: what quotes and copies are checked against; without them those rules stay silent.
    """
    advisory = set(rubric.justification.advisory)
    found = chain(_findings(rubric, text, torn=torn, overall=overall, grounds=grounds), _open(rubric, unsettled))
    for rule, message, remedy, values in found:
        yield Problem(JUSTIFICATION, message, remedy, rule, values, is_advice=rule in advisory)


_Finding = tuple[str, str, str, dict[str, Any]]


def _findings(
    rubric: Rubric, text: str, *, torn: bool, overall: Answer | None, grounds: Grounds | None
) -> Iterator[_Finding]:
    rule = rubric.justification
    n_words = count_words(text)
    if n_words < rule.min_words:
        message = f"has {n_words} of at least {rule.min_words} words"
        yield "min_words", message, "say what decided", {"n": n_words, "least": rule.min_words}
    elif n_words == 0 and torn and rule.required_on_tension:
        message = "is empty, and two criteria favour different responses"
        yield "required_on_tension", message, "say which prevailed and why", {}
    if not n_words:
        return
    if rule.must_name_criterion and not named_criteria(rubric, text):
        names = ", ".join(criterion.name for criterion in rubric.criteria)
        yield "must_name_criterion", "names no criterion", f"name what decided: {names}", {"names": names}
    if grounds is not None and rule.quotes_must_exist:
        yield from _false_quotes(text, grounds)
    if grounds is not None and rule.must_not_repeat and grounds.copied is not None:
        message = "nearly repeats an earlier one of yours"
        yield "must_not_repeat", message, "say what decided here", {"copied": grounds.copied}
    if rule.must_match_choice and overall is not None:
        order = list(grounds.responses) if grounds is not None else []
        yield from _contradiction(rubric, text, overall, order)


def _open(rubric: Rubric, unsettled: Sequence[tuple[str, str]]) -> Iterator[_Finding]:
    """Tensions of which the rater has not said which criterion prevailed."""
    if rubric.justification.must_settle_tension:
        for pair in unsettled:
            first, second = (rubric.criterion(key).name for key in pair)
            message = f"leaves open which prevailed, {first} or {second}"
            yield (
                "must_settle_tension",
                message,
                "choose one of the two, or neither",
                {"first": first, "second": second},
            )


def count_words(text: str) -> int:
    """The number of words: runs of letters and digits; each Chinese or Japanese character counts as one word."""
    return len(_WORD.findall(text))


def named_criteria(rubric: Rubric, text: str) -> list[str]:
    """The keys of the criteria that a text names by key or name, in any case, as whole words."""
    return [c.key for c in rubric.criteria if _mentions(text, c.key) or _mentions(text, c.name)]


def _mentions(text: str, word: str) -> bool:
    """Whether a word stands in a text, in any case, not inside a longer word; scripts without spaces match inside."""
    pattern = re.escape(word.casefold())
    if not re.search(rf"[{IDEOGRAPHS}]", word):
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.search(pattern, text.casefold()) is not None


# --- quotes --------------------------------------------------------------------------------------------------------

_QUOTE = re.compile(r"“([^”\n]+)”|„([^“”\n]+)[“”]|\"([^\"\n]+)\"|«([^»\n]+)»|「([^」\n]+)」")
_BEFORE = re.compile(r"\[response:([^\]\s]+)\](?:\s+\w+){0,2}\s*[:,]?\s*$")
_AFTER = re.compile(r"^\s*\(\[response:([^\]\s]+)\]\)")
_GAP = re.compile(r"\[?(?:…|\.\.\.)\]?")


def _false_quotes(text: str, grounds: Grounds) -> Iterator[_Finding]:
    """Passages in quotation marks that do not stand where they are said to stand."""
    letters = {key: chr(ord("A") + place) for place, key in enumerate(grounds.responses)}
    for match in _QUOTE.finditer(text):
        quote = next(group for group in match.groups() if group is not None)
        named = _BEFORE.search(text, 0, match.start()) or _AFTER.search(text[match.end() :])
        source = named[1] if named is not None and named[1] in grounds.responses else None
        if source is None and count_words(quote) < MIN_QUOTED_WORDS:
            continue
        places = [grounds.responses[source]] if source is not None else [*grounds.responses.values(), grounds.prompt]
        if any(_stands_in(quote, place) for place in places):
            continue
        where = f"Response {letters[source]}" if source is not None else "the responses, the prompt or the reference"
        short = quote if len(quote) <= 60 else quote[:59].rstrip() + "…"
        values = {"quote": short, "letter": letters.get(source or "")}
        yield "quotes_must_exist", f"quotes “{short}”, which does not stand in {where}", "quote it as it stands", values


def _stands_in(quote: str, text: str) -> bool:
    """Whether a passage stands in a text: its words one after the other, whatever the spaces, marks and case.

    Selecting rendered text loses Markdown's marks, so words are compared. An ellipsis stands for words left out.
    """
    words, place = _plain_words(text), 0
    for part in _GAP.split(quote):
        wanted = _plain_words(part)
        found = words.find(wanted, place)
        if found < 0:
            return False
        place = found + len(wanted)
    return True


@lru_cache(maxsize=512)
def _plain_words(text: str) -> str:
    return " ".join(re.findall(rf"[{IDEOGRAPHS}]|[^\W_{IDEOGRAPHS}]+", unicodedata.normalize("NFKC", text).casefold()))


# --- what it says of the choice ------------------------------------------------------------------------------------

_CONCESSIVE = r"although|though|while|whereas|even if|obwohl|während|auch wenn|wenngleich"
_CLAUSES = re.compile(rf"[.;!?\n]+|,?\s+(?=(?:but|however|yet|aber|jedoch|{_CONCESSIVE})\b)", re.IGNORECASE)
_CONCESSION = re.compile(rf"^\s*(?:{_CONCESSIVE})\b[^,]*,?", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:if|would|could|might|not|never|neither|nor|cannot|hardly|almost|unless|except|wenn|falls|würde|könnte|wäre|"
    r"nicht|nie|weder|kein\w*|kaum|fast)\b|n[’']t\b",
    re.IGNORECASE,
)
_R = r"\[response:([^\]\s]+)\]"
_IS = r"\s*,?\s*(?:is|was|seems|feels|reads|looks|ist|war|wirkt|scheint)\s+(?:[\w’'-]+\s+){0,3}?"
_WHOLLY = (
    r"(?!\s*(?:on|at|for|with|regarding|concerning|to|bei|beim|für|hinsichtlich|bezüglich)\b"
    r"|\s+in\s+(?!every|all|general|total)|\s*-?\s*\w+(?:ed|en)\b)"
)
"""What may not follow: "better at", "better in tone", "better written" speak of a part."""

_BETTER_WORDS = "better|best|stronger|superior|preferable|besser|beste|bessere|stärker|überlegen"
_WORSE_WORDS = "worse|worst|weaker|inferior|schlechter|schlechtere|schwächer|unterlegen"
_CHOOSE_WORDS = (
    "prefer|preferred|choose|chose|chosen|pick|picked|favou?r|go with|went with|"
    "bevorzuge|wähle|wählte|nehme|entscheide mich für"
)
_BETTER = re.compile(rf"{_R}{_IS}(?:{_BETTER_WORDS})\b{_WHOLLY}", re.IGNORECASE)
_WORSE = re.compile(rf"{_R}{_IS}(?:{_WORSE_WORDS})\b{_WHOLLY}", re.IGNORECASE)
_PREFERS = re.compile(
    rf"\b(?:{_CHOOSE_WORDS})\s+(?:the\s+)?{_R}|{_R}\s+(?:wins|won|gewinnt)\b"
    rf"|\b(?:{_BETTER_WORDS})(?:\s+(?:one|response|answer|choice|antwort))?\s*(?:is|was|ist|war|:)\s*{_R}",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w\]])(?<!Response )(?<!Antwort )([A-H])(?=\s+(?:is|was|seems|wins|won|ist|war|gewinnt)\b)")
_BARE_OBJECT = re.compile(r"(?:(?<=\bprefer )|(?<=\bchose )|(?<=\bchoose )|(?<=\bwähle ))([A-H])\b")


def _contradiction(rubric: Rubric, text: str, overall: Answer, order: Sequence[str]) -> Iterator[_Finding]:
    """Words that call another response the better one than the overall answer does.

    Only plain sentences count: a clause that concedes, doubts, or speaks of one criterion says nothing of the choice.
    """
    best = _chosen(overall)
    if best is None:
        return
    said = _favoured(rubric, _with_tokens(text, order), order)
    if not said or said & best or (not best and len(said) > 1):
        return
    letters = {key: chr(ord("A") + place) for place, key in enumerate(order)}
    words = " and ".join(sorted(f"Response {letters.get(key, key)}" for key in said))
    choice = " and ".join(sorted(f"Response {letters.get(key, key)}" for key in best)) or "neither"
    values = {"said": sorted(letters.get(key, key) for key in said), "chosen": sorted(letters.get(k, k) for k in best)}
    message = f"calls {words} the better one, and the overall answer prefers {choice}"
    yield "must_match_choice", message, "change the words or the answer", values


def _chosen(overall: Answer) -> set[str] | None:
    """What the overall answer puts first: nothing for a tie; None where words cannot contradict it."""
    if overall.ranking is not None:
        return set(overall.ranking[0]) if overall.ranking else None
    if overall.preferred == TIE:
        return set()
    if overall.preferred is None or overall.preferred in RESERVED_PREFERENCES or overall.preferred == CANNOT_JUDGE:
        return None
    return {overall.preferred}


def _with_tokens(text: str, order: Sequence[str]) -> str:
    """The text with plain letters ("B is better") as mentions too."""

    def token(match: re.Match[str]) -> str:
        place = ord(match[1]) - ord("A")
        return f"[response:{order[place]}]" if place < len(order) else match[0]

    return _BARE_OBJECT.sub(token, _BARE.sub(token, text))


def _favoured(rubric: Rubric, text: str, order: Sequence[str]) -> set[str]:
    """The responses that plain clauses of a text call better."""
    known = set(order) or set(_TOKEN.findall(text))
    said: set[str] = set()
    for part in _CLAUSES.split(_QUOTE.sub(" ", text)):
        clause = _CONCESSION.sub(" ", part)  # "Although A is better, I ...": what is conceded is not the choice
        if _UNSURE.search(clause) or named_criteria(rubric, clause):
            continue
        for match in (*_PREFERS.finditer(clause), *_BETTER.finditer(clause)):
            said.add(next(group for group in match.groups() if group))
        for match in _WORSE.finditer(clause):
            others = known - {match[1]}
            said |= others if len(others) == 1 else set()
    return said & known
