"""The kinds of criterion: which answers they take, and what an answer is worth for a pair of completions.

To add a kind: one class here, one line in `CRITERION_TYPES`, one renderer in `app/ui/components`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from rubrics.answers import (
    BOTH_BAD,
    MISSING,
    TIE,
    Answer,
    AnswerError,
    direction,
    preference_value,
)

if TYPE_CHECKING:
    from rubrics.model import Criterion

Level = Literal["nominal", "ordinal", "interval"]


class CriterionType(ABC):
    """One kind of criterion.

    Attributes:
        level: level of measurement; statistics choose their distance function by it.
        form: the form that an answer takes (see `rubrics.answers.FORMS`).
        settings: fields of `Criterion` that this kind uses, with their defaults; the other kinds refuse them.
        suits_kway: whether it can be asked of more than two completions at once.
    """

    level: ClassVar[Level]
    form: ClassVar[str]
    settings: ClassVar[Mapping[str, int]] = {}
    suits_kway: ClassVar[bool] = True

    @abstractmethod
    def strength_bound(self, criterion: Criterion) -> float:
        """The largest strength that an answer can express: signed values are strengths divided by it."""

    @abstractmethod
    def anchor_range(self, criterion: Criterion) -> range:
        """The points that `anchors` may describe; empty where the kind has no points."""

    @abstractmethod
    def check_answer(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Raise `AnswerError` unless an answer in this kind's form fits; see `validate`."""

    def validate(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Check an answer against its criterion and its comparison: the checks that bind imported history, too.

        `cannot_judge` and `not_applicable` pass for every kind; whether `not_applicable` is allowed is a rule of live
        submission (`rubrics.submission`).

        Args:
            answer: the answer.
            criterion: a criterion of this kind.
            completion_ids: the ids of all completions of the comparison.

        Raises:
            AnswerError: naming the criterion, the bad value and the remedy.
        """
        if answer.is_missing and answer.strength is None:
            return
        if answer.form != self.form:
            reason = f"got {answer.form}, but the criterion is of type {criterion.type}"
            raise AnswerError(criterion.key, reason, f"give {self.form}")
        self.check_answer(answer, criterion, completion_ids)

    @abstractmethod
    def signed_value(self, answer: Answer, first: str, second: str, criterion: Criterion) -> float | None:
        """What a valid answer is worth for a pair.

        Args:
            answer: an answer that `validate` accepts.
            first: the completion that positive values favour.
            second: the other completion.
            criterion: a criterion of this kind.

        Returns:
            A value in [-1, 1] (value / largest possible); swapping the two completions flips its sign.
            None for `cannot_judge` and `not_applicable`.
        """


class PreferenceScale(CriterionType):
    """Which of two completions, and how strongly: `points` is odd with a tie in the middle, or even without tie."""

    level = "ordinal"
    form = "preferred"
    settings: ClassVar[Mapping[str, int]] = {"points": 7}
    suits_kway = False

    def strength_bound(self, criterion: Criterion) -> float:
        """Half the points, rounded down: 7 points allow strengths 1 to 3, and so do 6."""
        return float(self._points(criterion) // 2)

    def anchor_range(self, criterion: Criterion) -> range:
        """Strengths, the same for either side: 0 (the tie, on odd scales) or 1 up to the bound."""
        return range(1 - self._points(criterion) % 2, self._points(criterion) // 2 + 1)

    def check_answer(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Refuse an unknown completion, `both_bad`, a tie on an even scale, and a strength beyond the bound."""
        if answer.preferred == BOTH_BAD:
            raise AnswerError(criterion.key, "both_bad is no answer to a criterion", "say tie, or both_bad overall")
        if answer.preferred == TIE and self._points(criterion) % 2 == 0:
            reason = f"tie on a scale of {criterion.points} points, which has no middle"
            raise AnswerError(criterion.key, reason, "prefer one completion, or say cannot_judge")
        bound = self.strength_bound(criterion)
        check_preference(answer, field=criterion.key, completion_ids=completion_ids, bound=bound)

    def signed_value(self, answer: Answer, first: str, second: str, criterion: Criterion) -> float | None:
        """Strength / bound with the sign of the preference; a vote without strength counts as its sign."""
        return preference_value(answer, first, second, bound=self.strength_bound(criterion))

    @staticmethod
    def _points(criterion: Criterion) -> int:
        return int(criterion.points or PreferenceScale.settings["points"])


class Scores(CriterionType):
    """One rating from `minimum` to `maximum` per completion."""

    level = "interval"
    form = "scores"
    settings: ClassVar[Mapping[str, int]] = {"minimum": 1, "maximum": 5}

    def strength_bound(self, criterion: Criterion) -> float:
        """The largest difference of two ratings: maximum - minimum."""
        low, high = self._limits(criterion)
        return float(high - low)

    def anchor_range(self, criterion: Criterion) -> range:
        """Every whole rating from minimum to maximum."""
        low, high = self._limits(criterion)
        return range(low, high + 1)

    def check_answer(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Refuse missing or unknown completions and ratings outside the limits."""
        scores = answer.scores or {}
        _check_covers(list(scores), field=criterion.key, what="scores", completion_ids=completion_ids)
        low, high = self._limits(criterion)
        for completion_id, score in scores.items():
            if not low <= score <= high:
                reason = f"score {score:g} of completion {completion_id!r} is outside the scale"
                raise AnswerError(criterion.key, reason, f"rate from {low} to {high}")

    def signed_value(self, answer: Answer, first: str, second: str, criterion: Criterion) -> float | None:
        """(score of first - score of second) / (maximum - minimum)."""
        if direction(answer, first, second) is None or answer.scores is None:
            return None
        return (answer.scores[first] - answer.scores[second]) / self.strength_bound(criterion)

    @staticmethod
    def _limits(criterion: Criterion) -> tuple[int, int]:
        low, high = criterion.minimum, criterion.maximum
        settings = Scores.settings
        return settings["minimum"] if low is None else low, settings["maximum"] if high is None else high


class Check(CriterionType):
    """Yes or no per completion, yes being the better."""

    level = "nominal"
    form = "checks"

    def strength_bound(self, criterion: Criterion) -> float:
        """1: yes against no."""
        return 1.0

    def anchor_range(self, criterion: Criterion) -> range:
        """0 describes no, 1 describes yes."""
        return range(2)

    def check_answer(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Refuse missing or unknown completions."""
        _check_covers(list(answer.checks or {}), field=criterion.key, what="checks", completion_ids=completion_ids)

    def signed_value(self, answer: Answer, first: str, second: str, criterion: Criterion) -> float | None:
        """Yes as 1, no as 0: the difference, so -1, 0 or 1."""
        return preference_value(answer, first, second, bound=1.0)


class Ranking(CriterionType):
    """All completions, best first, ties as groups."""

    level = "ordinal"
    form = "ranking"

    def strength_bound(self, criterion: Criterion) -> float:
        """1: a ranking tells which of two is better, not by how much."""
        return 1.0

    def anchor_range(self, criterion: Criterion) -> range:
        """Empty: a ranking has no points to describe."""
        return range(0)

    def check_answer(self, answer: Answer, criterion: Criterion, completion_ids: Sequence[str]) -> None:
        """Refuse a ranking that does not hold every completion exactly once."""
        check_ranking(answer, field=criterion.key, completion_ids=completion_ids)

    def signed_value(self, answer: Answer, first: str, second: str, criterion: Criterion) -> float | None:
        """The sign of the difference of ranks: -1, 0 or 1."""
        return preference_value(answer, first, second, bound=1.0)


CRITERION_TYPES: dict[str, CriterionType] = {
    "preference_scale": PreferenceScale(),
    "scores": Scores(),
    "check": Check(),
    "ranking": Ranking(),
}
"""Every kind of criterion, by the word that stands in the YAML's `type`."""


def check_preference(answer: Answer, *, field: str, completion_ids: Sequence[str], bound: float) -> None:
    """Check a `preferred` answer to a pair: two completions, a known id, 0 < strength <= bound.

    Args:
        answer: an answer whose form is `preferred`.
        field: the criterion's key or `overall`, for the error.
        completion_ids: the ids of all completions of the comparison.
        bound: the largest strength.

    Raises:
        AnswerError: naming the field, the bad value and the remedy. A tie and the other reserved answers may carry
            no strength but 0.
    """
    if len(completion_ids) != 2 and answer.preferred not in MISSING:
        reason = f"preferred {answer.preferred!r} for {len(completion_ids)} completions"
        raise AnswerError(field, reason, "a preference takes exactly 2; give a ranking, scores or checks")
    if answer.preferred in (TIE, BOTH_BAD, *MISSING):
        if answer.strength:
            reason = f"strength {answer.strength:g} beside {answer.preferred}"
            raise AnswerError(field, reason, "leave strength out, or prefer one completion")
        return
    if answer.preferred not in completion_ids:
        reason = f"preferred {answer.preferred!r} is not a completion of this comparison"
        raise AnswerError(field, reason, f"it has {', '.join(completion_ids)}")
    if answer.strength is not None and not 0 < answer.strength <= bound:
        reason = f"strength {answer.strength:g} is off the scale"
        raise AnswerError(field, reason, f"give more than 0 and at most {bound:g}; the sign is in preferred")


def check_ranking(answer: Answer, *, field: str, completion_ids: Sequence[str]) -> None:
    """Check that a ranking holds every completion exactly once and has no empty group.

    Raises:
        AnswerError: naming the field, the bad value and the remedy.
    """
    groups = answer.ranking or ()
    if not all(groups):
        raise AnswerError(field, "the ranking has an empty group", "leave the group out")
    ranked = [completion_id for group in groups for completion_id in group]
    twice = sorted({completion_id for completion_id in ranked if ranked.count(completion_id) > 1})
    if twice:
        raise AnswerError(field, f"the ranking holds completion {twice[0]!r} twice", "rank every completion once")
    _check_covers(ranked, field=field, what="ranking", completion_ids=completion_ids)


def _check_covers(given: Collection[str], *, field: str, what: str, completion_ids: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(completion_ids))
    if unknown:
        reason = f"the {what} name {unknown[0]!r}, which is not a completion of this comparison"
        raise AnswerError(field, reason, f"it has {', '.join(completion_ids)}")
    absent = sorted(set(completion_ids) - set(given))
    if absent:
        reason = f"the {what} leave out {', '.join(absent)}"
        raise AnswerError(field, reason, "cover every completion, or say cannot_judge")
