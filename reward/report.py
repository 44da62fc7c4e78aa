"""An evaluation in words: for the terminal, and as the tables of the model card."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from reward.dataset import CutReport

ROW_NAMES = {
    "model": "reward model",
    "longer_wins": "longer response wins",
    "tfidf": "bag of words (TF-IDF)",
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
        f"{evaluation['n_pairs']:,} pairs, {evaluation['n_comparisons']:,} comparisons, "
        f"{evaluation['n_prompts']:,} {'prompt' if evaluation['n_prompts'] == 1 else 'prompts'}; "
        f"labels: {data['label_source']}",
        CutReport(**evaluation["cut"]).sentence(),
        "",
        *_table(
            ["accuracy", "value", "95 % interval", "n", "ties"],
            [
                [name, _value(e), _interval(e), _count(e.get("n")), _count(e.get("n_tied"))]
                for name, e in accuracy_rows(evaluation)
            ],
        ),
        "",
        f"Clustered: {_value(clustered)} {_interval(clustered)}"
        f" ({clustered['method'] or clustered['undefined_reason']})",
        evaluation["verdict"],
        *_caution(evaluation),
        "",
        f"Likelihood   {_value(evaluation['nll'])} nats a pair; against soft labels "
        f"{_value(evaluation['nll_soft'])} (floor {_value(evaluation['label_entropy'])}; .693 knows nothing)",
        f"Calibration  expected error {_value(evaluation['calibration'])}, n {evaluation['calibration']['n']:,}",
        "",
        *_table(
            ["slice", "accuracy", "95 % interval", "n", "ties"],
            [[s["name"], _value(s), _interval(s), _count(s["n"]), _count(s["n_tied"])] for s in evaluation["slices"]],
        ),
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
            *_caution(evaluation),
            "",
            f"Negative log-likelihood {_value(evaluation['nll'])} nats a pair "
            f"({_value(evaluation['nll_soft'])} against soft labels, whose floor is "
            f"{_value(evaluation['label_entropy'])}); expected calibration error "
            f"{_value(evaluation['calibration'])}; n = {evaluation['n_pairs']:,}.",
            "",
            "| slice | accuracy | 95 % interval | n | ties |",
            "|---|---|---|---|---|",
            *slices,
        ]
    )


def _caution(evaluation: Mapping[str, Any]) -> list[str]:
    """A line where the model was trained on some of the pairs."""
    caution = evaluation["overlap"]["caution"]
    return ["", caution] if caution else []


def _wrapped(line: str) -> list[str]:
    """Prose of more than 100 columns on several lines; tables stay as they are."""
    return textwrap.wrap(line, 100) if len(line) > 100 and "   " not in line else [line]


def _value(estimate: Mapping[str, Any]) -> str:
    value = estimate.get("value")
    return "undefined" if value is None else f"{value:.3f}"


def _interval(estimate: Mapping[str, Any]) -> str:
    low, high = estimate.get("low"), estimate.get("high")
    if low is None or high is None:
        return str(estimate.get("undefined_reason") or "") if estimate.get("value") is None else ""
    return f"{low:.3f} to {high:.3f}"


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
