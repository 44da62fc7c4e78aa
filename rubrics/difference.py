"""What two rubrics differ in, and whether a difference changes the meaning of judgments or only the wording.

Meaning: criteria added or removed, types, scales, weights, vetoes, what applies, precedence, and the rules of the
overall verdict. A text is wording while it says the same in other words; see `says_the_same`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rubrics.model import Criterion, Example, Rubric, TensionRule
from rubrics.words import LIMITS, is_number, overlap, telling, words_of

Kind = Literal["added", "removed", "changed"]
Effect = Literal["meaning", "wording"]

SAME_WORDS = 0.6
"""Two texts share at least this part of their telling words (Dice) while one is a rewording of the other."""


@dataclass(frozen=True)
class Change:
    """One difference between two rubrics.

    Attributes:
        place: where, in words ("Helpfulness: guidance").
        kind: added, removed or changed.
        before: empty where it was added.
        after: empty where it was removed.
        effect: whether judgments mean something else under the other rubric, or only the words differ.
        why: what makes it so, in a few words.
        criterion: the key of the criterion that it is about; empty where it is about none, or about two.
    """

    place: str
    kind: Kind
    before: str
    after: str
    effect: Effect
    why: str
    criterion: str = ""


def changes(before: Rubric, after: Rubric) -> list[Change]:
    """What raters see differently, in the order of the rubric; empty for the same version.

    Symmetric: the other way round gives the same places and effects, with before and after exchanged.
    """
    found = [
        *_texts(before, after, {"title": "title", "instructions": "instructions"}, where="Rubric"),
        *_criteria(before, after),
        *_weights(before, after),
        *_tensions(before, after),
        *_settings(before.overall, after.overall, _OVERALL_FIELDS, where="Overall", effect="meaning"),
        *_settings(
            before.justification, after.justification, _JUSTIFICATION_FIELDS, where="Justification", effect="wording"
        ),
    ]
    return [change for change in found if change.before != change.after]


def changes_meaning(before: Rubric, after: Rubric, key: str) -> bool:
    """Whether a criterion of both rubrics means something else in one of them; tension rules aside."""
    found = _criterion(before.criterion(key), after.criterion(key))
    return any(change.effect == "meaning" and change.before != change.after for change in found)


def says_the_same(before: str, after: str) -> str:
    """Whether one text rewords another: empty if so, else what tells them apart.

    It does when numbers, limiting words (not, never, only, unless ...) and obligations (must, should, may) are the
    same, and the telling words overlap by `SAME_WORDS`. Symmetric. A text that is absent says nothing: to add or
    remove one is a change of meaning.
    """
    if not before.strip() or not after.strip():
        return "there was no text" if not before.strip() else "the text is gone"
    old, new = words_of(before), words_of(after)
    for name, wanted in (("numbers", is_number), ("limiting words", LIMITS.__contains__)):
        one, other = (sorted(filter(wanted, words)) for words in (old, new))
        if one != other:
            return f"{name} differ: {', '.join(one) or 'none'} against {', '.join(other) or 'none'}"
    if old == new:
        return ""
    shared = overlap(telling(before), telling(after))
    return "" if shared >= SAME_WORDS else f"{shared:.0%} of the telling words are shared"


# --- parts of a rubric -----------------------------------------------------------------------------------------------

_SETTINGS = {
    "type": "type",
    "points": "points",
    "minimum": "lowest rating",
    "maximum": "highest rating",
    "veto": "veto",
    "allow_not_applicable": "may not apply",
    "applies_if": "asked only if",
}
_OVERALL_FIELDS = {"points": "points", "allow_tie": "ties", "allow_both_bad": "both bad"}
_JUSTIFICATION_FIELDS = {
    "min_words": "fewest words",
    "must_name_criterion": "must name a criterion",
    "required_on_tension": "required on tension",
    "must_settle_tension": "must say which prevailed",
    "quotes_must_exist": "quotes must exist",
    "must_not_repeat": "must not repeat an earlier one",
    "must_match_choice": "must match the choice",
    "advisory": "rules that only advise",
}
_WHY_SETTING = "answers are given, scaled or weighed in another way"


def _criteria(before: Rubric, after: Rubric) -> Iterator[Change]:
    old = {criterion.key: criterion for criterion in before.criteria}
    new = {criterion.key: criterion for criterion in after.criteria}
    for key, criterion in old.items():
        if key not in new:
            place, why = f"Criterion {criterion.name}", "nobody judges it any more"
            yield Change(place, "removed", _summary(criterion), "", "meaning", why, key)
    for key, criterion in new.items():
        if key not in old:
            place, why = f"Criterion {criterion.name}", "nobody judged it before"
            yield Change(place, "added", "", _summary(criterion), "meaning", why, key)
        else:
            yield from _criterion(old[key], criterion)
    yield from _order("Order of criteria", list(old), list(new))


def _order(place: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    """Another order of what stayed."""
    stayed = [name for name in before if name in after], [name for name in after if name in before]
    if stayed[0] != stayed[1]:
        yield Change(place, "changed", *map(", ".join, stayed), "wording", "the same stands in another order")


def _criterion(before: Criterion, after: Criterion) -> Iterator[Change]:
    where = before.name if before.name == after.name else before.key
    found = [
        *_texts(before, after, {"name": "name", "question": "question", "guidance": "guidance"}, where=where),
        *_settings(before, after, _SETTINGS, where=where, effect="meaning"),
    ]
    for point in sorted({*before.anchors, *after.anchors}):
        found.append(_text(f"{where}: point {point}", before.anchors.get(point, ""), after.anchors.get(point, "")))
    old, new = ([_example_words(example) for example in one.examples] for one in (before, after))
    for place in range(max(len(old), len(new))):
        one, other = (texts[place] if place < len(texts) else "" for texts in (old, new))
        found.append(_example(f"{where}: example {place + 1}", one, other, before.examples, after.examples, place))
    yield from (replace(change, criterion=before.key) for change in found)


def _weights(before: Rubric, after: Rubric) -> Iterator[Change]:
    """Declared weights of criteria in both: they mean the same while the shares do."""
    shares = before.declared_weights(), after.declared_weights()
    for key in before.criterion_keys:
        if key in after.criterion_keys:
            old, new = before.criterion(key), after.criterion(key)
            same = math.isclose(*(one.get(key, -1.0) for one in shares), abs_tol=1e-12)
            where = old.name if old.name == new.name else key
            why = "the share is the same" if same else "the criteria are weighed in another way"
            effect: Effect = "wording" if same else "meaning"
            yield replace(_change(f"{where}: weight", _said(old.weight), _said(new.weight), effect, why), criterion=key)


def _example(
    where: str, one: str, other: str, before: Sequence[Example], after: Sequence[Example], place: int
) -> Change:
    """An example illustrates: only one that is decided differently changes what raters are told to do."""
    turned = bool(one and other) and _is_turned(before[place], after[place])
    why = "the same example is decided differently" if turned else "an example illustrates the guidance"
    return _change(where, one, other, "meaning" if turned else "wording", why)


def _is_turned(before: Example, after: Example) -> bool:
    """Whether two examples show the same texts and prefer something else."""
    shown = (before.prompt, before.a, before.b) == (after.prompt, after.a, after.b)
    return shown and before.prefer != after.prefer


def _tensions(before: Rubric, after: Rubric) -> Iterator[Change]:
    pairs = list(dict.fromkeys(frozenset(rule.between) for rule in (*before.tensions, *after.tensions)))
    for pair in pairs:
        old, new = before.tension_rule(*pair), after.tension_rule(*pair)
        place = f"Tension {' against '.join(sorted(pair))}"
        if old is None or new is None:
            yield _change(place, _rule(old), _rule(new), "meaning", "raters are told what prevails")
        else:
            why = "another criterion prevails"
            yield _change(f"{place}: prevails", old.precedence, new.precedence, "meaning", why)
            yield _text(f"{place}: guidance", old.guidance, new.guidance)
            yield from _order(f"{place}: order of the two", old.between, new.between)
    yield from _order(
        "Order of tension rules", *([" | ".join(sorted(r.between)) for r in one.tensions] for one in (before, after))
    )


def _texts(before: Any, after: Any, names: Mapping[str, str], *, where: str) -> Iterator[Change]:
    for field, name in names.items():
        one, other = getattr(before, field), getattr(after, field)
        if field in ("name", "title"):
            yield _change(f"{where}: {name}", one, other, "wording", "it is called something else")
        else:
            yield _text(f"{where}: {name}", one, other)


def _text(where: str, before: str, after: str) -> Change:
    """A text that raters read, and whether it says the same."""
    difference = says_the_same(before, after)
    return _change(
        where, before, after, "meaning" if difference else "wording", difference or "the same in other words"
    )


def _settings(before: Any, after: Any, names: Mapping[str, str], *, where: str, effect: Effect) -> Iterator[Change]:
    """Fields that are no texts: those with a name here, and those of rules that were added to the model since."""
    further = () if isinstance(before, Criterion) else type(before).model_fields
    named = {**names, **{field: field.replace("_", " ") for field in further if field not in names}}
    why = _WHY_SETTING if effect == "meaning" else "it asks for other words, not for another judgment"
    for field, name in named.items():
        yield _change(f"{where}: {name}", _said(getattr(before, field)), _said(getattr(after, field)), effect, why)


def _change(place: str, before: str, after: str, effect: Effect, why: str) -> Change:
    kind: Kind = "added" if not before else "removed" if not after else "changed"
    return Change(place, kind, before, after, effect, why)


def _said(value: Any) -> str:
    """A value as people write it; empty for nothing."""
    if value is None or value == "" or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{key} is {' or '.join(map(_quoted, part))}" for key, part in sorted(value.items()))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _summary(criterion: Criterion) -> str:
    return " ".join(part for part in (criterion.question, criterion.guidance) if part)


def _example_words(example: Example) -> str:
    return f"{example.prompt} / a: {example.a} / b: {example.b} / prefer {example.prefer}: {example.why}"


def _rule(rule: TensionRule | None) -> str:
    return "" if rule is None else f"{rule.precedence}. {rule.guidance}".strip()
