"""An evaluation in words: for the terminal, and as the tables of the model card."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from app.stats.words import counted, undecided_left_out
from reward.dataset import CutReport
from reward.probes import sentence as probes_sentence

ROW_NAMES = {
    "model": "reward model",
    "longer_wins": "longer response wins",
    "shorter_wins": "shorter response wins",
    "tfidf": "bag of words (TF-IDF)",
    "frozen": "logistic regression on frozen embeddings",
}


def accuracy_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The model, its baselines and the human ceiling: (name, estimate as JSON)."""
    rows = [("model", evaluation["accuracy"]), *evaluation["baselines"].items()]
    kinds = evaluation["data"].get("counted_kinds") or ["human"]
    ceiling = (f"ceiling of {' and '.join(kinds)} raters", evaluation["human_ceiling"])
    return [*((ROW_NAMES[name], estimate) for name, estimate in rows), ceiling]


def text_report(evaluation: Mapping[str, Any]) -> str:
    """The whole evaluation as plain text, 100 columns at most."""
    data, model = evaluation["data"], evaluation["model"]
    where = f"split {data['split']} of snapshot {data['hash'][:12]}" if data["kind"] == "snapshot" else data["name"]
    clustered = evaluation["accuracy_clustered"]
    lines = [
        f"Reward model {model['run_id']} (base {model['base']}, target {model['target']}) on {where}",
        f"{counted(evaluation['n_pairs'], 'pair')}, {counted(evaluation['n_comparisons'], 'comparison')}, "
        f"{counted(evaluation['n_prompts'], 'prompt')}; "
        f"labels: {data['label_source']}{undecided_left_out(data.get('n_undecided'))}",
        CutReport(**evaluation["cut"]).sentence(),
        "",
        *_table(
            ["accuracy", "value", "95 % interval", "n", "ties"],
            [
                [name, _value(e), _bounds(e), _count(e.get("n")), _count(e.get("n_tied"))]
                for name, e in accuracy_rows(evaluation)
            ],
        ),
        *_reasons(evaluation),
        "",
        f"Clustered: {_value(clustered)} {_interval(clustered)}"
        f" ({clustered['method'] or clustered['undefined_reason']})",
        evaluation["verdict"],
        *_against_model(evaluation),
        *_caution(evaluation),
        "",
        f"Likelihood   {_value(evaluation['nll'])} nats a pair; against soft labels "
        f"{_value(evaluation['nll_soft'])} (floor {_value(evaluation['label_entropy'])}; .693 knows nothing)",
        f"Calibration  expected error {_value(evaluation['calibration'])}, n {evaluation['calibration']['n']:,}",
        _temperature(evaluation),
        _best_of_n(evaluation),
        _disagreement(evaluation),
        "",
        *_table(
            ["slice", "accuracy", "95 % interval", "n", "ties"],
            [[s["name"], _value(s), _interval(s), _count(s["n"]), _count(s["n_tied"])] for s in evaluation["slices"]],
        ),
        "",
        *_table(PROBES_HEADER, _probe_rows(evaluation)),
        "",
        *_probes_read(evaluation),
    ]
    return "\n".join(part for line in lines for part in _wrapped(line))


def markdown_report(evaluation: Mapping[str, Any]) -> str:
    """Accuracy table, verdict, calibration and slices as Markdown."""
    rows = [
        f"| {name} | {_value(e)} | {_interval(e)} | {_count(e.get('n'))} | {_count(e.get('n_tied'))} |"
        for name, e in accuracy_rows(evaluation)
    ]
    slices = [
        f"| {s['name']} | {_value(s)} | {_interval(s)} | {_count(s['n'])} | {_count(s['n_tied'])} |"
        for s in evaluation["slices"]
    ]
    return "\n".join(
        [
            "| accuracy | value | 95 % interval | n | ties |",
            "|---|---|---|---|---|",
            *rows,
            "",
            evaluation["verdict"],
            *_against_model(evaluation),
            *_caution(evaluation),
            "",
            f"Negative log-likelihood {_value(evaluation['nll'])} nats a pair "
            f"({_value(evaluation['nll_soft'])} against soft labels, whose floor is "
            f"{_value(evaluation['label_entropy'])}); expected calibration error "
            f"{_value(evaluation['calibration'])}; n = {evaluation['n_pairs']:,}.",
            "",
            _temperature(evaluation),
            "",
            _best_of_n(evaluation),
            "",
            _disagreement(evaluation),
            "",
            *_reliability(evaluation),
            "",
            "| slice | accuracy | 95 % interval | n | ties |",
            "|---|---|---|---|---|",
            *slices,
            "",
            f"| {' | '.join(PROBES_HEADER)} |",
            "|---|---|---|---|---|",
            *(f"| {' | '.join(row)} |" for row in _probe_rows(evaluation)),
            "",
            *_probes_read(evaluation),
        ]
    )


