"""Counts in words."""

from __future__ import annotations

import pytest

from app.stats.words import counted


@pytest.mark.parametrize(
    ("n", "said"),
    [(0, "0 held-out pairs"), (1, "1 held-out pair"), (2, "2 held-out pairs"), (1234, "1,234 held-out pairs")],
)
def test_a_count_agrees_with_its_noun(n, said):
    assert counted(n, "held-out pair") == said
