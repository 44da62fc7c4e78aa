"""What raters judge by: immutable rubrics whose version is the hash of what raters see."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, MISSING, NOT_APPLICABLE, TIE, Answer, AnswerError, preference_value
from rubrics.criterion_types import CRITERION_TYPES, CriterionType, check_preference, check_ranking
from rubrics.errors import Location, RubricError, RubricProblem, problems_of, rule_error, suggest

OVERALL = "overall"
"""The reserved key under which the overall answer is stored beside those to the criteria."""

CONTEXT = "context"
"""The word that a tension rule gives as `precedence` when neither criterion prevails by itself."""

RESERVED_KEYS = frozenset({OVERALL, CONTEXT, TIE, BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE})
"""Words that no criterion may take as its key."""


def _check_scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise PydanticCustomError("scalar", "should be a text, a number, true or false")
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str | int | float | bool) else value


def _check_type(value: str) -> str:
    if value not in CRITERION_TYPES:
        raise rule_error([RubricProblem((), f"{value!r} is no type of criterion", suggest(value, CRITERION_TYPES))])
    return value


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True)]
Required = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Points = Annotated[int, Field(ge=2, le=101)]
Accepted = Annotated[
    tuple[Annotated[Any, AfterValidator(_check_scalar)], ...], BeforeValidator(_listed), Field(min_length=1)
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Example(_Frozen):
    """A worked example that raters see beside a criterion."""

    prompt: str
    """What the user wrote."""
    a: str
    """One response."""
    b: str
    """The other response."""
    prefer: str
    """Which response the criterion favours: a, b, tie, cannot_judge or not_applicable."""
    why: Required
    """The reasoning in a sentence or two."""

    @model_validator(mode="after")
    def _check(self) -> Example:
        allowed = ("a", "b", TIE, CANNOT_JUDGE, NOT_APPLICABLE)
        if self.prefer not in allowed:
            reason = f"{self.prefer!r} is no answer to an example"
            raise rule_error([RubricProblem(("prefer",), reason, f"write one of {', '.join(allowed)}")])
        return self


class RubricTest(_Frozen):
    """A worked example with the expected answers, for `steelyard rubric test`; raters never see it."""

    prompt: str
    """What the user wrote."""
    a: str
    """One response."""
    b: str
    """The other response."""
    expect: dict[str, str] = Field(min_length=1)
    """Criterion key, or overall, with a, b, tie, cannot_judge, not_applicable, or (overall only) both_bad."""


class Criterion(_Frozen):
    """One aspect by which completions are judged."""

    key: Slug
    """The name in files and columns: small letters, digits, _ and -, beginning with a letter."""
    name: Required
    """The name on the screen."""
    question: Required
    """The question that the rater answers."""
    guidance: Prose = ""
    """How to decide, and what not to count."""
    type: Annotated[str, AfterValidator(_check_type)]
    """The kind of criterion: preference_scale, scores, check or ranking."""
    allow_not_applicable: bool = False
    """Whether raters may say that the criterion does not apply (true or false)."""
    applies_if: dict[str, Accepted] = {}
    """Keys of the comparison's meta with the values for which the criterion is asked, as in {domain: [medical]}."""
    points: Points | None = None
    """Points of a preference_scale from 2 to 101: odd with a tie in the middle, even without tie; 7 unless given."""
    minimum: int | None = None
    """The lowest rating of scores, a whole number; 1 unless given."""
    maximum: int | None = None
    """The highest rating of scores, a whole number; 5 unless given."""
    weight: Weight | None = None
    """The declared share in the overall verdict, a number of at least 0; all criteria have one or none has."""
    veto: bool = False
    """Whether a response that fails this check loses to one that passes it, whatever the others say (true or false)."""
    anchors: dict[int, Required] = {}
    """What single points mean: strengths for a preference_scale, ratings for scores, 0 and 1 for a check."""
    examples: tuple[Example, ...] = ()
    """Worked examples for the rater, a list."""

    @model_validator(mode="before")
    @classmethod
    def _fill_settings(cls, data: Any) -> Any:
        """Write down the settings of the kind that were left out, so that giving a default changes no version."""
        kind = CRITERION_TYPES.get(str(data.get("type"))) if isinstance(data, Mapping) else None
        return data if kind is None else {**kind.settings, **data}

    @model_validator(mode="after")
    def _check(self) -> Criterion:
        problems = list(_criterion_problems(self))
        if problems:
            raise rule_error(problems)
        return self

    @property
    def kind(self) -> CriterionType:
        """The behaviour behind `type`."""
        return CRITERION_TYPES[self.type]

    @property
    def strength_bound(self) -> float:
        """The largest strength that an answer can express."""
        return self.kind.strength_bound(self)

    def applies(self, meta: Mapping[str, Any]) -> bool:
        """Whether a comparison with this meta is judged by the criterion: every key of `applies_if` must match.

        A meta value that is a list matches when one of its members does; a key that is absent does not match.
        """
        return all(_matches(meta.get(key), accepted) for key, accepted in self.applies_if.items())

    def validate_answer(self, answer: Answer, completion_ids: Sequence[str]) -> None:
        """Raise `AnswerError` unless the answer fits; see `CriterionType.validate`."""
        self.kind.validate(answer, self, completion_ids)

    def signed_value(self, answer: Answer, first: str, second: str) -> float | None:
        """The answer's value in [-1, 1], positive where it favours `first`; see `CriterionType.signed_value`."""
        return self.kind.signed_value(answer, first, second, self)