PROBES_HEADER = ("cheap trick, or damage", "fooled", "95 % interval", "n", "shift (sd)")
PROBES_NOTE = (
    "Fooled: of the pairs that the model had right, those that it gets wrong once the rejected response is dressed "
    "up; of the damaged chosen responses, those that it does not rank below the original. Shift: mean change of the "
    "reward, in standard deviations of the margins."
)


def _probe_rows(evaluation: Mapping[str, Any]) -> list[list[str]]:
    """One row a probe: its name, how often it fools the model with interval and n, how far it moves rewards."""
    return [
        [one["name"], _value(e := one["fooled"]), _interval(e), _count(e.get("n")), _value(one["shift"])]
        for one in evaluation.get("probes", {"probes": []})["probes"]
    ]


def _probes_read(evaluation: Mapping[str, Any]) -> list[str]:
    """What to beware of; nothing in a report from before there were probes."""
    return [f"{probes_sentence(evaluation['probes'])} {PROBES_NOTE}"] if "probes" in evaluation else []


def _against_model(evaluation: Mapping[str, Any]) -> list[str]:
    """A sentence where the model was measured against another one."""
    other = evaluation.get("against_model")
    return ["", other["sentence"]] if other else []


def _temperature(evaluation: Mapping[str, Any]) -> str:
    """The fitted temperature and what it would do."""
    t = evaluation["temperature"]
    if t["value"] is None:
        return f"Temperature: undefined ({t['undefined_reason']})."
    interval = f" ({_interval(t)})" if t["low"] is not None else ""
    return (
        f"Temperature {_value(t)}{interval}: with margins divided by it the likelihood is {_value(t['nll_after'])} and "
        f"the calibration error {_value(t['error_after'])}, each measured on folds it was not fitted on."
    )


def _best_of_n(evaluation: Mapping[str, Any]) -> str:
    """Best-of-n accuracy, or why there is none."""
    best = evaluation["best_of_n"]
    if best["value"] is None:
        return f"Best of n: {best['undefined_reason']}."
    text = (
        f"Best of {best['mean_responses']:.1f}: {_value(best)} ({_interval(best)}), n {best['n']:,}; by lot "
        f"{best['chance']:.3f}."
    )
    if best["subsets"]:
        parts = ", ".join(f"{part['subset']} {_value(part)} (n {part['n']:,})" for part in best["subsets"])
        text += f" Subsets: {parts}; their mean {best['mean_of_subsets']:.3f}."
    return text


def _disagreement(evaluation: Mapping[str, Any]) -> str:
    """How many disagreements there are, and of which kind."""
    found = evaluation["disagreements"]
    return (
        f"The model contradicts {counted(found['n'], 'label')}: "
        f"{counted(found['n_likely_label_errors'], 'likely label error')}, "
        f"{counted(found['n_likely_blind_spots'], 'likely blind spot')} of the model (listed in report.json, and by "
        "`steelyard evaluate --json`)."
    )


def _reliability(evaluation: Mapping[str, Any]) -> list[str]:
    """The reliability diagram as a table."""
    bins = evaluation["calibration"]["bins"]
    rows = [
        f"| {b['low']:.2f} to {b['high']:.2f} | {b['confidence']:.3f} | {b['accuracy']:.3f} | "
        f"{b['accuracy_low']:.3f} to {b['accuracy_high']:.3f} | {b['n']:,} |"
        for b in bins
    ]
    return ["| stated confidence | mean | right | 95 % interval | n |", "|---|---|---|---|---|", *rows]


def _caution(evaluation: Mapping[str, Any]) -> list[str]:
    """A line where the model was trained on some of the pairs, and one where it has seen their prompts."""
    overlap = evaluation["overlap"]
    return [part for line in (overlap["caution"], overlap.get("note")) if line for part in ("", line)]


def _wrapped(line: str) -> list[str]:
    """Prose of more than 100 columns on several lines; tables stay as they are."""
    return textwrap.wrap(line, 100) if len(line) > 100 and "   " not in line else [line]


def _value(estimate: Mapping[str, Any]) -> str:
    value = estimate.get("value")
    return "undefined" if value is None else f"{value:.3f}"


def _interval(estimate: Mapping[str, Any]) -> str:
    """The bounds, or why the estimate is undefined."""
    if estimate.get("value") is None:
        return str(estimate.get("undefined_reason") or "")
    return _bounds(estimate)


def _bounds(estimate: Mapping[str, Any]) -> str:
    low, high = estimate.get("low"), estimate.get("high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _reasons(evaluation: Mapping[str, Any]) -> list[str]:
    """Why a row of the accuracy table is undefined, below it: a column would not hold a sentence."""
    return [
        f"{name}: {estimate['undefined_reason']}"
        for name, estimate in accuracy_rows(evaluation)
        if estimate.get("value") is None and estimate.get("undefined_reason")
    ]


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in [header, *rows]
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]
