"""What the desk's scripts listen to: nothing piles up through a sitting, and no key is lost while the page is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import select

from app.store import tables
from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import answer, ready
from tests.browser.test_rater import choose
from tests.ui.places import Place

Visit = Callable[..., Visitor]

COUNT = """
window.listeners = { input: 0, selectionchange: 0, observers: 0 }
const counted = (name, by) => { if (name in window.listeners) window.listeners[name] += by }
for (const [method, by] of [['addEventListener', 1], ['removeEventListener', -1]]) {
  const own = EventTarget.prototype[method]
  Document.prototype[method] = function (name, ...rest) { counted(name, by); return own.call(this, name, ...rest) }
}
const { observe, disconnect } = MutationObserver.prototype
MutationObserver.prototype.observe = function (node, ...rest) {
  if (node.dataset?.testid === 'stMain') counted('observers', 1)
  return observe.call(this, node, ...rest)
}
MutationObserver.prototype.disconnect = function () { counted('observers', -1); return disconnect.call(this) }
"""
AWAY = "document.querySelector('.st-key-panel').classList.replace('st-key-panel', 'away')"
BACK = """
document.querySelector('.away').classList.replace('away', 'st-key-panel')
document.querySelector('.st-key-panel').append(document.createComment('drawn'))
"""

BUSY = "void setTimeout(() => { const end = performance.now() + 2600; while (performance.now() < end); })"
HALF = """
const rows = [...document.querySelectorAll('.st-key-panel [role=radiogroup]')]
rows.slice(2).forEach((row) => row.setAttribute('role', 'late'))
document.querySelector('.st-key-panel').insertAdjacentHTML('beforeend', '<i data-testid="stSkeleton"></i>')
"""
WHOLE = """
document.querySelectorAll('[role=late]').forEach((row) => row.setAttribute('role', 'radiogroup'))
document.querySelector('.st-key-panel > i').remove()
"""
CUT = "(is) => document.querySelectorAll('.st-key-panel [role=radio]').forEach((one) => { one.disabled = is })"
"""What Streamlit does to its widgets while the line is cut."""


def test_scripts_leave_nothing_behind_when_they_are_given_new_data(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "sitting", pair(), folder=tmp_path)
    visitor = visit()
    visitor.page.add_init_script(COUNT)
    page = visitor.log_in("sitting", "/rate?campaign=sitting")
    ready(page)
    justification = page.get_by_label("Justification")
    seen = []
    for turn in range(4):
        page.keyboard.press("l")  # the next sentence
        page.keyboard.press("e")  # another mark: the marking script is told
        expect(page.get_by_role("button", name="Remove")).to_have_count(turn + 1)
        justification.press_sequentially(f"words {turn} ")
        page.keyboard.press("Escape")  # another text is stored: the script that keeps texts is told
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        seen.append(page.evaluate("({ input: listeners.input, selectionchange: listeners.selectionchange })"))
    assert seen == [seen[0]] * 4
    assert page.evaluate("CSS.highlights.get('sy-marked').size") == 4


def test_a_key_waits_for_its_row_while_the_page_is_drawn_anew(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "drawn", pair(), folder=tmp_path)
    page = visit().log_in("drawn", "/rate?campaign=drawn")
    ready(page)
    answer(page, "1")
    page.evaluate(AWAY)
    page.keyboard.press("7")
    page.evaluate(BACK)
    row = page.get_by_role("radiogroup", name="Harmlessness", exact=True)
    expect(row.get_by_role("radio").nth(6)).to_be_checked()
    expect(page.locator("[data-sy-here]")).to_have_attribute("aria-label", "Honesty")
    page.evaluate(AWAY)
    page.keyboard.press("1")
    page.wait_for_timeout(2500)  # who waited longer than this has forgotten the key
    page.evaluate(BACK)
    page.wait_for_timeout(300)
    expect(page.get_by_role("radiogroup", name="Honesty", exact=True).locator("[aria-checked=true]")).to_have_count(0)


def test_submit_waits_for_its_button_and_takes_along_what_is_being_typed(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "sent", pair(), folder=tmp_path)
    page = visit().log_in("sent", "/rate?campaign=sent")
    here = ready(page)
    answer(page, "22222")
    justification = page.get_by_label("Justification")
    page.keyboard.press("n")
    page.keyboard.type("Helpfulness decided: Response A does more of what was asked.")
    button = page.locator('.st-key-ways-out [class*="-submit"] button').element_handle()
    button.evaluate("(node) => { node.disabled = true }")  # a name would be given back when the text arrives
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    expect(justification).to_be_focused()
    button.evaluate("(node) => { node.disabled = false }")
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    with place.store.read() as connection:
        found = connection.execute(select(tables.judgment).where(tables.judgment.c.assignment_id == here)).one()
    assert found.justification.endswith("what was asked.")


def test_a_key_outlives_a_busy_page_half_a_page_and_a_short_cut(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "slow", pair(), folder=tmp_path)
    page = visit().log_in("slow", "/rate?campaign=slow")
    ready(page)
    here = page.locator("[data-sy-here]")
    page.evaluate(BUSY)  # longer than a key waits: it is heard late, and counts from then on
    page.keyboard.press("1")
    expect(here).to_have_attribute("aria-label", "Harmlessness")
    page.evaluate(HALF)  # two rows are there, the others are still being loaded
    page.keyboard.press("7")
    page.keyboard.press("4")
    page.evaluate(WHOLE)
    expect(here).to_have_attribute("aria-label", "Clarity")
    page.wait_for_timeout(500)  # the answers are on their way: React would give the buttons back
    page.evaluate(CUT, True)
    page.keyboard.press("5")
    expect(here).to_have_attribute("aria-label", "Clarity")
    page.evaluate(CUT, False)
    expect(here).to_have_attribute("aria-label", "Overall")
    for name, column in (("Helpfulness", 0), ("Harmlessness", 6), ("Honesty", 3), ("Clarity", 4)):
        chosen = page.get_by_role("radiogroup", name=name, exact=True).get_by_role("radio").nth(column)
        expect(chosen).to_be_checked()


def test_keys_go_on_where_one_clicked_or_went_with_tab(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "mixed", pair(), folder=tmp_path)
    page = visit().log_in("mixed", "/rate?campaign=mixed")
    ready(page)
    here = page.locator("[data-sy-here]")
    choose(page, "Honesty", "A1")
    expect(here).to_have_attribute("aria-label", "Honesty")
    page.keyboard.press("j")
    expect(here).to_have_attribute("aria-label", "Clarity")
    page.get_by_role("radiogroup", name="Overall", exact=True).get_by_role("radio").first.focus()
    page.keyboard.press("2")
    expect(page.get_by_role("radiogroup", name="Overall", exact=True).get_by_role("radio").nth(1)).to_be_checked()
    expect(page.locator('[aria-label="Clarity"] [aria-checked=true]')).to_have_count(0)


def test_menus_open_where_there_is_room_and_nothing_says_that_ctrl_enter_only_applies(
    visit: Visit, place: Place, tmp_path: Path
):
    make_desk(place, "menus", pair(), folder=tmp_path)
    page = visit(height=780).log_in("menus", "/rate?campaign=menus")
    ready(page)
    for key, last in (("m", "Pause, hand this back"), ("s", "Skip this comparison")):
        page.keyboard.press(key)
        expect(page.get_by_role("button", name=last)).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=last)).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.type("words")
    expect(page.get_by_text("Ctrl+Enter to apply")).to_have_count(1)
    expect(page.get_by_text("Ctrl+Enter to apply")).to_be_hidden()  # here it hands in


def test_marks_are_told_until_a_busy_server_has_heard_them(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "busy", pair(), folder=tmp_path)
    page = visit().log_in("busy", "/rate?campaign=busy")
    ready(page)
    with place.store.write():  # nobody else can write
        answer(page, "1")
        for key in "lele":
            page.keyboard.press(key)
        assert page.evaluate("CSS.highlights.get('sy-marked').size") == 2
        page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Remove")).to_have_count(2)
    page.wait_for_function("() => document.steelyardPassages.unheard.length === 0")
    page.wait_for_timeout(2500)  # told twice, kept once
    expect(page.get_by_role("button", name="Remove")).to_have_count(2)


def test_a_mark_goes_along_with_submit_and_stays_behind_when_the_page_is_left(
    visit: Visit, place: Place, tmp_path: Path
):
    make_desk(place, "along", pair(), folder=tmp_path)
    page = visit().log_in("along", "/rate?campaign=along")
    here = ready(page)
    answer(page, "22222")
    page.get_by_label("Justification").fill("Helpfulness decided: Response A does more of what was asked.")
    page.get_by_label("Justification").blur()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    with place.store.write():  # nobody else can write
        page.keyboard.press("l")
        page.keyboard.press("e")
        page.get_by_role("button", name="Submit").click()
        page.wait_for_timeout(300)
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    with place.store.read() as connection:
        judged = tables.judgment.c.assignment_id == here
        spans = tables.error_span.join(tables.judgment)
        assert len(connection.execute(select(tables.error_span).select_from(spans).where(judged)).all()) == 1
    make_desk(place, "left", pair(), folder=tmp_path)
    page = visit().log_in("left", "/rate?campaign=left")
    ready(page)
    with place.store.write():
        page.keyboard.press("l")
        page.keyboard.press("e")
        page.get_by_role("link", name="My work").click()
        page.wait_for_timeout(300)
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    page.wait_for_timeout(2500)  # it is not told again where nobody listens
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    expect(page.get_by_text("Something failed")).to_have_count(0)
