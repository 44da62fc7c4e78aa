"""The README of a snapshot: a Hugging Face dataset card whose header lets `datasets` load the directory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.services.snapshot_files import part_name
from app.stats.report import interval, number, percent
from reward.contract import JUDGMENT_COLUMNS, PAIR_COLUMNS, POOL_COLUMNS, SPLITS
from rubrics.model import Rubric

Document = Mapping[str, Any]

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card_text(content: Document, rubric: Rubric) -> str:
    """The dataset card.

    Args:
        content: the manifest's content, without `files`.
        rubric: the rubric of all judgments.
    """
    sections = (
        _header(content),
        _summary(content),
        _loading(),
        _collection(content, rubric),
        _quality(content, rubric),
        _labels(content),
        _splits(content),
        _dropped(content),
        _columns(),
        _licences(content),
        _limits(content),
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _header(content: Document) -> str:
    splits = content["splits"]
    lines = ["---", f"pretty_name: {json.dumps(content['title'], ensure_ascii=False)}", "license: other"]
    lines += ["tags:", "- preference", "- rlhf", "- reward-modeling", "- steelyard"]
    n_pairs = content["counts"]["n_pairs"]
    lines += ["size_categories:", f"- {next((name for top, name in SIZES if n_pairs < top), 'n>1M')}"]
    lines += ["configs:"]
    data, ties = ({split: n for split, n in splits[key].items() if n} for key in ("n_pairs", "n_ties"))
    lines += _config("default", {split: [part_name("data", split)] for split in data}, is_default=True)
    both = {
        split: [part_name(folder, split) for folder, found in (("data", data), ("ties", ties)) if split in found]
        for split in SPLITS
    }
    lines += _config("all", {split: paths for split, paths in both.items() if paths})
    lines += _config("judgments", {"train": ["judgments.parquet"]})
    if content["counts"]["n_pool"]:
        lines += _config("pool", {"train": ["pool.parquet"]})
    return "\n".join([*lines, "---"])


def _config(name: str, files: Mapping[str, Sequence[str]], *, is_default: bool = False) -> list[str]:
    lines = [f"- config_name: {name}", *(["  default: true"] if is_default else []), "  data_files:"]
    for split, paths in files.items():
        lines += [f"  - split: {split}", "    path:", *(f"    - {path}" for path in paths)]
    return lines


def _summary(content: Document) -> str:
    counts = content["counts"]
    raters = ", ".join(f"{n:,} {kind}" for kind, n in counts["n_raters"].items())
    return f"""# {content["title"]}

A frozen snapshot of the preference campaign `{content["campaign"]}`, as of event {content["event_number"]:,} of its
ledger: {counts["n_pairs"]:,} training pairs and {counts["n_ties"]:,} ties, from {counts["n_judgments"]:,} judgments
(raters: {raters}). It never changes; `manifest.json` names the sha256 of every file.

| | |
|---|---|
| pairs with a preferred response | {counts["n_pairs"]:,} |
| ties | {counts["n_ties"]:,} |
| comparisons behind them | {counts["n_comparisons"]:,} of {counts["n_comparisons_in_campaign"]:,} in the campaign |
| votes behind the pairs | {counts["n_votes_in_pairs"]:,} |
| comparisons that nobody of these kinds has judged (`pool.parquet`) | {counts["n_pool"]:,} |"""


def _loading() -> str:
    return """## How to load it

```python
from datasets import load_dataset

pairs = load_dataset("DIRECTORY")                       # the configuration `default`: pairs, without ties
with_ties = load_dataset("DIRECTORY", name="all")       # and ties, as soft label .5, the chosen side drawn by hash
votes = load_dataset("DIRECTORY", name="judgments")     # every vote behind it, one row a judgment, criterion and pair
```

`steelyard train --snapshot DIRECTORY --base MODEL --output MODEL_DIRECTORY` trains a reward model from it."""


def _collection(content: Document, rubric: Rubric) -> str:
    kinds = ", ".join(content["counted_kinds"])
    simulated = (
        "\n**Votes of kind `simulated` are drawn by a program. They test the pipeline and say nothing of people.**\n"
        if "simulated" in content["counted_kinds"]
        else ""
    )
    machines = "".join(
        f"\n- `{pseudonym}`: {facts['name']} ({facts['kind']})"
        for pseudonym, facts in content["machine_raters"].items()
    )
    machine_text = f"\nMachines among the raters:{machines}\n" if machines else ""
    criteria = "\n".join(f"- `{one.key}` ({one.type}): {one.question}" for one in rubric.criteria)
    instructions = f"\n> {' '.join(rubric.instructions.split())}\n" if rubric.instructions else ""
    rounds = ", ".join(f"`{name}`" for name in content["rounds"])
    purposes = " or ".join(content["counted_purposes"])
    return f"""## How it was collected

