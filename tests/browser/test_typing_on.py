"""What one types on when the desk changes under one's hands: the two scripts of the desk, on a page of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page

ASSETS = files("app.ui") / "assets"
WORDS = ("saved", "unsaved", "kept-here", "kept-elsewhere", "put-back", "copy", "let-go")

PAGE = """
<main data-testid="stMain"><div class="st-key-panel"></div>
<div id="typed"><p class="state"></p><div class="offers"></div></div><div id="keys"></div></main>"""

DESK = """
async ([typed, keys, words]) => {
  const url = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const load = async (text) => (await import(url(text))).default
  const [type, listen] = [await load(typed), await load(keys)]
  window.answered = []
  window.show = (item, who = 'rater') => {
    const scale = [1, 2, 3].map((n) => `<button role="radio" onclick="answered.push('${item}:${n}')">${n}</button>`)
    document.querySelector('.st-key-panel').innerHTML = `
      <div class="st-key-rate-${item}-clear"><div role="radiogroup" aria-label="Clear">${scale.join('')}</div></div>
      <div class="st-key-rate-${item}-why"><textarea></textarea></div>
      <div class="st-key-rate-${item}-submit"><button>Submit</button></div>`
    const data = { who, item, prefix: `rate-${item}-`, saved: [], closed: [], words }
    type({ data, parentElement: document.querySelector('#typed') })
    listen({ data: { item, on: true }, parentElement: document.querySelector('#keys') })
  }
  show(1)
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desk with the first comparison; `show(2)` brings the second, as a lease that ran out does."""
    made = browser.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    made.goto("http://desk.test/")
    scripts = [(ASSETS / name).read_text(encoding="utf-8") for name in ("typed.js", "keyboard.js")]
    made.evaluate(DESK, [*scripts, {word: word for word in WORDS}])
    yield made
    made.close()
    assert errors == []


def write(page: Page, text: str) -> None:
    """Type into the field."""
    page.locator("textarea").press_sequentially(text)


def press(page: Page, *keys: str) -> None:
    """Press keys, wherever the focus is."""
    for key in keys:
        page.keyboard.press(key)


def change(page: Page, item: int = 2, who: str = "rater") -> None:
    """Bring a comparison, in place of what is there."""
    page.evaluate("([item, who]) => show(item, who)", [item, who])


def pause(page: Page) -> None:
    """Wait until nobody types on any more."""
    page.wait_for_timeout(1_600)


def in_the_middle(page: Page) -> None:
    write(page, "good, not long")
    press(page, *["ArrowLeft"] * len(" not long"))
    change(page)
    press(page, "Backspace", "Backspace", "!")


def over_a_selection(page: Page) -> None:
    write(page, "abc")
    press(page, "Shift+ArrowLeft", "Shift+ArrowLeft")
    change(page)
    press(page, "Z")


def behind_a_command_in_the_field(page: Page) -> None:
    write(page, "one two")
    press(page, "Control+Backspace")
    change(page)
    press(page, "1", "2")


def with_a_sign_that_begins_with_control(page: Page) -> None:
    write(page, "a")
    change(page)
    press(page, "Control", "1", "Shift", "2")


def while_the_line_is_cut(page: Page) -> None:
    write(page, "a")
    page.locator("textarea").evaluate("(field) => { field.disabled = true }")
    page.wait_for_timeout(100)  # a browser takes the focus with the next frame
    press(page, "1", "2")


def across_keys_that_write_nothing(page: Page) -> None:
    write(page, "a")
    change(page)
    press(page, "PageDown", "F2", "1", "Enter", "b")


def until_nothing_is_left(page: Page) -> None:
    write(page, "a")
    change(page)
    press(page, "Backspace", "Backspace")


@pytest.mark.parametrize(
    ("type_on", "kept"),
    [
        (in_the_middle, ["goo! not long"]),
        (over_a_selection, ["aZ"]),
        (behind_a_command_in_the_field, ["one 12"]),
        (with_a_sign_that_begins_with_control, ["a12"]),
        (while_the_line_is_cut, ["a12"]),
        (across_keys_that_write_nothing, ["a1\nb"]),
        (until_nothing_is_left, []),
    ],
)
def test_what_is_typed_on_belongs_to_the_text(page: Page, type_on: Callable[[Page], None], kept: list[str]):
    type_on(page)
    assert texts(page) == kept
    assert page.evaluate("answered") == []
    assert page.locator("textarea").input_value() in ("", "a")  # what the next comparison's field says, or the cut one


def texts(page: Page) -> list[str]:
    """What the tab keeps."""
    return [one["text"] for one in json.loads(page.evaluate("sessionStorage.getItem('steelyard-typed')") or "[]")]


def handed_in(page: Page) -> None:
    press(page, "Control+Enter", "2")
    change(page)


def handed_in_by_a_click(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()
    change(page)


def left_with_escape(page: Page) -> None:
    press(page, "Escape")
    change(page)


def after_a_pause(page: Page) -> None:
    change(page)
    pause(page)


def after_a_command_elsewhere(page: Page) -> None:
    change(page)
    press(page, "Control+b")


def as_another_person(page: Page) -> None:
    change(page, who="other")


@pytest.mark.parametrize(
    "leave",
    [
        handed_in,
        handed_in_by_a_click,
        left_with_escape,
        after_a_pause,
        after_a_command_elsewhere,
        as_another_person,
    ],
)
def test_who_stopped_typing_answers_the_next_comparison(page: Page, leave: Callable[[Page], None]):
    write(page, "a")
    leave(page)
    press(page, "3", "3")
    assert page.evaluate("answered") == ["2:3", "2:3"]
    assert all("3" not in text for text in texts(page))


def test_a_key_without_a_name_is_no_key(page: Page):
    """As browsers send them when they fill in a form."""
    write(page, "a")
    page.evaluate("document.querySelector('textarea').dispatchEvent(new Event('keydown', { bubbles: true }))")
    assert texts(page) == ["a"]
