"""What a rater reads: formulas, differences, material, and passages that are found again in the text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.showing import Material, material_of
from app.ui.components.passages import align, screen_text
from app.ui.components.rating.differences import differences
from app.ui.components.text import raw_html, text_html

MARKDOWN = "### Title\n\nUse a **heap**, see [the manual](http://x.org/the/heap) of `n` &amp; *more*.\n\n1. one\n2. two"


@pytest.mark.parametrize(
    ("latex", "is_set"),
    [
        ("$x^2$", True),
        ("$2x = 4$", True),
        ("\\(y\\)", True),
        ("\\[z = \\frac{1}{2}\\]", True),
        ("$$\nx\n$$", True),
        ("$5 and $6", False),
        ("$5-$6", False),
        ("`$x$`", False),
        ("$\\frac{1$", False),
        ("$\\overbrace$", False),
        ("$" + "x" * 3000 + "$", False),
    ],
)
def test_formulas_are_set_only_where_asked_and_only_if_they_can_be_read(latex, is_set):
    assert ('class="sy-math"' in text_html(latex, math=True)) is is_set
    assert 'class="sy-math"' not in text_html(latex)


def test_a_formula_carries_its_latex_and_nothing_that_runs():
    page = text_html("$\\href{javascript:alert(1)}{x} < \\text{<script>}$", math=True)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert re.search(r'data-mathml="&lt;math ', page)


@given(st.text(alphabet="\\\\{}$^_ab&<\"'(1", max_size=40))
def test_no_latex_breaks_the_page_or_makes_an_element(latex):
    page = text_html(f"${latex}$ \\[{latex}\\]", math=True)
    assert set(re.findall(r"<(\w+)", page)) <= {"div", "p", "span", "code", "em", "a", "br", "strong"}


def test_differences_are_the_words_that_only_one_has():
    first, second = differences("The cat sat on the mat <b>.", "The dog sat on the mat <b>.")
    assert "The <mark>cat</mark> sat on the mat &lt;b&gt;." in first
    assert "The <mark>dog</mark> sat" in second
    assert differences("The cat sat on the mat.", "Nothing here is alike at all!") is None


@given(st.lists(st.sampled_from(["a", "b", " ", "\n", "<", "é", "."]), max_size=30), st.text(max_size=10))
def test_differences_keep_every_character(words, extra):
    first = "".join(words)
    marked = differences(first, first + extra)
    if marked is not None:
        assert [html.unescape(re.sub(r"</?(mark|div)[^>]*>", "", one)) for one in marked] == [first, first + extra]


def test_a_passage_on_the_screen_is_found_in_the_text_and_back():
    shown = screen_text(text_html(MARKDOWN))
    aligned = align(MARKDOWN, raw=False, math=False)
    for passage, expected in (
        ("heap, see the", "heap**, see [the"),
        ("manual of n", "manual](http://x.org/the/heap) of `n"),
        ("more", "more"),
        ("two", "two"),
        ("anua", "anua"),
    ):
        start = shown.index(passage)
        begin, end = aligned.to_text(start, start + len(passage))
        assert MARKDOWN[begin:end] == expected
        first, last = aligned.to_screen(begin, end)
        assert shown[first:last] == passage
    assert aligned.to_text(shown.index(" a heap"), shown.index(" a heap") + 1) is None


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60), st.data())
def test_a_passage_of_the_raw_text_is_the_same_passage(text, data):
    shown = html.unescape(re.sub(r"</?div[^>]*>", "", raw_html(text)))
    aligned = align(text, raw=True, math=False)
    if "\r" in text or not aligned.in_text:
        return
    assert shown == text
    word = data.draw(st.integers(0, len(aligned.in_text) - 1))
    start, end = aligned.in_text[word], aligned.in_text[word] + aligned.lengths[word]
    assert aligned.to_text(start, end) == (start, end) == aligned.to_screen(start, end)


def test_only_two_keys_of_the_meta_are_shown():
    assert material_of({"topic": "secret", "constraints": "short"}) == Material(("short",))
    meta = {"source_document": [{"title": "T", "text": "x"}, "y", {"text": " "}, 3], "constraints": ["a", "", 4]}
    assert material_of(meta) == Material(("a",), (("T", "x"), ("", "y")))
    assert not material_of({"constraints": None, "source_document": {"title": "only"}})