Kinds of rater counted: **{kinds}**. Rounds: {rounds}. Each rater saw a prompt and its responses, without the names of
the models, and judged them under the rubric *{rubric.title}* (`rubric.yaml`, version `{rubric.version[:12]}`),
criterion by criterion and overall. Judgments with the purpose {purposes} count, the latest revision of each, and one
a rater and comparison; repeats, exams and audits measure raters and are in `judgments.parquet` only. Raters are
pseudonyms there. Judgments that were imported follow the rules of their source.
{simulated}{machine_text}{_mapping(content)}{instructions}
{criteria or "The rubric has no criteria: only the overall verdict was asked."}"""


def _estimate(document: Document, n_name: str, unit: str) -> str:
    if document["value"] is None:
        return f"undefined: {document['undefined_reason']}"
    shown = interval(document)
    return f"{number(document['value'])} {f'{shown}, ' if shown else ''}{document[n_name]:,} {unit}"


def _mapping(content: Document) -> str:
    """What became of criteria that were judged under older versions; empty where there was one version."""
    mapping = content["rubric"].get("mapping")
    if mapping is None:
        return ""
    newest = content["rubric"]["version"]
    lines = [
        f"- `{version[:12]}`: "
        + (
            ", ".join(
                f"`{old}` left out" if not new else f"`{old}` as `{new}`" for old, new in keys.items() if old != new
            )
            or "criteria under their own names"
        )
        for version, keys in mapping["versions"].items()
        if version != newest
    ]
    return f"""
Judgments were made under {len(mapping["versions"])} versions of the rubric and are given the criteria of the newest:
{chr(10).join(lines)}
Criteria that mean the same in both keep their name. {mapping["n_votes_left_out"]:,} votes on criteria were left out.
"""


def _quality(content: Document, rubric: Rubric) -> str:
    rows = []
    for name, result in content["agreement"]["criteria"].items():
        agreement = _estimate(result["percent_agreement"], "n_pairs", "pairs of votes")
        rows.append(f"| `{name}` | {_estimate(result['krippendorff_alpha'], 'n_votes', 'votes')} | {agreement} |")
    ceiling = _estimate(content["human_ceiling"], "n", "votes")
    return f"""## Agreement

| criterion | Krippendorff's alpha (nominal) | percent agreement |
|---|---|---|
{chr(10).join(rows)}

Intervals are 95 %, from resampling comparisons.

**Ceiling, a rater against the rest**: {ceiling}.
How often one rater's preference is that of the majority of the other raters of the same pair, for raters of kind
{", ".join(content["human_ceiling"]["kinds"])}. A model that reaches it agrees with the labels as a rater does.

{_weights(content["revealed_weights"])}"""


def _weights(weights: Document) -> str:
    if weights["undefined_reason"]:
        return f"**Revealed weights of the criteria**: undefined: {weights['undefined_reason']}."
    rows = "\n".join(
        f"| `{name}` | {_estimate(share, 'n_judgments', 'judgments')} | {number(weights['declared'].get(name))} |"
        for name, share in weights["shares"].items()
    ).replace("| undefined |", "| none |")
    return f"""**Revealed weights**: what each criterion adds to the overall verdicts, beside what the rubric declares.

| criterion | revealed share | declared |
|---|---|---|
{rows}"""


def _labels(content: Document) -> str:
    parameters, settled = content["aggregation_parameters"], content["adjudications"]["n_pairs_settled"]
    fit = ""
    if "n_iterations" in parameters:
        end = "converged" if parameters["converged"] else "did NOT converge"
        fit = f" The fit {end} after {parameters['n_iterations']} iterations."
    return f"""## What a label means

Aggregation `{content["aggregation"]}`: the soft label of a pair is {parameters["meaning"]}.{fit}
A consensus is not the truth: the votes it was made of are in `judgments.parquet`. `both_bad` counts for neither
response, and where at least half of the votes say so the pair is left out. A ranking of k responses gives all its
k(k-1)/2 pairs, each with weight 2/k. Adjudications that found the votes in error settled {settled:,} pairs; other
adjudications changed no label.{_reviews(content["reviews"])}"""


def _reviews(reviews: Document) -> str:
    """What reviews did to the labels; nothing where there were none."""
    if not reviews["n_reviewed"]:
        return ""
    return f"""

