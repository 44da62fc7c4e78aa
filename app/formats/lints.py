"""Findings about good lines: nothing is refused or changed, but somebody should look.

Each lint is a function from an imported comparison to sentences; `LINTS` names them all, and the sentences land in
`ImportedComparison.warnings`, so that they are reported with the line number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from app.domain import OVERALL, Completion, ImportedComparison, Judgment
from rubrics.answers import BOTH_BAD, TIE, Answer, direction

SENTINELS = frozenset({-99, -100, -999, -1000, -9999, -99999, 999, 9999, 99999})
"""Numbers that stand for "missing" in the files of many tools."""

OVERALL_NAMES = frozenset({"overall", "overall_preference", "overall_quality", "overall_score", "preference"})
"""Criterion keys that mean the same as the overall answer."""


def is_sentinel(value: float) -> bool:
    """Whether a number is one that tools write for a missing value."""
    return value in SENTINELS


def lint(imported: ImportedComparison) -> ImportedComparison:
    """The same line with the findings of every lint added to its warnings."""
    checks = LINTS if imported.judgments else LINTS_OF_COMPARISONS
    found = [finding for check in checks for finding in check(imported)]
    if not found:
        return imported
    return replace(imported, warnings=imported.warnings + tuple(dict.fromkeys(found)))


def _by(judgment: Judgment) -> str:
    return f"judgment of {judgment.rater}"


def blank_texts(imported: ImportedComparison) -> Iterator[str]:
    """Texts that are empty or white space: legal, but a rater sees nothing."""
    for completion in imported.comparison.completions:
        text = completion.text
        if not text or text.isspace():
            yield f"completion {completion.id} is {'only white space' if text else 'empty'}"
    if all(not message.content or message.content.isspace() for message in imported.comparison.prompt):
        yield "the prompt is empty"


def identical_completions(imported: ImportedComparison) -> Iterator[str]:
    """Completions with the same text: only a tie makes sense."""
    completions = imported.comparison.completions
    if len({completion.text for completion in completions}) == len(completions):
        return
    first: dict[str, str] = {}
    for completion in completions:
        earlier = first.setdefault(completion.text, completion.id)
        if earlier != completion.id:
            yield f"completions {earlier} and {completion.id} are identical"


def sentinel_scores(imported: ImportedComparison) -> Iterator[str]:
    """Scores such as -100 that look like a mark for a missing value; kept as they are."""
    for judgment in imported.judgments:
        for key, answer in judgment.answers.items():
            if answer.scores is None:
                continue
            for completion_id, score in answer.scores.items():
                if score in SENTINELS:
                    place = "overall" if key == OVERALL else key
                    yield f"{_by(judgment)}: {place} score {score:g} of {completion_id} looks like a mark for missing"


def sentinel_strengths(imported: ImportedComparison) -> Iterator[str]:
    """Strengths such as 999 that look like a mark for a missing value; kept as they are."""
    for judgment in imported.judgments:
        for key, answer in judgment.answers.items():
            if answer.strength is not None and answer.strength in SENTINELS:
                yield f"{_by(judgment)}: {key} strength {answer.strength:g} looks like a mark for missing"


def strength_against_preference(imported: ImportedComparison) -> Iterator[str]:
    """A tie with a strength, or a preference of strength 0: one of the two is wrong."""
    for judgment in imported.judgments:
        for key, answer in judgment.answers.items():
            if answer.strength is None:
                continue
            if answer.preferred in (TIE, BOTH_BAD) and answer.strength > 0:
                yield f"{_by(judgment)}: {key} is {answer.preferred} with strength {answer.strength:g}"
            elif answer.preferred not in (TIE, BOTH_BAD) and answer.strength == 0:
                yield f"{_by(judgment)}: {key} prefers {answer.preferred} with strength 0"


def _signs(answer: Answer, ids: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """Pair -> sign of the answer, without ties and without what is missing."""
    signs = {}
    for position, first in enumerate(ids):
        for second in ids[position + 1 :]:
            if sign := direction(answer, first, second):
                signs[first, second] = sign
    return signs


def rank_against_score(imported: ImportedComparison) -> Iterator[str]:
    """The overall answer turned round against the criteria.

    Reported where a criterion that means the same (`OVERALL_NAMES`) says the opposite for some pair, and where two or
    more criteria favour one completion of a pair, none the other, and the overall answer does. A single criterion of
    another name may pull apart from the overall answer: that is a tension, not a mistake.
    """
    ids = imported.comparison.completion_ids
    for judgment in imported.judgments:
        if len(judgment.answers) < 2 or (overall := judgment.answers.get(OVERALL)) is None or overall.is_missing:
            continue
        criteria = {key: _signs(answer, ids) for key, answer in judgment.answers.items() if key != OVERALL}
        yield from _contradictions(judgment, _signs(overall, ids), criteria)


def _contradictions(
    judgment: Judgment, overall: dict[tuple[str, str], int], criteria: dict[str, dict[tuple[str, str], int]]
) -> Iterator[str]:
    for (first, second), sign in overall.items():
        winner, loser = (first, second) if sign > 0 else (second, first)
        signs = {key: said[first, second] for key, said in criteria.items() if (first, second) in said}
        same = [key for key, other in signs.items() if key in OVERALL_NAMES and other == -sign]
        if same:
            yield f"{_by(judgment)}: overall favours {winner}, {same[0]} favours {loser}"
        elif len(signs) >= 2 and all(other == -sign for other in signs.values()):
            yield f"{_by(judgment)}: overall favours {winner}, all {len(signs)} criteria favour {loser}"


def chosen_under_rejected(imported: ImportedComparison) -> Iterator[str]:
    """A reference whose preferred completion has the lower reference score or a negative margin; sentinel scores."""
    reference = imported.comparison.reference
    if not reference:
        return
    margin, scores = reference.get("margin"), reference.get("scores")
    if isinstance(margin, (int, float)) and margin < 0:
        yield f"reference margin {margin:g} is negative: the rejected response would be the better one"
    if not isinstance(scores, dict):
        return
    numbers = {key: score for key, score in scores.items() if type(score) in (int, float)}
    for key, score in numbers.items():
        if score in SENTINELS:
            yield f"reference score {score:g} of {key} looks like a mark for missing"
    preferred = reference.get("preferred")
    if not isinstance(preferred, str) or preferred not in numbers:
        return
    for key, score in numbers.items():
        if score > numbers[preferred]:
            yield f"reference prefers {preferred} (score {numbers[preferred]:g}) over {key} (score {score:g})"


@lru_cache(maxsize=1024)
def _model_mention(model: str) -> tuple[str, re.Pattern[str]] | None:
    """A word to look for first (lower case) and the pattern that decides; None for a name too short to tell.

    A name with a digit counts wherever it stands as a word; its leading word alone (`claude` of `claude-3`), like a
    name of letters only, counts where the text speaks of itself: "As Claude", "I am Claude", "my name is Claude".
    """
    whole = model.rsplit("/", 1)[-1].strip().lower()
    leading = re.match(r"[^\W\d_]+", whole)
    family = leading.group() if leading else ""
    parts = []
    if len(family) >= 4:
        parts.append(rf"\b(?:i am|i['’]m|as|my name is|called|this is) (?:the |an? )?{re.escape(family)}\b")
    if len(whole) >= 4 and any(letter.isdigit() for letter in whole):
        parts.append(rf"(?<!\w){re.escape(whole)}(?!\w)")
    if not parts:
        return None
    return (family if len(family) >= 4 else whole), re.compile("|".join(parts), re.IGNORECASE)


def _names_itself(completion: Completion) -> str | None:
    mention = _model_mention(completion.model) if completion.model else None
    if mention is None:
        return None
    word, pattern = mention
    if word not in completion.text.lower():
        return None
    found = pattern.search(completion.text)
    return found.group() if found else None


def leaked_model_names(imported: ImportedComparison) -> Iterator[str]:
    """A response that names the model that wrote it: raters are no longer blind."""
    for completion in imported.comparison.completions:
        if found := _names_itself(completion):
            yield f"completion {completion.id} names its own model: {found!r}"


_Lint = Callable[[ImportedComparison], Iterator[str]]

LINTS_OF_COMPARISONS: tuple[_Lint, ...] = (
    blank_texts,
    identical_completions,
    chosen_under_rejected,
    leaked_model_names,
)
"""What can be said of a line without judgments."""

LINTS: tuple[_Lint, ...] = (
    *LINTS_OF_COMPARISONS,
    sentinel_scores,
    sentinel_strengths,
    strength_against_preference,
    rank_against_score,
)
