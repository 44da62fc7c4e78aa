"""What a tension report says, in sentences: only what enough conflicts carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.stats.words import counted
from app.ui.components.reports import in_words, percent

Document = Mapping[str, Any]
SHOW_FROM, COMPARE_FROM = 30, 93
SAME_BELOW = 0.05
LACKING_ABOVE = 0.25
OPEN_ABOVE = 0.25

SHARES = {
    "torn_share": "torn: some criteria pull apart",
    "unexplained_share": "unexplained: no criterion favours a side",
    "defiance_share": "defiance: against every active criterion",
    "against_weights": "against the weighted sum of the rubric",
    "between_raters": "same criteria, opposite verdicts",
}
"""The shares of the report, in the words of the command line."""


def name_of(pair: Document) -> str:
    """A pair in words."""
    return f"{pair['between'][0]} and {pair['between'][1]}"


def too_few(document: Document) -> str:
    """Which pairs have too few conflicts to speak of; empty where none has."""
    few = [pair for pair in document["pairs"] if not pair["enough_to_show"]]
    if not few:
        return ""
    listed = ", ".join(f"{name_of(pair)} ({pair['n_conflicts']})" for pair in few)
    return f"Fewer than {SHOW_FROM} conflicts, so nothing is claimed of: {listed}. Collect more votes on both criteria."


def findings(document: Document) -> list[str]:
    """What deserves a designer's attention, the gravest first."""
    shown = [pair for pair in document["pairs"] if pair["enough_to_show"]]
    found = [sentence for pair in shown if (sentence := _inversion(pair, document) or _raw_inversion(pair, document))]
    defied = sorted((pair for pair in shown if _against(pair) is not None), key=lambda pair: -_against(pair)["value"])
    found += [_rule(pair) for pair in defied]
    found += _about_the_rubric(document)
    found += [sentence for pair in shown for sentence in (_open(pair), _same(pair)) if sentence]
    return found


def _inversion(pair: Document, document: Document) -> str:
    if not pair["is_inversion"]:
        return ""
    weights = document["revealed_weights"]
    heavy, light = sorted(pair["between"], key=lambda name: -(weights[name]["declared"] or 0))
    share = in_words(pair["adjusted_prevails"][light])
    return (
        f"Inversion: the rubric gives {heavy} more weight than {light}, but when the two pull apart and nothing else "
        f"does, verdicts follow {light} {share} of the time."
    )


def _raw_inversion(pair: Document, document: Document) -> str:
    """Raw shares clearly against the declared order, where adjusted ones are undefined."""
    weights = document["revealed_weights"]
    heavy, light = sorted(pair["between"], key=lambda name: -(weights[name]["declared"] or 0))
    adjusted, raw = pair["adjusted_prevails"][light], pair["prevails"][light]
    differ = (weights[heavy]["declared"] or 0) > (weights[light]["declared"] or 0)
    if not differ or adjusted["value"] is not None or raw["low"] is None or raw["low"] <= 0.5:
        return ""
    return (
        f"Perhaps an inversion: the rubric gives {heavy} more weight than {light}, but verdicts follow {light} in "
        f"{in_words(raw)} of {counted(raw['n'], 'decided conflict')}. What the other criteria add cannot be told: "
        f"{adjusted['undefined_reason']}."
    )


def _against(pair: Document) -> Document | None:
    """How often a pair's rule is defied, where enough decided conflicts tell."""
    against = pair["against_rule"]
    return None if against is None or against["value"] is None or against["n"] < SHOW_FROM else against


def _rule(pair: Document) -> str:
    against = pair["against_rule"]
    loser = next(name for name in pair["between"] if name != pair["rule"])
    how = "Rule defied" if against["low"] > 0.5 else "Rule often defied" if against["low"] > 0.25 else "Rule followed"
    return (
        f"{how}: {pair['rule']} should prevail over {loser}; in {in_words(against)} of "
        f"{counted(against['n'], 'decided conflict')} it does not."
    )


def _about_the_rubric(document: Document) -> list[str]:
    found = []
    unexplained, values = document["unexplained_share"], document["between_raters"]
    if unexplained["value"] is not None and unexplained["low"] > LACKING_ABOVE:
        share = in_words(unexplained)
        found.append(f"The rubric probably lacks a criterion: no criterion explains {share} of the verdicts.")
    if values["value"] is not None and values["low"] > 0.1:
        found.append(
            f"A difference of values: raters who agree on every criterion reach opposite verdicts "
            f"{in_words(values)} of the time."
        )
    return found


def _open(pair: Document) -> str:
    unresolved = pair["unresolved"]
    if unresolved["value"] is None or unresolved["low"] <= OPEN_ABOVE:
        return ""
    share = in_words(unresolved)
    return f"Left open: {share} of the conflicts between {name_of(pair)} end in a tie. A rule would help raters."


def _same(pair: Document) -> str:
    rate = pair["tension_rate"]
    if pair["n_active"] < COMPARE_FROM or rate["value"] is None or rate["high"] >= SAME_BELOW:
        return ""
    return (
        f"Perhaps the same thing twice: {name_of(pair)} pull apart in only {percent(rate['value'])} of "
        f"{counted(pair['n_active'], 'judgment')}."
    )
