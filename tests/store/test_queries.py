"""The vote frame and the other readings of the ledger, on both databases."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import update

from app.domain import Message
from app.services.importing import import_file
from app.stats.frames import VOTE_COLUMNS, check_votes
from app.store import queries, tables
from app.store.engine import Store
from app.store.queries import PROMPT
from tests.services.ledgers import TWO_CRITERIA, erase_completion, import_lines, line, make_campaign, ranked, vote


def frame_of(store: Store, campaign_id: int, **options: object) -> pd.DataFrame:
    with store.read() as connection:
        return check_votes(queries.judgments_frame(connection, campaign_id, **options))


def rows_of(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


def test_a_pair_is_one_row_with_its_facts(store: Store, tmp_path: Path) -> None:
    judgment = vote("w1", "b", 2, confidence=4, seconds=41.5, at="2026-01-31T10:00:00Z", shown=["b", "a"])
    campaign_id = make_campaign(store, [line("x1", [judgment | {"justification": "b is right"}])], tmp_path)
    frame = frame_of(store, campaign_id, with_text=True)
    assert set(VOTE_COLUMNS) <= set(frame.columns)
    row = frame.iloc[0]
    assert (row["comparison_id"], row["first"], row["second"], row["rater_id"]) == ("x1", "a", "b", "w1")
    assert (row["rater_kind"], row["round"], row["purpose"], row["criterion"]) == ("human", "main", "work", "overall")
    assert row["outcome"] == "second"
    assert row["value"] == pytest.approx(-2 / 3)  # 7 points: strengths up to 3
    assert row["weight"] == 1
    assert row["first_shown_first"] is False
    assert (row["confidence"], row["seconds"]) == (4, 41.5)
    assert row["at"] == pd.Timestamp("2026-01-31T10:00:00Z")
    assert row["justification"] == "b is right"


def test_every_outcome_has_its_value(store: Store, tmp_path: Path) -> None:
    answers = ["a", "b", "tie", "both_bad", "cannot_judge"]
    lines = [line("x1", [vote(f"w{i}", answer) for i, answer in enumerate(answers)])]
    frame = frame_of(store, make_campaign(store, lines, tmp_path))
    assert frame["outcome"].tolist() == ["first", "second", "tie", "both_bad", "cannot_judge"]
    assert frame["value"].tolist()[:4] == [1, -1, 0, 0]
    assert math.isnan(frame["value"].iloc[4])
    assert not frame["has_strength"].any()
    assert frame["first_shown_first"].tolist() == [None] * 5
    assert frame["at"].isna().all()
    assert frame["seconds"].isna().all()


def test_scores_and_checks_become_signed_values(store: Store, tmp_path: Path) -> None:
    criteria = {
        "help": {"preferred": "a", "strength": 3},
        "clear": {"scores": {"a": 2, "b": 5}},
        "polite": {"checks": {"a": True, "b": False}},
    }
    lines = [line("x1", [vote("w1", "a", criteria=criteria)])]
    frame = frame_of(store, make_campaign(store, lines, tmp_path, rubric=TWO_CRITERIA))
    assert rows_of(frame, "criterion", "outcome", "value") == [
        ("clear", "second", -0.75),  # (2 - 5) / (5 - 1)
        ("help", "first", 1.0),
        ("overall", "first", 1.0),
        ("polite", "first", 1.0),
    ]
    assert frame["judgment_id"].nunique() == 1


def test_a_ranking_is_all_its_pairs_with_weight_two_over_k(store: Store, tmp_path: Path) -> None:
    frame = frame_of(store, make_campaign(store, [ranked("x1", [["c"], ["a", "b"]])], tmp_path))
    assert rows_of(frame, "first", "second", "outcome", "value") == [
        ("a", "b", "tie", 0.0),
        ("a", "c", "second", -1.0),
        ("b", "c", "second", -1.0),
    ]
    assert frame["weight"].tolist() == pytest.approx([2 / 3] * 3)
    assert frame["round"].unique().tolist() == ["ranking"]


def test_a_ranking_that_cannot_be_judged_is_missing_on_every_pair(store: Store, tmp_path: Path) -> None:
    lines = [ranked("x1", [["c"], ["a", "b"]]) | {"judgments": [vote("w1", "cannot_judge")]}]
    frame = frame_of(store, make_campaign(store, lines, tmp_path))
    assert frame["outcome"].tolist() == ["cannot_judge"] * 3
    assert np.isnan(frame["value"]).all()


def test_the_latest_revision_stands_and_an_earlier_event_shows_the_earlier_one(store: Store, tmp_path: Path) -> None:
    campaign_id = make_campaign(store, [line("x1", [vote("w1", "a")])], tmp_path)
    with store.read() as connection:
        before = queries.last_fact_event(connection, campaign_id)
    revised = line("x1", [vote("w1", "a"), vote("w1", "b", revision=1)])
    import_lines(store, "c", [revised, line("x2", [vote("w1", "tie")])], tmp_path)
    assert rows_of(frame_of(store, campaign_id), "comparison_id", "outcome") == [("x1", "second"), ("x2", "tie")]
    assert rows_of(frame_of(store, campaign_id, as_of_event=before), "comparison_id", "outcome") == [("x1", "first")]
    assert len(frame_of(store, campaign_id, as_of_event=before - 1)) == 0


def test_filters_by_kind_round_and_purpose(store: Store, tmp_path: Path) -> None:
    votes = [
        vote("w1", "a"),
        vote("m1", "b", rater_kind="model"),
        vote("w2", "a", purpose="gold"),
        vote("w3", "tie", round="pilot"),
    ]
    campaign_id = make_campaign(store, [line("x1", votes)], tmp_path)
    assert len(frame_of(store, campaign_id)) == 4
    assert frame_of(store, campaign_id, kinds=["model"])["rater_id"].tolist() == ["m1"]
    assert frame_of(store, campaign_id, rounds=["pilot"])["rater_id"].tolist() == ["w3"]
    assert frame_of(store, campaign_id, purposes=["gold"])["rater_id"].tolist() == ["w2"]
    assert len(frame_of(store, campaign_id, kinds=["program"])) == 0


def test_nothing_of_an_unfinished_batch_is_seen(store: Store, tmp_path: Path) -> None:
    campaign_id = make_campaign(store, [line("x1", [vote("w1", "a")])], tmp_path)
    with store.write() as connection:
        connection.execute(update(tables.import_batch).values(completed_at=None))
    with store.read() as connection:
        assert queries.judgments_frame(connection, campaign_id).empty
        assert queries.comparison_ids(connection, campaign_id) == {}
        assert queries.comparison_facts(connection, campaign_id) == []
        assert queries.completions_frame(connection, campaign_id).empty
        assert queries.pool_ids(connection, campaign_id, kinds=["human"]) == {}
        assert queries.last_fact_event(connection, campaign_id) == 0


def test_an_empty_campaign_gives_an_empty_frame_with_all_columns(store: Store, tmp_path: Path) -> None:
    frame = frame_of(store, make_campaign(store, [], tmp_path), with_text=True)
    assert len(frame) == 0
    assert {*VOTE_COLUMNS, "justification"} <= set(frame.columns)


def test_an_account_and_a_pseudonym_of_one_name_stay_apart(store: Store, tmp_path: Path) -> None:
    campaign_id = make_campaign(store, [line("x1", [vote("w1", "a"), vote("w2", "b")])], tmp_path)
    with store.write() as connection:
        connection.execute(update(tables.rater).where(tables.rater.c.name == "w2").values(name="w1", namespace=""))
    assert sorted(frame_of(store, campaign_id)["rater_id"]) == ["/w1", "w1"]


def test_comparisons_come_whole_and_in_the_order_asked_for(store: Store, tmp_path: Path) -> None:
    whole = line("x1", meta={"topic": "t", "n": [1, 2]}, reference={"preferred": "a"}, gold={"accepted": ["a", "tie"]})
    whole["completions"][0] |= {"model": "m1", "parameters": {"temperature": 0.5}, "licence": "MIT", "source": "s"}
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    campaign_id = make_campaign(store, [whole, line("x0", prompt=turns)], tmp_path)
    with store.read() as connection:
        ids = queries.comparison_ids(connection, campaign_id)
        assert list(ids) == ["x0", "x1"]
        assert [fact.id for fact in queries.comparison_facts(connection, campaign_id)] == ["x1", "x0"]
        x1, x0 = queries.read_comparisons(connection, [ids["x1"], ids["x0"]], chunk_size=1)
    assert x0.comparison.prompt == (Message("system", "Be brief."), Message("user", "Hello"))
    assert x0.erased == frozenset()
    assert x1.comparison.meta == {"topic": "t", "n": [1, 2]}
    assert x1.comparison.reference == {"preferred": "a"}
    assert x1.comparison.gold is not None
    assert x1.comparison.gold.accepted == ("a", "tie")
    first = x1.comparison.completions[0]
    assert (first.model, first.parameters, first.source, first.licence) == ("m1", {"temperature": 0.5}, "s", "MIT")


def test_a_withdrawn_text_is_empty_and_listed(store: Store, tmp_path: Path) -> None:
    campaign_id = make_campaign(store, [line("x1"), line("x2")], tmp_path)
    erase_completion(store, "x1", "b")
    with store.read() as connection:
        (found,) = queries.tombstones(connection, campaign_id)
        ids = queries.comparison_ids(connection, campaign_id)
        x1, x2 = queries.read_comparisons(connection, list(ids.values()))
        lengths = queries.completions_frame(connection, campaign_id)
    assert found.places == (("x1", "b"),)
    assert found.reason == "withdrawn by its author"
    assert x1.erased == {"b"}
    assert PROMPT not in x1.erased
    assert x1.comparison.completions[1].text == ""
    assert x2.erased == frozenset()
    assert lengths["n_words"].isna().tolist() == [False, True, False, False]
    assert lengths["n_characters"].iloc[0] == len("answer a to x1")
    assert lengths["n_words"].iloc[0] == 4


def test_the_newest_decision_of_the_newest_round_holds(store: Store, tmp_path: Path) -> None:
    def decided(preferred: str, **fields: str) -> dict[str, str]:
        return {"preferred": preferred, "cause": "error", "reason": "they misread it", "by": "ann", **fields}

    decisions = [decided("a"), decided("b"), decided("tie", round="second")]
    lines = [line("x1", [vote("w1", "a")], adjudications=decisions), line("x2", adjudications=[decided("a")])]
    campaign_id = make_campaign(store, lines, tmp_path)
    with store.read() as connection:
        found = queries.adjudications(connection, campaign_id)
        in_main = queries.adjudications(connection, campaign_id, rounds=["main"])
    assert [(one.comparison_id, one.adjudication.answer.preferred, one.holds) for one in found] == [
        ("x1", "a", False),
        ("x1", "b", False),
        ("x1", "tie", True),
        ("x2", "a", True),
    ]
    assert [one.adjudication.answer.preferred for one in in_main if one.holds] == ["b", "a"]


def test_the_pool_is_what_no_counted_kind_has_judged(store: Store, tmp_path: Path) -> None:
    lines = [line("x1", [vote("w1", "a")]), line("x2", [vote("m1", "a", rater_kind="model")]), line("x3")]
    campaign_id = make_campaign(store, lines, tmp_path)
    with store.read() as connection:
        assert list(queries.pool_ids(connection, campaign_id, kinds=["human"])) == ["x2", "x3"]
        assert list(queries.pool_ids(connection, campaign_id, kinds=["human", "model"])) == ["x3"]
        assert queries.judgment_counts(connection, campaign_id) == {"human": 1, "model": 1}
        assert queries.last_event(connection) >= queries.last_event(connection, campaign_id) > 0


def test_the_shared_public_votes_read_as_they_are(sqlite_store: Store, shared_data: Path, tmp_path: Path) -> None:
    campaign_id = make_campaign(sqlite_store, [], tmp_path)
    import_file(sqlite_store, "c", shared_data / "qa_ranking_k4.jsonl")
    frame = frame_of(sqlite_store, campaign_id)
    assert len(frame) == 3000
    assert (frame["outcome"] == "tie").sum() == 330
    assert (frame["weight"] == 0.5).all()
