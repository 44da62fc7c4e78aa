"""Chinese, Japanese and Korean on a phone: told apart, broken where they may be, quoted sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import SIDEWAYS, of, ready, slots
from tests.ui.places import Place

JAPANESE = "東京は日本の首都です。人口は約千四百万人です。" * 6
KOREAN = "서울은 대한민국의 수도이다. 인구는 약 구백만 명이다. " * 6
CHINESE = "请比较两个首都，" * 12


def test_east_asian_texts(visit: Callable[..., Visitor], place: Place, tmp_path: Path):
    make_desk(place, "capitals", pair(JAPANESE, KOREAN, prompt=CHINESE), folder=tmp_path)
    page = visit(width=390).log_in("capitals", "/rate?campaign=capitals")
    ready(page)
    japanese, korean = ("A", "B") if slots(place, "capitals", "capitals")[0] == "a" else ("B", "A")
    style = (
        "(node) => [node.closest('[lang]').lang, getComputedStyle(node).lineBreak, getComputedStyle(node).wordBreak]"
    )
    assert page.locator(".sy-turns p").evaluate(style) == ["zh", "strict", "normal"]
    assert of(page, japanese).locator("p").evaluate(style) == ["ja", "strict", "normal"]
    assert of(page, korean).locator("p").evaluate(style) == ["ko", "strict", "keep-all"]
    assert page.evaluate(SIDEWAYS) <= 0
    for _ in range(2 if japanese == "B" else 1):
        page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_label("Justification")).to_have_value(f"Response {japanese}: “東京は日本の首都です。” ")
