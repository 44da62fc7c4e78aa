"""The model card of a trained reward model: what it learned from, how, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from app.stats.words import counted
from reward.dataset import CutReport
from reward.models import EMBEDDED_BASE, EMBEDDED_LICENCE
from reward.report import markdown_report
from reward.targets import FROM_VOTES, TARGETS

EMBEDDED_SOURCE = "sentence-transformers/all-MiniLM-L6-v2"


def model_card(run: Mapping[str, Any], evaluation: Mapping[str, Any] | None) -> str:
    """The README.md of a model directory, in Hugging Face's form.

    Args:
        run: the document of `run.json`.
        evaluation: from `reward.evaluate`, or None where the snapshot holds nothing out.
    """
    parts = [_front_matter(run), _introduction(run), _data(run), _training(run), _measures(evaluation), _use(run)]
    return "\n\n".join(parts) + "\n"


def _front_matter(run: Mapping[str, Any]) -> str:
    base = run["base"]
    meta: dict[str, Any] = {"library_name": "transformers", "tags": ["reward-model", "steelyard", "trl"]}
    if base["kind"] == "embedded":
        meta |= {"base_model": EMBEDDED_SOURCE, "license": EMBEDDED_LICENCE}
    elif base["kind"] == "hub":
        meta["base_model"] = base["name"]
    meta["pipeline_tag"] = "text-classification"
    return f"---\n{yaml.safe_dump(meta, sort_keys=True).strip()}\n---"


def _introduction(run: Mapping[str, Any]) -> str:
    text = (
        f"# Reward model {run['run_id']}\n\n"
        f"Gives a response to a prompt one number; the higher of two is the one people are expected to prefer. "
        f"Trained from `{run['base']['name']}` with TRL on snapshot `{run['snapshot']['hash']}`."
    )
    if run["base"]["name"] == EMBEDDED_BASE:
        text += (
            "\n\nThe base is small (22.7 million parameters): good for a first end-to-end run and for easy signals "
            "such as length, style and convincingness, not for fine distinctions. Name a larger one for real work."
        )
    return text


def _data(run: Mapping[str, Any]) -> str:
    snapshot, cut = run["snapshot"], CutReport(**run["training"]["cut"])
    kinds = snapshot.get("counted_kinds")
    lines = [
        "## Data",
        "",
        f"- snapshot `{snapshot['name']}`, sha256 `{snapshot['hash']}`; its own card documents votes and agreement",
        f"- votes counted: {', '.join(kinds) if kinds else 'the manifest does not say'}",
        f"- aggregation: {snapshot.get('aggregation') or 'the manifest does not say'}",
        f"- trained on: {cut.sentence()}",
        f"- ties (soft label .5): {_ties(run)}",
    ]
    return "\n".join(lines)


def _ties(run: Mapping[str, Any]) -> str:
    if run["parameters"]["include_ties"]:
        return "included"
    n = run["training"].get("n_ties_left_out")  # absent in runs of before they were counted
    return "left out" if n is None else f"{n:,} left out" if n else "there are none"


def _training(run: Mapping[str, Any]) -> str:
    training, parameters, rendering = run["training"], run["parameters"], run["rendering"]
    stopped = {
        "epochs": "all epochs done",
        "time_limit": "stopped by the time limit",
        "early_stopping": f"stopped early, weights of step {training.get('best_step')}",
    }[training["stopped_by"]]
    lines = [
        "## Training",
        "",
        f"- target `{run['target']}`: "
        + TARGETS[run["target"]]
        + ", weighted by the snapshot's weights"
        + _target_counts(training["target"]),
        f"- {counted(training['n_steps'], 'step')} of "
        f"{counted(parameters['batch_size'] * parameters['gradient_accumulation'], 'pair')}, "
        f"{training['n_epochs']:.2f} epochs, {stopped}; {duration(training)} in {training['precision']}",
        f"- learning rate {parameters['learning_rate']}, seed {parameters['seed']}; "
        f"{_trained_part(training, parameters)}",
        *_adapters(parameters),
        f"- {_sharing(training['prefix_sharing'])}",
        f"- texts rendered as `{rendering['layout']}`, at most {rendering['max_length_tokens']} tokens",
        f"- versions: {', '.join(f'{name} {version}' for name, version in run['versions'].items())}",
    ]
    return "\n".join(lines)


def duration(training: Mapping[str, Any]) -> str:
    """How long a run trained, and how much of it since it was resumed."""
    text = f"{training['seconds']:.0f} s"
    since = training.get("seconds_since_resume")  # absent in runs of before it was kept
    if since is None:
        return text
    return f"{text}, {since:.0f} s of them since it was resumed after step {training['resumed_from_step']:,}"


def _trained_part(training: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    n_trained, n = training["n_trainable_parameters"], training["n_parameters"]
    if n_trained == n:
        return f"all {n:,} parameters trained"
    frozen = f" (embeddings and {counted(parameters['freeze_layers'], 'layer')} frozen)"
    return f"{n_trained:,} of {n:,} parameters trained{frozen if parameters['freeze_layers'] else ''}"


def _target_counts(target: Mapping[str, Any]) -> str:
    """What computing the labels from the votes changed."""
    if target["target"] not in FROM_VOTES:
        return ""
    pairs = counted(target["n_pairs"], "pair")
    text = f"; mean label {target['mean_label']:.3f}, {target['n_turned']:,} of {pairs} turned"
    text += f", {target['n_settled']:,} settled by adjudicators, {target['n_without_votes']:,} without votes"
    model = target["rater_model"]
    if model:
        end = "converged" if model["converged"] else "did not converge"
        text += f"; rater model {end} after {model['n_iterations']} iterations"
    return text


def _adapters(parameters: Mapping[str, Any]) -> list[str]:
    if not parameters["lora_rank"]:
        return []
    return [
        f"- LoRA of rank {parameters['lora_rank']} (alpha {parameters['lora_alpha']:g}) and the head; adapters merged, "
        "and kept in `adapter/`"
    ]


def _sharing(sharing: Mapping[str, Any]) -> str:
    if not sharing["used"]:
        return f"prefixes not shared: {sharing['reason']}"
    return f"prefixes shared, exactly: {sharing['saved']:.0%} of the tokens computed once instead of twice"


def _measures(evaluation: Mapping[str, Any] | None) -> str:
    if evaluation is None:
        return "## Evaluation\n\nNone: the snapshot has neither a test nor a validation split."
    split = evaluation["data"]["split"]
    return f"## Evaluation\n\nOn the {split} split of the snapshot.\n\n{markdown_report(evaluation)}"


def _use(run: Mapping[str, Any]) -> str:
    return (
        "## Use\n\n"
        "```\nsteelyard score --model DIR --input FILE --output scores.jsonl\n"
        "steelyard evaluate --model DIR --data SNAPSHOT_OR_FILE\n```\n\n"
        f"The class is `{run['model_class']}`; `run.json` says how texts are rendered, and scores are only comparable "
        "when they are rendered that way."
    )