class TensionRule(_Frozen):
    """What should prevail when two criteria favour different completions."""

    between: tuple[str, str]
    """The keys of two criteria, as in [helpfulness, harmlessness]."""
    precedence: str
    """The key of the criterion that prevails, or the word context: then the guidance tells how to decide."""
    guidance: Prose = ""
    """What the rater reads at the moment the tension appears; required with context."""

    @model_validator(mode="before")
    @classmethod
    def _explain_context(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and CONTEXT in data:
            raise rule_error([RubricProblem((CONTEXT,), "unknown field", "write precedence: context")])
        return data

    @model_validator(mode="after")
    def _check(self) -> TensionRule:
        problems = []
        if self.between[0] == self.between[1]:
            reason = f"{self.between[0]!r} stands twice"
            problems.append(RubricProblem(("between",), reason, "name two different criteria"))
        if self.precedence not in (*self.between, CONTEXT):
            remedy = f"write {self.between[0]}, {self.between[1]} or {CONTEXT}"
            problems.append(RubricProblem(("precedence",), f"{self.precedence!r} is not one of the two", remedy))
        if self.precedence == CONTEXT and not self.guidance:
            reason = "is missing, and precedence is context"
            problems.append(RubricProblem(("guidance",), reason, "say how the context decides"))
        if problems:
            raise rule_error(problems)
        return self

    @property
    def prevailing(self) -> str | None:
        """The key of the criterion that prevails; None where the context decides."""
        return None if self.precedence == CONTEXT else self.precedence


class OverallRule(_Frozen):
    """How the overall verdict is given."""

    points: Points = 7
    """Points of the scale for pairs, from 2 to 101; even scales have no middle and need allow_tie: false."""
    allow_tie: bool = True
    """Whether completions may be tied (true or false)."""
    allow_both_bad: bool = True
    """Whether the rater may reject both completions of a pair (true or false)."""

    @model_validator(mode="after")
    def _check(self) -> OverallRule:
        if self.allow_tie and self.points % 2 == 0:
            reason = f"a scale of {self.points} points has no middle for a tie"
            raise rule_error([RubricProblem(("points",), reason, "write an odd number, or allow_tie: false")])
        return self

    @property
    def strength_bound(self) -> float:
        """The largest strength: half the points, rounded down."""
        return float(self.points // 2)


JUSTIFICATION_RULES = (
    "min_words",
    "must_name_criterion",
    "required_on_tension",
    "must_settle_tension",
    "quotes_must_exist",
    "must_not_repeat",
    "must_match_choice",
)
"""The rules for a justification, by the names of their fields: see `rubrics.justification`."""


class JustificationRule(_Frozen):
    """What a live submission must say in words; imported history is not bound by it."""

    min_words: int = Field(default=0, ge=0)
    """The fewest words that every justification has, a whole number of at least 0; 0 lets raters leave it empty."""
    must_name_criterion: bool = False
    """Whether a justification that is given must name a criterion by key or name (true or false)."""
    required_on_tension: bool = False
    """Whether the justification may not be empty where two criteria favour different completions (true or false)."""
    must_settle_tension: bool = False
    """Whether the rater must say which prevailed, or neither, of two criteria that the screen shows to pull apart
    (true or false)."""
    quotes_must_exist: bool = False
    """Whether passages in quotation marks must stand in the response that is quoted (true or false)."""
    must_not_repeat: bool = False
    """Whether a justification may not nearly repeat an earlier one of the same rater (true or false)."""
    must_match_choice: bool = False
    """Whether a justification may not call another response the better one than overall does (true or false)."""
    advisory: tuple[str, ...] = ()
    """Those of these rules that only advise, a list of their names; the others keep a judgment from being stored."""

    @model_validator(mode="after")
    def _check(self) -> JustificationRule:
        problems = []
        for index, name in enumerate(self.advisory):
            where = ("advisory", index)
            if name not in JUSTIFICATION_RULES:
                reason = f"{name!r} is no rule for justifications"
                problems.append(RubricProblem(where, reason, suggest(name, JUSTIFICATION_RULES)))
            elif not getattr(self, name):
                problems.append(RubricProblem(where, f"the rule {name} is off", f"switch it on beside: {name}: true"))
        if problems:
            raise rule_error(problems)
        return self


class Rubric(_Frozen):
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
        problems = list(_rubric_problems(self))
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


def _matches(value: Any, accepted: Sequence[Any]) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    return any(
        one == other and isinstance(one, bool) == isinstance(other, bool) for one in values for other in accepted
    )


def _criterion_problems(criterion: Criterion) -> Iterator[RubricProblem]:
    """The rules inside one criterion: a free key, only the settings of its type, anchors on its scale."""
    if criterion.key in RESERVED_KEYS:
        yield RubricProblem(("key",), f"{criterion.key!r} is a reserved word", "choose another key")
    kind = criterion.kind
    for name in ("points", "minimum", "maximum"):
        if name not in kind.settings and getattr(criterion, name) is not None:
            remedy = f"leave it out; the settings of this type are: {', '.join(kind.settings) or 'none'}"
            yield RubricProblem((name,), f"does not belong to type {criterion.type}", remedy)
        if name in kind.settings and getattr(criterion, name) is None:
            yield RubricProblem((name,), "is empty", f"give a number, or leave the line out for {kind.settings[name]}")
            return
    if criterion.minimum is not None and criterion.maximum is not None and criterion.minimum >= criterion.maximum:
        reason = f"{criterion.maximum} is not above the minimum {criterion.minimum}"
        yield RubricProblem(("maximum",), reason, "give a larger maximum")
        return
    if criterion.veto and criterion.type != "check":
        remedy = "make it a check (yes or no for each response), or leave veto out"
        yield RubricProblem(("veto",), f"a criterion of type {criterion.type} cannot veto", remedy)
    yield from _anchor_problems(criterion, kind.anchor_range(criterion))


def _anchor_problems(criterion: Criterion, points: range) -> Iterator[RubricProblem]:
    for point in criterion.anchors:
        if not points:
            yield RubricProblem(("anchors", str(point)), f"type {criterion.type} has no points", "leave anchors out")
        elif point not in points:
            remedy = f"describe points from {points[0]} to {points[-1]}"
            if point < 0 and criterion.type == "preference_scale":
                remedy += "; one text serves both sides, because responses change sides"
            yield RubricProblem(("anchors", str(point)), f"point {point} is not on the scale", remedy)


def _rubric_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    """The rules that need the whole rubric."""
    yield from _duplicate_problems(rubric)
    yield from _weight_problems(rubric)
    yield from _tension_problems(rubric)
    yield from _test_problems(rubric)
    if rubric.justification.must_name_criterion and not rubric.criteria:
        remedy = "write false, or add criteria"
        yield RubricProblem(("justification", "must_name_criterion"), "there is no criterion to name", remedy)
    for index, criterion in enumerate(rubric.criteria):
        for at, example in enumerate(criterion.examples):
            if example.prefer == NOT_APPLICABLE and not criterion.allow_not_applicable:
                where = ("criteria", index, "examples", at, "prefer")
                yield RubricProblem(where, "not_applicable is not allowed here", "write allow_not_applicable: true")


def _duplicate_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    for field in ("key", "name"):
        words = [getattr(criterion, field).casefold() for criterion in rubric.criteria]
        for index, word in enumerate(words):
            if word in words[:index]:
                reason = f"{getattr(rubric.criteria[index], field)!r} is taken by criteria[{words.index(word)}]"
                yield RubricProblem(("criteria", index, field), reason, f"give every criterion its own {field}")


def _weight_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    given = [criterion.weight for criterion in rubric.criteria if criterion.weight is not None]
    if not given:
        return
    if not any(given):
        first = next(index for index, criterion in enumerate(rubric.criteria) if criterion.weight is not None)
        yield RubricProblem(("criteria", first, "weight"), "every weight is 0", "give one criterion a weight above 0")
    for index, criterion in enumerate(rubric.criteria):
        if criterion.weight is None:
            reason = "is missing, and other criteria have one"
            yield RubricProblem(("criteria", index, "weight"), reason, "give every criterion a weight, or none")


def _tension_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    seen: list[set[str]] = []
    for index, rule in enumerate(rubric.tensions):
        for at, key in enumerate(rule.between):
            if key not in rubric.criterion_keys:
                remedy = suggest(key, rubric.criterion_keys) if rubric.criteria else "this rubric has no criteria"
                yield RubricProblem(("tensions", index, "between", at), f"{key!r} is no criterion", remedy)
        if set(rule.between) in seen:
            where = ("tensions", index, "between")
            reason = f"{' and '.join(rule.between)} have a rule already"
            yield RubricProblem(where, reason, "keep one rule per pair")
        yield from _veto_problems(rubric, index, rule)
        seen.append(set(rule.between))


def _veto_problems(rubric: Rubric, index: int, rule: TensionRule) -> Iterator[RubricProblem]:
    """A veto prevails over every criterion that is none: no rule may say otherwise."""
    vetoing = [key for key in rule.between if key in rubric.vetoes]
    if len(vetoing) == 1 and rule.precedence != vetoing[0]:
        reason = f"{rule.precedence!r} cannot decide against the veto of {vetoing[0]!r}"
        remedy = f"write {vetoing[0]}, or leave the veto out"
        yield RubricProblem(("tensions", index, "precedence"), reason, remedy)


def _test_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    for index, test in enumerate(rubric.tests):
        for key, answer in test.expect.items():
            where = ("tests", index, "expect", key)
            if key != OVERALL and key not in rubric.criterion_keys:
                remedy = suggest(key, (*rubric.criterion_keys, OVERALL))
                yield RubricProblem(where, f"{key!r} is no criterion", remedy)
                continue
            allowed = _expectable(rubric, key)
            if answer not in allowed:
                yield RubricProblem(where, f"{answer!r} cannot be expected", f"write one of {', '.join(allowed)}")


def _expectable(rubric: Rubric, key: str) -> tuple[str, ...]:
    """The answers that a test may expect of a criterion or of `overall`."""
    if key == OVERALL:
        ties = (TIE,) if rubric.overall.allow_tie else ()
        return ("a", "b", *ties, *((BOTH_BAD,) if rubric.overall.allow_both_bad else ()), CANNOT_JUDGE)
    missing = MISSING if rubric.criterion(key).allow_not_applicable else MISSING - {NOT_APPLICABLE}
    return ("a", "b", TIE, *sorted(missing))
