"""Vote frames from files."""

import numpy as np
import pandas as pd
import pytest

from app.stats.completions import completions_from_native, gold_from_native, text_features
from app.stats.frames import VOTE_COLUMNS, VoteFrameError
from app.stats.readers import votes_from_native, votes_from_table


def comparison(judgments, ids=("a", "b"), **more):
    return {
        "id": "x",
        "prompt": "p",
        "completions": [{"id": i, "text": i} for i in ids],
        "judgments": judgments,
        **more,
    }


def test_native_votes_are_signed_and_scaled():
    frame = votes_from_native(
        [
            comparison(
                [
                    {
                        "rater": "ann",
                        "preferred": "a",
                        "strength": 1,
                        "shown": ["b", "a"],
                        "at": "2026-01-31T10:00:00Z",
                    },
                    {
                        "rater": "bob",
                        "preferred": "b",
                        "strength": 4,
                        "criteria": {"clarity": {"scores": {"a": 1, "b": 3}}},
                    },
                    {"rater": "cy", "preferred": "b"},
                    {"rater": "di", "preferred": "both_bad"},
                    {"rater": "ed", "preferred": "cannot_judge"},
                ]
            )
        ]
    )
    assert list(frame.columns) == [*VOTE_COLUMNS, "place"]
    overall = frame[frame["criterion"] == "overall"]
    np.testing.assert_array_equal(overall["value"], [0.25, -1.0, -1.0, 0.0, np.nan])
    assert overall["outcome"].tolist() == ["first", "second", "second", "both_bad", "cannot_judge"]
    assert frame[frame["criterion"] == "clarity"]["value"].tolist() == [-1.0]
    assert overall["first_shown_first"].iloc[0] == False  # noqa: E712
    assert overall["first_shown_first"].iloc[1] is None


def test_a_given_scale_is_used():
    lines = [comparison([{"rater": "ann", "preferred": "a", "strength": 1}])]
    assert votes_from_native(lines, scales={"overall": 3})["value"].tolist() == [pytest.approx(1 / 3)]
    with pytest.raises(VoteFrameError, match="outside"):
        votes_from_native([comparison([{"rater": "ann", "preferred": "a", "strength": 4}])], scales={"overall": 3})


def test_a_ranking_is_all_its_pairs():
    frame = votes_from_native([comparison([{"rater": "ann", "ranking": [["a", "c"], ["b"]]}], ids=("a", "b", "c"))])
    rows = list(frame[["first", "second", "outcome"]].itertuples(index=False, name=None))
    assert rows == [("a", "b", "first"), ("a", "c", "tie"), ("b", "c", "second")]
    assert frame["weight"].tolist() == [pytest.approx(2 / 3)] * 3
    assert frame["judgment_id"].nunique() == 1


def test_checks_favour_the_one_that_passes():
    checks = {"safe": {"checks": {"a": False, "b": True}}, "polite": {"checks": {"a": True, "b": True}}}
    frame = votes_from_native([comparison([{"rater": "ann", "criteria": checks}])])
    assert frame["outcome"].tolist() == ["second", "tie"]
    assert frame["value"].tolist() == [-1.0, 0.0]


def test_the_latest_revision_counts():
    judgments = [
        {"rater": "ann", "preferred": "a", "revision": 1},
        {"rater": "ann", "preferred": "b", "revision": 2},
        {"rater": "ann", "preferred": "a", "revision": 0},
    ]
    assert votes_from_native([comparison(judgments)])["outcome"].tolist() == ["second"]


def test_an_unknown_completion_is_named():
    with pytest.raises(VoteFrameError, match="'x' prefers 'q'"):
        votes_from_native([comparison([{"rater": "ann", "preferred": "q"}])])
    with pytest.raises(VoteFrameError, match="unknown completion 'q'"):
        votes_from_native([comparison([{"rater": "ann", "ranking": [["a"], ["q"]]}])])


def test_no_judgments_give_an_empty_frame():
    assert len(votes_from_native([comparison([])])) == 0
    assert len(votes_from_native([])) == 0


def table(**columns):
    base = {
        "comparison_id": ["x", "x", "y", "y"],
        "rater_id": ["ann", "bob", "ann", "bob"],
        "preferred": ["a", "b", "tie", "b"],
    }
    return pd.DataFrame(base | columns)


def test_a_table_gives_the_same_frame_as_native_lines():
    mine = votes_from_table(table(strength=[1, 3, None, 2], shown=["b,a", "a,b", "a b", '["b", "a"]']))
    lines = [
        comparison(
            [
                {"rater": "ann", "preferred": "a", "strength": 1, "shown": ["b", "a"]},
                {"rater": "bob", "preferred": "b", "strength": 3, "shown": ["a", "b"]},
            ]
        ),
        comparison(
            [
                {"rater": "ann", "preferred": "tie", "shown": ["a", "b"]},
                {"rater": "bob", "preferred": "b", "strength": 2, "shown": ["b", "a"]},
            ],
        )
        | {"id": "y"},
    ]
    native = votes_from_native(lines)
    for column in ("comparison_id", "first", "second", "rater_id", "outcome", "value", "first_shown_first"):
        assert mine[column].tolist() == native[column].tolist(), column


def test_criteria_of_a_table_share_their_judgment():
    frame = votes_from_table(table(comparison_id=["x"] * 4, criterion=["overall", "overall", "clarity", "clarity"]))
    assert frame["judgment_id"].tolist() == [0, 1, 0, 1]


def test_a_table_without_shown_needs_two_ids():
    assert votes_from_table(table())["first"].tolist() == ["a"] * 4
    with pytest.raises(VoteFrameError, match="Add `shown`"):
        votes_from_table(table(preferred=["a", "b", "c", "d"]))
    with pytest.raises(VoteFrameError, match="Row 2 prefers 'b'"):
        votes_from_table(table(shown=["a,c"] * 4))
    with pytest.raises(VoteFrameError, match="no preferred"):
        votes_from_table(table(preferred=["a", None, "b", "b"]))
    with pytest.raises(VoteFrameError, match="lacks the columns"):
        votes_from_table(table().drop(columns="rater_id"))


def test_text_features():
    text = "# Title\n\n- one\n- **two**\n1. three\n\n```python\nx\n```\nend"
    features = text_features(text)
    assert (features["n_headings"], features["n_list_items"], features["n_code_blocks"], features["n_bold"]) == (
        1,
        3,
        1,
        1,
    )
    assert text_features("")["n_words"] == 0


def test_completions_and_gold_of_native_lines():
    line = comparison([], gold={"accepted": ["a", "tie"], "criteria": {"clarity": "b"}})
    gold = gold_from_native([line])
    assert list(gold[["criterion", "outcome"]].itertuples(index=False, name=None)) == [
        ("overall", "first"),
        ("overall", "tie"),
        ("clarity", "second"),
    ]
    assert completions_from_native([line])["n_characters"].tolist() == [1, 1]
