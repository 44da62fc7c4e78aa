"""Texts are shown literally, and Streamlit's labels take them as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.desk import call_responses, name_responses
from app.ui.components.text import escape, escape_html, excerpt, language_of, raw_html, text_html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<b onclick=x>y</b>", "&lt;b onclick=x&gt;y&lt;/b&gt;"),
        ("$5 now and $6, $E=mc^2$", "$5 now and $6, $E=mc^2$"),
        (":red[x] :smile: :material/home: :foo :bar[baz]", ":red[x] :smile: :material/home: :foo :bar[baz]"),
        ("a -> b, x <= y --", "a -&gt; b, x &lt;= y --"),
        ("![x](http://evil.example/i.png)", "[image: x http://evil.example/i.png]"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](data:text/html,y)", "[x](data:text/html,y)"),
        ("`<i>`", "<code>&lt;i&gt;</code>"),
        ("| a |\n|---|\n| 1 |", '<td dir="auto">1</td>'),
    ],
)
def test_text_is_literal(text, shown):
    assert shown in text_html(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("東京は日本の首都です。", "ja"),
        ("北京是中国的首都。", "zh"),
        ("서울은 대한민국의 수도이다.", "ko"),
        ("Use `sort` で並べ替えます", "ja"),
        ("The word 東京 means eastern capital.", ""),
        ("القاهرة هي عاصمة مصر.", ""),
        ("12 + 3 = 15", ""),
        ("", ""),
    ],
)
def test_scripts_tell_the_language_where_they_can(text, language):
    assert language_of(text) == language
    attribute = f' lang="{language}">' if language else '"auto">'
    assert attribute in text_html(text)
    assert attribute in raw_html(text)


def test_links_to_the_web_open_elsewhere_and_tell_nothing():
    page = text_html("[x](https://example.org/a?b=1&c=2)")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in page
    assert 'rel="noopener noreferrer nofollow"' in page


@given(st.text())
def test_no_text_makes_an_element_that_we_did_not_ask_for(text):
    for page in (text_html(text), raw_html(text)):
        for forbidden in ("<script", "<img", "<iframe", "<style", "<form", "javascript:alert"):
            assert forbidden not in page.replace(escape_html(text), "") or forbidden in text
        assert "<script" not in page
        assert "<img" not in page


@given(st.text())
def test_an_escaped_label_is_one_line(text):
    assert "\n" not in escape(text)


def test_excerpts_end_in_an_ellipsis():
    assert excerpt("word " * 50, 20) == "word word word word…"
    assert excerpt("short\n text") == "short text"


@given(st.permutations(["a", "b", "c"]))
def test_mentions_survive_any_order_of_the_responses(shown):
    said = "Response A beats Response C; response B is Response B."
    stored = name_responses(said, shown)
    assert call_responses(stored, shown) == said.replace("response B", "Response B")
    assert call_responses(stored, shown[::-1]).startswith("Response C beats Response A")


def test_letters_without_a_response_stay_words():
    assert name_responses("Response C", ["a", "b"]) == "Response C"
    assert call_responses("[response:z] and [response:]", ["a", "b"]) == "[response:z] and [response:]"