A second person reviewed {reviews["n_reviewed"]:,} votes and would have changed {reviews["n_edits"]:,} of them; a senior
settled {reviews["n_settled"]:,} of these, and in {reviews["n_changed"]:,} other answers count in the labels instead of
the vote. `judgments.parquet` has every vote as it was given, and by these the agreement is measured; `reviews` in
`manifest.json` has the answers that count."""


def _splits(content: Document) -> str:
    splits = content["splits"]
    rows = "\n".join(
        f"| {name} | {splits['n_pairs'][name]:,} | {splits['n_ties'][name]:,} | {splits['n_groups'][name]:,} | "
        f"{splits['shares_wanted'][name]:g} |"
        for name in SPLITS
    )
    notes = []
    if splits["omitted"]:
        notes.append(f"Left out, because there are too few groups: {', '.join(splits['omitted'])}.")
    if splits["groups_moved_to_fill_a_split"]:
        notes.append(
            f"{len(splits['groups_moved_to_fill_a_split'])} group(s) were moved to a split that was empty by hash."
        )
    if splits["largest_group_share"] > 0.3:
        share = percent(splits["largest_group_share"])
        notes.append(f"One group holds {share} of the rows: measurements on held-out data rest on few groups.")
    if splits["n_comparisons_without_key"]:
        notes.append(
            f"{splits['n_comparisons_without_key']:,} comparisons lack the key and are grouped by their prompt."
        )
    return f"""## Splits

| split | pairs | ties | groups | share wanted |
|---|---|---|---|---|
{rows}

Split by `{splits["by"]}`, method `{splits["method"]}`: the hash of a group's name decides, so a group is in one split
and stays there when the campaign grows. Prompts that are equal after normalising, that begin one another, or whose
three-word shingles overlap (Jaccard about {splits["near_duplicate_similarity"]} or more, by MinHash) are in one group;
{splits["n_near_duplicate_prompts"]:,} prompts were tied in this way. {" ".join(notes)}"""


def _dropped(content: Document) -> str:
    rows = [
        f"| {drop['explanation']} (`{drop['reason']}`) | {drop['n_pairs']:,} | {drop['n_comparisons']:,} |"
        for drop in content["drops"]
    ]
    table = "\n".join(["| why | pairs | comparisons |", "|---|---|---|", *rows]) if rows else "Nothing was left out."
    left = content["votes_left_out"]
    votes = [f"{n:,} judgments of kind {kind}" for kind, n in left["judgments_of_other_kinds"].items()]
    votes += [f"{n:,} judgments of purpose {name}" for name, n in left["judgments_of_other_purposes"].items()]
    if left["votes_beyond_the_first_of_a_rater"]:
        votes.append(f"{left['votes_beyond_the_first_of_a_rater']:,} further votes of a rater on the same pair")
    filters = content["filters"]
    gold = "left out" if filters["exclude_gold"] else "kept like any other (the keys are not here)"
    return f"""## What was left out

{table}

Votes that count for no label: {"; ".join(votes) or "none"}. A pair needs {filters["min_judgments"]} vote(s);
comparisons with a gold key were {gold}. Withdrawn texts: {len(content["tombstones"]):,} (see `tombstones` in
`manifest.json`)."""


def _columns() -> str:
    def table(columns: Mapping[str, str]) -> str:
        return "\n".join(
            ["| column | meaning |", "|---|---|", *(f"| `{key}` | {text} |" for key, text in columns.items())]
        )

    return f"""## Columns

`data/*.parquet` and `ties/*.parquet`:

{table(PAIR_COLUMNS)}

`judgments.parquet`:

{table(JUDGMENT_COLUMNS)}

`pool.parquet`:

{table(POOL_COLUMNS)}"""


def _cell(text: str) -> str:
    """A text for a cell of a table."""
    return text.replace("|", "\\|")


def _licences(content: Document) -> str:
    texts = content["texts"]

    def listed(counts: Document) -> str:
        largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        more = f" and {len(largest) - 20:,} more" if len(largest) > 20 else ""
        return ", ".join(f"{name} ({n:,})" for name, n in largest[:20]) + more

    return f"""## Licences and origin of the responses

Of {texts["n_completions"]:,} responses (numbers in brackets). Prompts and votes follow the terms of the campaign.

- licences: {listed(texts["licences"])}
- sources: {listed(texts["sources"])}
- models: {listed(texts["models"])}

Where a licence is not stated, ask whoever ran the campaign before you pass this directory on."""


def _limits(content: Document) -> str:
    blank = content["texts"]["n_blank_completions"]
    empty = f"\n- {blank:,} responses are empty or white space; they were judged as such." if blank else ""
    return f"""## Limits

- The labels say what these raters preferred under this rubric, not what is right or true, and not what others prefer.
- Pairs with few votes have coarse labels: with n votes a vote share has only n + 1 values. Train on the soft labels.
- Raters may favour long or well-formatted responses; compare every reward model with "the longer response wins".
- Texts are as the models wrote them and may be wrong, harmful or personal.{empty}"""
