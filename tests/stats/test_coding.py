"""From vote frame to arrays."""

import numpy as np
import pandas as pd
import pytest

from app.stats.coding import code_votes
from app.stats.frames import VoteFrameError
from tests.stats.build import KINDS, votes


def test_only_counted_kinds_and_given_answers_count():
    frame = votes([("x", "ann", "first"), ("x", "gpt", "first"), ("y", "ann", "cannot_judge")])
    frame.loc[1, "rater_kind"] = "model"
    assert len(code_votes(frame, kinds=KINDS)) == 1
    assert len(code_votes(frame, kinds=("human", "model"))) == 2
    assert len(code_votes(frame, kinds=KINDS, keep_missing=True)) == 2
    with pytest.raises(VoteFrameError, match="No kind of rater counts"):
        code_votes(frame, kinds=())


def test_a_repeat_never_counts_as_a_second_rater():
    frame = votes([("x", "ann", "first"), ("x", "ann", "second"), ("x", "bob", "tie")])
    frame["repeat_index"] = [1, 0, 0]
    coded = code_votes(frame, kinds=KINDS)
    assert frame["outcome"].iloc[coded.row].tolist() == ["second", "tie"]
    assert len(code_votes(frame, kinds=KINDS, keep_repeats=True)) == 3


def test_a_ranking_has_one_unit_per_pair():
    frame = votes([("x", "ann", 1), ("x", "ann", 1), ("x", "ann", -1)])
    frame["first"], frame["second"] = ["a", "a", "b"], ["b", "c", "c"]
    coded = code_votes(frame, kinds=KINDS)
    assert len(np.unique(coded.unit)) == 3
    assert set(coded.unit_comparison[coded.unit]) == {0}


def test_overall_comes_first_and_a_missing_criterion_is_empty():
    frame = votes([("x", "ann", 1, "clarity"), ("x", "ann", 1, "overall"), ("x", "ann", 0, "brevity")])
    coded = code_votes(frame, kinds=KINDS)
    assert coded.criteria == ("overall", "brevity", "clarity")
    assert len(coded.of("clarity")) == 1
    assert len(coded.of("tact")) == 0


def test_levels_join_values_that_differ_by_rounding():
    frame = votes([("x", "ann", 1 / 3), ("y", "ann", 0.1 + 0.2), ("z", "ann", 0.3), ("z", "bob", -1)])
    codes, values = code_votes(frame, kinds=KINDS).levels()
    assert len(values) == 3
    assert codes[1] == codes[2]


def test_categorical_and_plain_columns_give_the_same_codes():
    frame = votes([(f"c{k % 5}", f"r{k % 3}", k % 3 - 1) for k in range(15)])
    categorical = frame.assign(**{c: frame[c].astype("category") for c in ("comparison_id", "rater_id", "outcome")})
    one, other = code_votes(frame, kinds=KINDS), code_votes(categorical, kinds=KINDS)
    np.testing.assert_array_equal(one.unit, other.unit)
    np.testing.assert_array_equal(one.outcome, other.outcome)


def test_an_empty_frame_is_no_error():
    frame = votes([("x", "ann", 1)]).iloc[:0]
    coded = code_votes(frame, kinds=KINDS)
    assert len(coded) == 0
    assert coded.criteria == ()
    assert isinstance(coded.rater_ids, pd.Index)
