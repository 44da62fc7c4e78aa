"""The parts of a rubric: criteria with their examples, tension rules, the verdict, the justification, tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE, TIE, Answer
from rubrics.criterion_types import CRITERION_TYPES, CriterionType
from rubrics.errors import RubricProblem, rule_error, suggest

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


class Frozen(BaseModel):
    """A part of a rubric: immutable, and strict about the names of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Example(Frozen):
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


class RubricTest(Frozen):
    """A worked example with the expected answers, for `steelyard rubric test`; raters never see it."""

    prompt: str
    """What the user wrote."""
    a: str
    """One response."""
    b: str
    """The other response."""
    expect: dict[str, str] = Field(min_length=1)
    """Criterion key, or overall, with a, b, tie, cannot_judge, not_applicable, or (overall only) both_bad."""


class Criterion(Frozen):
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


class TensionRule(Frozen):
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


class OverallRule(Frozen):
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


class JustificationRule(Frozen):
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
