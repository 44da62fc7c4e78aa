"""What raters judge by: immutable rubrics whose version is the hash of what raters see."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError, model_validator

from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE, TIE, Answer, AnswerError, preference_value
from rubrics.consistency import rubric_problems
from rubrics.criterion_types import check_preference, check_ranking
from rubrics.errors import Location, RubricError, problems_of, rule_error, suggest
from rubrics.parts import (
    CONTEXT,
    JUSTIFICATION_RULES,
    OVERALL,
    RESERVED_KEYS,
    Criterion,
    Example,
    Frozen,
    JustificationRule,
    OverallRule,
    Prose,
    Required,
    RubricTest,
    Slug,
    TensionRule,
)

__all__ = [
    "CONTEXT",
    "JUSTIFICATION_RULES",
    "MODEL_AT",
    "OVERALL",
    "RESERVED_KEYS",
    "Criterion",
    "Example",
    "JustificationRule",
    "OverallRule",
    "Rubric",
    "RubricTest",
    "TensionRule",
]


class Rubric(Frozen):
    """What raters judge by. A published version is its content hash and never changes.

    A direct construction raises pydantic's `ValidationError`; `from_dict` and the loader raise `RubricError`.
    """

    key: Slug
    """The rubric's name in files: small letters, digits, _ and -, beginning with a letter."""
    title: Required
    """The rubric's name on the screen."""
    instructions: Prose = ""
    """What the rater reads before the first judgment."""
    criteria: tuple[Criterion, ...] = ()
    """The criteria in the order of the screen, a list; empty when only the overall verdict is asked."""
    tensions: tuple[TensionRule, ...] = ()
    """What should prevail when two criteria pull apart, a list with at most one rule per pair."""
    overall: OverallRule = OverallRule()
    """How the overall verdict is given."""
    justification: JustificationRule = JustificationRule()
    """What raters must say in words."""
    tests: tuple[RubricTest, ...] = ()
    """Worked examples with expected answers, a list; not part of the version."""

    @model_validator(mode="after")
    def _check(self) -> Rubric:
        problems = list(rubric_problems(self))
        if problems:
            raise rule_error(problems)
        return self

    @property
    def version(self) -> str:
        """sha256, in hex, over the canonical JSON of everything but `tests`.

        Comments and the order of keys are free; the order of lists counts. Fields at their default are left out, so
        that writing a default down changes nothing, and a field added to the model later changes no old version.
        """
        seen = self.model_dump(mode="json", exclude={"tests"}, exclude_defaults=True)
        text = json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def criterion_keys(self) -> tuple[str, ...]:
        """The keys of all criteria, in order."""
        return tuple(criterion.key for criterion in self.criteria)

    def criterion(self, key: str) -> Criterion:
        """The criterion with this key.

        Raises:
            AnswerError: when the rubric has none; `overall` is not a criterion.
        """
        for criterion in self.criteria:
            if criterion.key == key:
                return criterion
        remedy = suggest(key, self.criterion_keys) if self.criteria else "this rubric has no criteria, only overall"
        raise AnswerError(key, f"unknown criterion in rubric {self.key!r}", remedy)

    def applicable(self, meta: Mapping[str, Any]) -> tuple[Criterion, ...]:
        """The criteria by which a comparison with this meta is judged, in order."""
        return tuple(criterion for criterion in self.criteria if criterion.applies(meta))

    @property
    def suits_kway(self) -> bool:
        """Whether every criterion can be asked of more than two completions at once."""
        return all(criterion.kind.suits_kway for criterion in self.criteria)

    def declared_weights(self) -> dict[str, float]:
        """The declared weights, divided by their sum; empty where the rubric declares none."""
        total = math.fsum(criterion.weight or 0.0 for criterion in self.criteria)
        return {c.key: c.weight / total for c in self.criteria if c.weight is not None}

    @property
    def vetoes(self) -> tuple[str, ...]:
        """The keys of the criteria that veto, in order."""
        return tuple(criterion.key for criterion in self.criteria if criterion.veto)

    def leaning(self, values: Mapping[str, float | None]) -> float | None:
        """What the rubric makes of the values of its criteria for one pair, by vetoes first and weights second.

        A veto decides a pair in which one response passes its check and the other fails it: 1 or -1, whatever the
        other criteria say. Vetoes that decide for different responses cancel out. Where none decides, the value is
        sum_c w_c d_c with the declared weights w; a criterion without a value adds nothing. A veto changes no vote
        and no consensus: it says what the rubric would have decided, beside what raters decided.

        Args:
            values: criterion key -> signed value in [-1, 1], positive for the first response; None where missing.

        Returns:
            A value in [-1, 1]; None where no veto decides and the rubric declares no weights.
        """
        vetoing = {math.copysign(1.0, value) for key in self.vetoes if (value := values.get(key))}
        if len(vetoing) == 1:
            return vetoing.pop()
        weights = self.declared_weights()
        return math.fsum(w * (values.get(key) or 0.0) for key, w in weights.items()) if weights else None

    def tension_rule(self, i: str, j: str) -> TensionRule | None:
        """The rule for two criteria, in either order; None where the rubric has none."""
        return next((rule for rule in self.tensions if set(rule.between) == {i, j}), None)

    def validate_answer(self, key: str, answer: Answer, completion_ids: Sequence[str]) -> None:
        """Check one answer, to a criterion or to `overall`, against the comparison.

        Raises:
            AnswerError: when the criterion is unknown or the answer does not fit.
        """
        if key == OVERALL:
            self.validate_overall(answer, completion_ids)
        else:
            self.criterion(key).validate_answer(answer, completion_ids)

    def validate_overall(self, answer: Answer, completion_ids: Sequence[str]) -> None:
        """Check the overall answer: a preference for two completions, a ranking of all for any number.

        Raises:
            AnswerError: on another form, an unknown or left-out completion, a strength beyond the scale, or a tie or
                `both_bad` that the rubric does not allow.
        """
        rule = self.overall
        if answer.preferred == NOT_APPLICABLE:
            raise AnswerError(OVERALL, "not_applicable is no overall answer", f"say {CANNOT_JUDGE}")
        if answer.form not in ("preferred", "ranking"):
            raise AnswerError(OVERALL, f"got {answer.form}", "give preferred for a pair, or a ranking")
        if answer.preferred == BOTH_BAD and not rule.allow_both_bad:
            raise AnswerError(OVERALL, f"rubric {self.key!r} does not allow both_bad", "prefer one, or say tie")
        tied = answer.preferred == TIE or any(len(group) > 1 for group in answer.ranking or ())
        if tied and not rule.allow_tie:
            raise AnswerError(OVERALL, f"rubric {self.key!r} does not allow ties", f"decide, or say {CANNOT_JUDGE}")
        if answer.form == "ranking":
            check_ranking(answer, field=OVERALL, completion_ids=completion_ids)
        else:
            check_preference(answer, field=OVERALL, completion_ids=completion_ids, bound=rule.strength_bound)

    def signed_value(self, key: str, answer: Answer, first: str, second: str) -> float | None:
        """The value in [-1, 1] of an answer to a criterion or to `overall`; positive favours `first`.

        `both_bad` is 0, as a tie; `cannot_judge` and `not_applicable` are None; a vote without strength counts as
        its sign.

        Raises:
            AnswerError: when the criterion is unknown or the answer does not cover both completions.
        """
        if key == OVERALL:
            return preference_value(answer, first, second, bound=self.overall.strength_bound)
        return self.criterion(key).signed_value(answer, first, second)

    def to_dict(self) -> dict[str, Any]:
        """The rubric as JSON-ready values, fields without value left out; `from_dict` gives an equal rubric back."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], *, source: str = "rubric") -> Rubric:
        """Read a rubric from plain values.

        Args:
            plain: what `to_dict` gives, or a parsed YAML document.
            source: where it came from, for the error.

        Raises:
            RubricError: listing every problem.
        """
        try:
            return cls.model_validate(plain)
        except ValidationError as error:
            raise RubricError(source, problems_of(error, document=plain, model_at=MODEL_AT)) from None


MODEL_AT: Mapping[Location, type[BaseModel]] = {
    (): Rubric,
    ("criteria",): Criterion,
    ("criteria", "examples"): Example,
    ("tensions",): TensionRule,
    ("overall",): OverallRule,
    ("justification",): JustificationRule,
    ("tests",): RubricTest,
}
"""Which model governs the mappings at a place of the document, list indices left out."""
