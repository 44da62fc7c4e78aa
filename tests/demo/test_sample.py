"""The sample campaign is whole, and says what it claims."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.demo import sample
from app.demo.sample import NAME, load_sample, n_missing_judgments, rate_sample
from app.domain import RaterKind
from app.services.campaigns import create_campaign, show_campaign
from app.services.people import list_accounts
from app.store.engine import Store
from rubrics.loader import load_library
from tests.services.ledgers import import_lines

FOLDER = Path(__file__).parents[2] / "app" / "demo" / "sample"
RUBRICS = {"pairs": load_library("helpful_harmless"), "rankings": load_library("instruction_factuality")}
DOMAINS = {"advice", "coding", "medical", "safety", "science", "writing"}


def lines(kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(FOLDER.glob(f"{kind}_*.jsonl")) for line in file.open(encoding="utf-8")]


PAIRS, RANKINGS, GOLD = lines("pairs"), lines("rankings"), lines("gold")


def words(text: str) -> int:
    return len(text.split())


def test_there_is_enough_in_every_domain() -> None:
    assert (len(PAIRS) >= 80, len(RANKINGS) >= 10, len(GOLD) >= 150) == (True, True, True)
    for some in (PAIRS, RANKINGS, GOLD):
        assert {line["meta"]["domain"] for line in some} == DOMAINS
    assert all(len(line["completions"]) == 2 for line in PAIRS + GOLD)
    assert all(len(line["completions"]) == 4 for line in RANKINGS)


def test_ids_are_unique_and_no_content_comes_twice() -> None:
    everything = PAIRS + RANKINGS + GOLD
    assert max(Counter(line["id"] for line in everything).values()) == 1
    assert max(Counter(json.dumps(line["prompt"]) for line in everything).values()) == 1
    texts = Counter(completion["text"] for line in everything for completion in line["completions"])
    assert max(texts.values()) == 1


def test_some_are_long_some_have_many_turns_and_many_gold_ones_are_short() -> None:
    assert sum(words(one["text"]) > 250 for line in PAIRS for one in line["completions"]) >= 10
    assert sum(isinstance(line["prompt"], list) and len(line["prompt"]) >= 3 for line in PAIRS) >= 6
    assert sum(all(words(one["text"]) < 60 for one in line["completions"]) for line in GOLD) >= 80


@pytest.mark.parametrize("line", GOLD, ids=lambda line: line["id"])
def test_gold_has_a_key_directions_and_an_explanation(line: dict[str, Any]) -> None:
    gold, ids = line["gold"], {completion["id"] for completion in line["completions"]}
    assert set(gold["accepted"]) <= ids | {"tie", "both_bad"}
    assert set(gold["criteria"]) <= set(RUBRICS["pairs"].criterion_keys)
    assert set(gold["criteria"].values()) <= ids | {"tie"}
    assert words(gold["explanation"]) >= 8
    assert "reference" not in line


def test_no_side_is_always_the_better_one() -> None:
    for some, key in ((PAIRS, "reference"), (GOLD, "gold")):
        better = Counter(line[key]["preferred"] if key == "reference" else line[key]["accepted"][0] for line in some)
        assert 0.4 < better["a"] / (better["a"] + better["b"]) < 0.6
    longer = [
        (words(line["completions"][0]["text"]) > words(line["completions"][1]["text"]))
        == (line["reference"]["preferred"] == "a")
        for line in PAIRS
        if line["reference"]["preferred"] in ("a", "b")
    ]
    assert 0.25 < sum(longer) / len(longer) < 0.75


def sign(verdict: dict[str, Any], first: str, second: str) -> int:
    """Which of two completions a verdict favours: 1 the first, -1 the second."""
    if "scores" in verdict:
        difference = verdict["scores"][first] - verdict["scores"][second]
        return (difference > 0) - (difference < 0)
    if "checks" in verdict:
        return verdict["checks"][first] - verdict["checks"][second]
    return {first: 1, second: -1}.get(verdict["preferred"], 0)


@pytest.mark.parametrize("kind", ["pairs", "rankings"])
def test_designed_tensions_pull_apart(kind: str) -> None:
    designed = [line for line in lines(kind) if line["meta"]["design"].startswith("tension ")]
    assert len(designed) >= {"pairs": 40, "rankings": 5}[kind]
    for line in designed:
        one, other = line["meta"]["design"].removeprefix("tension ").split("|")
        criteria = line["reference"]["criteria"]
        ids = sorted(completion["id"] for completion in line["completions"])
        pulls = [sign(criteria[one], i, j) * sign(criteria[other], i, j) for i, j in itertools.combinations(ids, 2)]
        assert -1 in pulls, f"{line['id']}: {one} and {other} pull together"


def test_the_authors_view_speaks_of_every_criterion() -> None:
    for kind, rubric in RUBRICS.items():
        for line in lines(kind):
            asked = {criterion.key for criterion in rubric.applicable(line["meta"])}
            assert asked <= set(line["reference"]["criteria"]), line["id"]


def test_loading_twice_and_after_an_interruption_gives_the_same_campaign(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "N_JUDGMENTS", 100)
    load_sample(sqlite_store)
    load_sample(sqlite_store)
    overview = show_campaign(sqlite_store, NAME)
    assert overview.n_comparisons == len(PAIRS) + len(RANKINGS) + len(GOLD)
    assert overview.n_gold == len(GOLD)
    assert overview.campaign.counted_kinds == (RaterKind.SIMULATED,)
    assert n_missing_judgments(sqlite_store) == 100

    def interrupt(n_done: int) -> None:
        if n_done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rate_sample(sqlite_store, progress=interrupt)
    assert n_missing_judgments(sqlite_store) == 40
    summary = rate_sample(sqlite_store)
    assert (summary.n_judgments, summary.is_exhausted) == (40, False)
    assert n_missing_judgments(sqlite_store) == 0
    assert rate_sample(sqlite_store).n_judgments == 0
    assert {account.kind for account in list_accounts(sqlite_store)} == {RaterKind.SIMULATED}


def test_a_sample_of_another_release_stays_as_it_is(sqlite_store: Store, tmp_path: Path) -> None:
    create_campaign(sqlite_store, NAME, rubric=RUBRICS["pairs"], counted_kinds=[RaterKind.SIMULATED])
    import_lines(sqlite_store, NAME, [{**PAIRS[0], "prompt": "An older question?"}], tmp_path)
    load_sample(sqlite_store)
    assert show_campaign(sqlite_store, NAME).n_comparisons == len(PAIRS) + len(RANKINGS) + len(GOLD)
