"""Labels from votes, against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.errors import InvalidInput
from app.services.consensus import PairLabels, criterion_values, label_pairs, rater_against_rest, tension_shares
from app.store import queries
from app.store.engine import Store
from tests.services.ledgers import PLAIN, TWO_CRITERIA, line, make_campaign, ranked, vote


def labels_of(
    store: Store, lines: list[dict[str, Any]], folder: Path, *, method: str = "vote_share", rubric: Any = PLAIN
) -> PairLabels:
    campaign_id = make_campaign(store, lines, folder, rubric=rubric)
    with store.read() as connection:
        votes = queries.judgments_frame(connection, campaign_id)
        decisions = queries.adjudications(connection, campaign_id)
    return label_pairs(votes, kinds=["human"], method=method, decisions=decisions)


def votes_of(answers: str) -> list[dict[str, Any]]:
    """One vote per letter: a, b, t(ie), x (both bad), c(annot judge)."""
    words = {"a": "a", "b": "b", "t": "tie", "x": "both_bad", "c": "cannot_judge"}
    return [vote(f"w{i}", words[letter]) for i, letter in enumerate(answers)]


@pytest.mark.parametrize(
    ("answers", "p_first", "decision", "n_votes"),
    [
        ("aab", 2 / 3, "first", 3),
        ("b", 0.0, "second", 1),
        ("at", 0.75, "first", 2),  # (1 + 1/2) / 2
        ("ab", 0.5, "tie", 2),
        ("att", 0.5, "tie", 3),  # more than half say tie
        ("aabx", 0.625, "first", 4),  # (2 + 1/2) / 4
        ("axx", 0.5, "both_bad", 3),
        ("ax", 0.5, "both_bad", 2),  # half of the votes
        ("aac", 1.0, "first", 2),  # cannot_judge is missing
    ],
)
def test_vote_share(
    sqlite_store: Store, tmp_path: Path, answers: str, p_first: float, decision: str, n_votes: int
) -> None:
    row = labels_of(sqlite_store, [line("x", votes_of(answers))], tmp_path).frame.iloc[0]
    assert row["p_first"] == pytest.approx(p_first)
    assert (row["decision"], row["n_votes"]) == (decision, n_votes)


def test_majority_is_hard(sqlite_store: Store, tmp_path: Path) -> None:
    lines = [line("x1", votes_of("aab")), line("x2", votes_of("abb")), line("x3", votes_of("ab"))]
    frame = labels_of(sqlite_store, lines, tmp_path, method="majority").frame
    assert frame["p_first"].tolist() == [1, 0, 0.5]
    assert frame["decision"].tolist() == ["first", "second", "tie"]


def test_one_coin_trusts_the_rater_who_agrees_with_the_others(sqlite_store: Store, tmp_path: Path) -> None:
    good = [vote("w1", "a"), vote("w2", "a"), vote("w3", "b")]
    split = [vote("w1", "a"), vote("w3", "b")]
    lines = [line(f"x{i:02}", good) for i in range(20)] + [line("z", split)]
    labels = labels_of(sqlite_store, lines, tmp_path, method="one_coin")
    last = labels.frame[labels.frame["comparison_id"] == "z"].iloc[0]
    assert last["p_first"] > 0.8
    assert labels.parameters["converged"]


def test_without_votes_there_is_no_label(sqlite_store: Store, tmp_path: Path) -> None:
    only_criteria = {"rater": "w1", "criteria": {"help": {"preferred": "a"}}}
    lines = [line("x1", votes_of("cc")), line("x2", [only_criteria])]
    frame = labels_of(sqlite_store, lines, tmp_path, rubric=TWO_CRITERIA).frame
    assert frame["decision"].tolist() == ["cannot_judge", "no_overall"]
    assert frame["n_votes"].tolist() == [0, 0]
    assert frame["p_first"].isna().all()


def test_repeats_exams_and_audits_are_no_votes(sqlite_store: Store, tmp_path: Path) -> None:
    votes = [
        vote("w1", "a"),
        vote("w1", "b", repeat_index=1, purpose="repeat"),
        vote("w2", "b", purpose="exam"),
        vote("w3", "b", purpose="audit"),
        vote("w4", "a", purpose="gold"),
        vote("w1", "b", round="again"),  # the same rater in another round: the first vote counts
    ]
    row = labels_of(sqlite_store, [line("x1", votes)], tmp_path).frame.iloc[0]
    assert (row["n_votes"], row["p_first"]) == (2, 1.0)


def test_only_adjudicated_errors_settle(sqlite_store: Store, tmp_path: Path) -> None:
    def decided(preferred: str, cause: str) -> list[dict[str, str]]:
        return [{"preferred": preferred, "cause": cause, "reason": "r", "by": "ann"}]

    lines = [
        line("x1", votes_of("aab"), adjudications=decided("b", "error")),
        line("x2", votes_of("aab"), adjudications=decided("b", "value_conflict")),
        line("x3", votes_of("aab"), adjudications=decided("both_bad", "error")),
        line("x4", votes_of("c"), adjudications=decided("a", "error")),
    ]
    frame = labels_of(sqlite_store, lines, tmp_path).frame
    assert frame["p_first"].tolist() == pytest.approx([0, 2 / 3, 0.5, 1])
    assert frame["decision"].tolist() == ["second", "first", "both_bad", "first"]
    assert frame["is_settled"].tolist() == [True, False, True, True]
    assert frame["n_votes"].tolist() == [3, 3, 3, 0]


def test_an_adjudicated_ranking_settles_all_its_pairs(sqlite_store: Store, tmp_path: Path) -> None:
    decision = {"ranking": [["c"], ["b"], ["a"]], "cause": "error", "reason": "r", "by": "ann"}
    lines = [ranked("x1", [["a"], ["b"], ["c"]]) | {"adjudications": [decision]}]
    frame = labels_of(sqlite_store, lines, tmp_path).frame
    assert frame["p_first"].tolist() == [0, 0, 0]
    assert frame["weight"].tolist() == pytest.approx([2 / 3] * 3)


def test_criteria_tensions_and_strength(sqlite_store: Store, tmp_path: Path) -> None:
    def judged(
        rater: str, preferred: str, strength: float | None, help_: str, clear: tuple[int, int]
    ) -> dict[str, Any]:
        criteria = {"help": {"preferred": help_}, "clear": {"scores": {"a": clear[0], "b": clear[1]}}}
        return vote(rater, preferred, strength, criteria=criteria)

    judgments = [
        judged("w1", "a", 3, "a", (1, 5)),
        judged("w2", "a", 1, "a", (5, 1)),
        judged("w3", "tie", None, "b", (3, 3)),
    ]
    labels = labels_of(sqlite_store, [line("x1", judgments)], tmp_path, rubric=TWO_CRITERIA)
    values = criterion_values(labels)
    assert values["help"][0] == pytest.approx(1 / 3)  # (1 + 1 - 1) / 3
    assert values["clear"][0] == pytest.approx(0)  # (-1 + 1 + 0) / 3
    assert tension_shares(labels)["clear|help"][0] == pytest.approx(1 / 3)  # only w1's pull apart
    assert labels.frame["strength"].iloc[0] == pytest.approx((1 + 1 / 3) / 2)  # strengths 3 and 1 of 3


def test_a_rater_against_the_rest(sqlite_store: Store, tmp_path: Path) -> None:
    labels = labels_of(sqlite_store, [line("x1", votes_of("aab")), line("x2", votes_of("a"))], tmp_path)
    estimate = rater_against_rest(labels)
    # x1: each a-voter faces one a and one b (no majority); the b-voter faces two a's and disagrees. x2: no others.
    assert (estimate.value, estimate.n) == (0.0, 1)
    nothing = rater_against_rest(_alone(sqlite_store, tmp_path))
    assert nothing.value is None
    assert "other raters" in (nothing.undefined_reason or "")


def _alone(store: Store, folder: Path) -> PairLabels:
    campaign_id = make_campaign(store, [line("y", votes_of("a"))], folder, name="alone")
    with store.read() as connection:
        return label_pairs(queries.judgments_frame(connection, campaign_id), kinds=["human"])


def test_an_unknown_method_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="vote_share, majority, one_coin"):
        labels_of(sqlite_store, [line("x1", votes_of("a"))], tmp_path, method="median")
