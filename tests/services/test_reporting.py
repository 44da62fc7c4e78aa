"""Reports of a campaign and of a file are the same reports."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from app.domain import RaterKind
from app.errors import InvalidInput, NotFound
from app.services.campaigns import create_campaign
from app.services.exporting import export_campaign
from app.services.reporting import campaign_report, file_report, sliced_file_report, sliced_report
from app.stats.reports import REPORTS
from app.store.engine import Store
from tests.services.ledgers import PLAIN, TWO_CRITERIA, erase_completion, line, make_campaign, vote

LINES = [
    line(
        f"x{i}",
        [
            vote("w1", "ab"[i % 2], 3, shown=["a", "b"], criteria={"help": {"preferred": "a", "strength": 3}}),
            vote("w2", "ab"[i % 3 == 0], 1, shown=["b", "a"], criteria={"help": {"preferred": "b", "strength": 2}}),
            vote("bot", "a", rater_kind="model"),
        ],
        meta={"domain": "xyz"[i % 3]} if i else {},
        gold={"accepted": ["a"], "criteria": {}, "explanation": "because"} if i % 4 == 0 else None,
    )
    for i in range(24)
]
LINES = [{key: value for key, value in one.items() if value is not None} for one in LINES]


@pytest.fixture
def campaign(store: Store, tmp_path: Path) -> Store:
    make_campaign(store, LINES, tmp_path, rubric=TWO_CRITERIA)
    return store


@pytest.mark.parametrize("name", REPORTS)
def test_a_campaign_and_its_export_give_the_same_numbers(campaign: Store, tmp_path: Path, name: str) -> None:
    export_campaign(campaign, "c", tmp_path / "out.jsonl")
    of_campaign = campaign_report(campaign, name, "c").to_json()
    of_file = file_report(name, tmp_path / "out.jsonl", kinds=[RaterKind.HUMAN]).to_json()
    assert of_campaign.pop("as_of_event") is not None
    assert of_file.pop("as_of_event") is None
    assert of_campaign["n_judgments"] == of_file["n_judgments"] == 48
    if name not in ("tensions", "pilot"):  # a campaign's rubric declares weights, rules and scales
        assert of_campaign == of_file


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_on_nothing_is_a_report(store: Store, name: str) -> None:
    create_campaign(store, "empty", rubric=PLAIN)
    document = campaign_report(store, name, "empty").to_json()
    assert (document["n_comparisons"], document["n_raters"], document["n_judgments"]) == (0, 0, 0)


def test_the_campaigns_kinds_count_unless_others_are_named(campaign: Store) -> None:
    assert campaign_report(campaign, "agreement", "c").to_json()["kinds"] == ["human"]
    machine = campaign_report(campaign, "agreement", "c", kinds=[RaterKind.MODEL]).to_json()
    assert (machine["n_raters"], machine["n_judgments"]) == (1, 24)
    both = campaign_report(campaign, "raters", "c", kinds=[RaterKind.MODEL, RaterKind.HUMAN]).to_json()
    assert {rater["rater"]: rater["kind"] for rater in both["raters"]} == {"w1": "human", "w2": "human", "bot": "model"}


def test_slices_cover_the_campaign(campaign: Store) -> None:
    slices = sliced_report(campaign, "agreement", "c", by="meta.domain")
    assert list(slices) == ["(none)", "x", "y", "z"]
    assert [one.to_json()["n_comparisons"] for one in slices.values()] == [1, 7, 8, 8]


def test_a_native_file_is_sliced_as_its_campaign(campaign: Store, tmp_path: Path) -> None:
    export_campaign(campaign, "c", tmp_path / "out.jsonl")
    of_campaign = sliced_report(campaign, "bias", "c", by="meta.domain")
    of_file = sliced_file_report("bias", tmp_path / "out.jsonl", by="meta.domain", kinds=[RaterKind.HUMAN])
    assert list(of_file) == list(of_campaign)
    for value, report in of_campaign.items():
        assert of_file[value].to_json() == {**report.to_json(), "as_of_event": None}
    with pytest.raises(InvalidInput, match="the keys are domain"):
        sliced_file_report("bias", tmp_path / "out.jsonl", by="meta.nope")
    pd.DataFrame({"comparison_id": ["x"], "rater_id": ["r"], "preferred": ["a"]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    with pytest.raises(InvalidInput, match="no meta to slice by"):
        sliced_file_report("bias", tmp_path / "t.csv", by="meta.domain")


def test_a_withdrawn_text_stops_no_report(campaign: Store) -> None:
    erase_completion(campaign, "x1", "a")
    for name in REPORTS:
        assert campaign_report(campaign, name, "c").to_json()["n_judgments"] == 48


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_votes(tmp_path: Path, suffix: str) -> None:
    rows = [(f"x{i}", rater, "ab"[i % 2]) for i in range(20) for rater in ("r1", "r2")]
    table = pd.DataFrame(rows, columns=["comparison_id", "rater_id", "preferred"])
    file = tmp_path / f"votes{suffix}"
    table.to_csv(file, index=False) if suffix == ".csv" else table.to_parquet(file)
    document = file_report("agreement", file).to_json()
    assert (document["kinds"], document["n_comparisons"], document["n_raters"]) == (["human"], 20, 2)
    assert document["criteria"]["overall"]["krippendorff_alpha"]["value"] == 1.0


def test_what_cannot_be_reported_on_is_named(campaign: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no report 'weather'; the reports are agreement"):
        campaign_report(campaign, "weather", "c")
    with pytest.raises(NotFound):
        campaign_report(campaign, "agreement", "nope")
    with pytest.raises(InvalidInput, match=r"meta\.domain"):
        sliced_report(campaign, "agreement", "c", by="domain")
    with pytest.raises(InvalidInput, match="the keys are domain"):
        sliced_report(campaign, "agreement", "c", by="meta.nope")
    with pytest.raises(InvalidInput, match="There is no file"):
        file_report("agreement", tmp_path / "nope.jsonl")
    (tmp_path / "bare.jsonl").write_text(
        '{"prompt": "p", "completions": [{"id": "a", "text": ""}, {"id": "b", "text": ""}]}'
    )
    with pytest.raises(InvalidInput, match="holds no votes"):
        file_report("agreement", tmp_path / "bare.jsonl")
