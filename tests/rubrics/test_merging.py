"""Two edits of one text: put together where they are apart, refused where they are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubrics.merging import merge_texts

BASE = "key: k\ntitle: T\ncriteria:\n  - key: a\n    weight: 1\n"
lines = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=8).map(
    lambda some: "".join(f"{x}\n" for x in some)
)


def test_edits_of_different_lines_are_put_together():
    mine, theirs = BASE.replace("title: T", "title: Mine"), BASE.replace("weight: 1", "weight: 2\n    veto: true")
    both = "key: k\ntitle: Mine\ncriteria:\n  - key: a\n    weight: 2\n    veto: true\n"
    assert merge_texts(BASE, mine, theirs) == both


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("title: T", "title: Theirs"),
        ("title: Mine", "title: Theirs"),
        ("title: T\nnew: 1", "title: T\nnew: 2"),
        ("", "title: Theirs"),
    ],
)
def test_edits_of_the_same_place_are_never_mixed(mine, theirs):
    texts = [BASE.replace("title: T", one) for one in (mine, theirs)]
    if texts[0] == BASE:
        assert merge_texts(BASE, *texts) == texts[1]
    else:
        assert merge_texts(BASE, *texts) is None


@given(base=lines, mine=lines, theirs=lines)
def test_one_edit_alone_stands_both_alike_stand_once_and_order_makes_no_difference(base, mine, theirs):
    assert merge_texts(base, mine, base) == mine
    assert merge_texts(base, base, theirs) == theirs
    assert merge_texts(base, mine, mine) == mine
    assert merge_texts(base, mine, theirs) == merge_texts(base, theirs, mine)
