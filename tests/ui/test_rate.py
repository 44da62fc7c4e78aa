"""Rating through the page: drafts, exactly once, blindness, tensions, skipping, revising."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from app.domain import Calibration, Preferences, RoundRules, utc_now
from app.services import desk as desks
from app.services import judging, working_time
from app.services.campaigns import open_round, set_round_state
from app.services.desk import Desk
from app.services.preferences import set_preferences
from app.services.rubric_versions import rounds_in
from app.store import tables
from rubrics.loader import load_library
from tests.ui.places import HOSTILE, Place
from tests.ui.speaking import person, words

PAIR = {"helpfulness": "1:3", "harmlessness": "1:1", "honesty": "tie", "clarity": "1:2", "overall": "1:2"}
WHY = "Response A has more Helpfulness than Response B, said clearly and in full."


def held(place: Place, campaign: str = "sample", name: str = "rater") -> Desk:
    """The comparison in a rater's hands."""
    desk = desks.open_desk(place.store, name, campaign)
    assert desk is not None
    return desk


def answer(at: AppTest, desk: Desk, answers: dict[str, object], *, why: str = WHY) -> AppTest:
    """Fill the form of a pair."""
    asked = {*desk.assignment.criteria_shown, "overall"}
    for key, value in answers.items():
        if key in asked:
            at.segmented_control(key=f"rate-{desk.assignment.id}-{key}").set_value(value)
    at.text_area(key=f"rate-{desk.assignment.id}-why").set_value(why)
    return at.run()


def press(at: AppTest, name: str, desk: Desk) -> AppTest:
    """Press a button of the form."""
    return at.button(key=f"rate-{desk.assignment.id}-{name}").click().run()


def n_judgments(place: Place, assignment_id: int) -> int:
    with place.store.read() as connection:
        mine = tables.judgment.c.assignment_id == assignment_id
        return connection.scalar(select(func.count()).select_from(tables.judgment).where(mine))


@pytest.fixture
def desk(seeded: Place) -> Desk:
    return held(seeded)


@pytest.fixture
def at(seeded: Place, open_page, desk: Desk) -> AppTest:
    return open_page("rate", login=seeded.log_in("rater"), campaign="sample")


def test_the_exam_of_one_round_does_not_lock_the_others(seeded, open_page):
    rules = RoundRules(calibration=Calibration())
    open_round(seeded.store, "sample", name="examined", rubric=load_library("helpful_harmless"), rules=rules)
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    assert any(one.key and one.key.endswith("-submit") for one in at.button)
    for one in rounds_in(seeded.store, "sample"):
        if one.name != "examined":
            set_round_state(seeded.store, "sample", one.name, is_open=False)
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    assert not any(one.key and one.key.endswith("-submit") for one in at.button)
    assert any("xam" in one.label for one in at.get("page_link"))


def test_submit_stores_canonical_answers_and_moves_on(seeded, at, desk):
    press(answer(at, desk, PAIR), "submit", desk)
    assert not at.exception
    work = desks.reopen_desk(seeded.store, "rater", desk.assignment.id)
    first, second = desk.assignment.shown
    assert work.submission.answers["helpfulness"].preferred == first
    assert work.submission.answers["overall"].strength == 2
    assert work.submission.justification.startswith(f"[response:{first}] has more Helpfulness than [response:{second}]")
    assert held(seeded).assignment.id != desk.assignment.id


def test_every_change_is_in_the_draft_and_a_new_tab_shows_it(seeded, at, desk, open_page):
    at.segmented_control(key=f"rate-{desk.assignment.id}-helpfulness").set_value("2:2").run()
    at.text_area(key=f"rate-{desk.assignment.id}-why").set_value("Response B is plain").run()
    draft = held(seeded).assignment.draft
    second = desk.assignment.shown[1]
    assert draft["answers"] == {"helpfulness": {"preferred": second, "strength": 2}}
    assert draft["justification"] == f"[response:{second}] is plain"
    other = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    assert other.segmented_control(key=f"rate-{desk.assignment.id}-helpfulness").value == "2:2"
    assert other.text_area(key=f"rate-{desk.assignment.id}-why").value == "Response B is plain"


def test_two_tabs_and_repeated_clicks_store_one_judgment(seeded, at, desk, open_page):
    answer(at, desk, PAIR)
    other = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    press(at, "submit", desk)
    press(other, "submit", desk)
    assert n_judgments(seeded, desk.assignment.id) == 1
    assert "submitted already" in other.warning[0].value


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        ("submit", "submit", "Der war schon abgesendet"),
        ("submit", "skip", "Der war schon abgesendet"),
        ("skip", "submit", "Der war schon übersprungen"),
        ("expire", "submit", "Ihr Text ist als Entwurf aufgehoben"),
    ],
)
def test_what_another_tab_or_the_clock_did_is_said_in_the_persons_language(
    seeded, at, desk, open_page, first, then, said
):
    set_preferences(seeded.store, person(seeded, "rater"), Preferences(language="de"))
    answer(at, desk, PAIR)
    other = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    if then == "skip":
        other.session_state[f"rate-{desk.assignment.id}-skip-menu"] = True
        other.run()
    if first == "submit":
        press(at, "submit", desk)
    elif first == "skip":
        judging.skip(seeded.store, "rater", desk.assignment.id, reason="other")
    else:
        with seeded.store.write() as connection:
            mine = tables.assignment.c.id == desk.assignment.id
            connection.execute(tables.assignment.update().where(mine).values(state="expired", takes_place=True))
            connection.execute(tables.queue_item.update().values(is_open=False))  # no place to take again
    press(other, then, desk)
    assert [warning.value for warning in other.warning if said in warning.value]
    assert str(desk.assignment.id) not in words(other)


@pytest.mark.parametrize("screen", ["pause", "warning", "no work", "nothing left", "no campaign"])
def test_what_was_said_is_read_once_on_the_next_screen_whichever_that_is(seeded, at, desk, open_page, screen):
    answer(at, desk, PAIR)
    other = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    press(at, "submit", desk)
    with seeded.store.write() as connection:
        mine = tables.rater.c.name == "rater"
        if screen == "warning":
            connection.execute(tables.comparison.update().values(meta={"content_kinds": ["violence"]}))
        elif screen == "no work":
            connection.execute(tables.rater.update().where(mine).values(state="paused"))
        elif screen == "nothing left":
            connection.execute(tables.round_.update().values(state="closed"))
        elif screen == "no campaign":
            connection.execute(tables.campaign_member.delete())
    if screen == "pause":
        working_time.pause(seeded.store, "rater", hold=False)
    press(other, "submit", desk)
    assert not other.exception
    assert not [one for one in other.button if one.key and one.key.endswith("-submit")], "no desk"
    assert "submitted already" in words(other)
    assert "submitted already" not in words(other.run())


def test_incomplete_work_is_not_stored_and_the_page_says_what_is_missing(seeded, at, desk):
    press(answer(at, desk, {"helpfulness": "1:3"}, why="short"), "submit", desk)
    assert n_judgments(seeded, desk.assignment.id) == 0
    said = at.warning[0].value
    assert "Overall" in said
    assert "1 of at least 8 words" in said
    assert held(seeded).assignment.id == desk.assignment.id


def test_a_tension_is_shown_with_the_rule_and_its_declaration_stored(seeded, at, desk):
    torn = {**PAIR, "helpfulness": "1:3", "harmlessness": "2:3"}
    answer(at, desk, torn)
    said = " ".join(element.value for element in at.get("html"))
    assert "The rubric lets <b>Harmlessness</b> prevail" in said
    assert "goes the other way" in said
    name = f"rate-{desk.assignment.id}-tension-harmlessness-helpfulness"
    at.segmented_control(key=name).set_value("helpfulness").run()
    at.text_input(key=f"{name}-why").set_value("the risk is trivial").run()
    press(at, "submit", desk)
    tensions = desks.reopen_desk(seeded.store, "rater", desk.assignment.id).submission.tensions
    assert [(t.between, t.prevailed, t.why) for t in tensions] == [
        (("harmlessness", "helpfulness"), "helpfulness", "the risk is trivial")
    ]


def test_skip_hands_the_comparison_back_with_its_reason(seeded, at, desk):
    at.session_state[f"rate-{desk.assignment.id}-skip-menu"] = (
        True  # a click on it: what it holds is sent once it is open
    )
    at.run().radio(key=f"rate-{desk.assignment.id}-skip-reason").set_value("A text is broken or cut off").run()
    press(at, "skip", desk)
    with seeded.store.read() as connection:
        row = connection.execute(
            select(tables.assignment.c.state, tables.assignment.c.skip_reason).where(
                tables.assignment.c.id == desk.assignment.id
            )
        ).one()
    assert tuple(row) == ("skipped", "A text is broken or cut off")
    assert held(seeded).assignment.id != desk.assignment.id


def test_a_ranking_with_a_tie_scores_and_checks(seeded, open_page):
    desk = held(seeded, "small")
    at = open_page("rate", login=seeded.log_in("rater"), campaign="small")
    prefix = f"rate-{desk.assignment.id}"
    for key in ("instruction_following", "completeness"):
        for slot, value in (("1", 5), ("2", 3), ("3", 3)):
            at.segmented_control(key=f"{prefix}-{key}-{slot}").set_value(value)
    at.get("pills")[1].set_value("not_applicable")
    for slot, value in (("1", "yes"), ("2", "no"), ("3", "yes")):
        at.segmented_control(key=f"{prefix}-no_fabrication-{slot}").set_value(value)
    for slot, value in (("1", 1), ("2", 3), ("3", 1)):
        at.segmented_control(key=f"{prefix}-overall-{slot}").set_value(value)
    at.text_area(key=f"{prefix}-why").set_value("Completeness decided between the three of them").run()
    press(at, "submit", desk)
    assert not at.warning, at.warning[0].value
    answers = desks.reopen_desk(seeded.store, "rater", desk.assignment.id).submission.answers
    first, second, third = desk.assignment.shown
    assert answers["overall"].ranking == ((first, third), (second,)) or answers["overall"].ranking == (
        (third, first),
        (second,),
    )
    assert answers["instruction_following"].scores == {first: 5, second: 3, third: 3}
    assert answers["factuality"].preferred == "not_applicable"
    assert answers["no_fabrication"].checks == {first: True, second: False, third: True}


def test_a_rating_and_cannot_judge_rule_each_other_out(seeded, open_page):
    desk = held(seeded, "small")
    at = open_page("rate", login=seeded.log_in("rater"), campaign="small")
    key = f"rate-{desk.assignment.id}-instruction_following"
    at.segmented_control(key=f"{key}-1").set_value(4).run()
    at.get("pills")[0].set_value("cannot_judge").run()
    assert at.segmented_control(key=f"{key}-1").value is None
    at.segmented_control(key=f"{key}-2").set_value(2).run()
    assert at.get("pills")[0].value is None


def test_nothing_on_the_page_says_which_model_why_or_what_others_said(seeded, open_page):
    held(seeded, "small")
    at = open_page("rate", login=seeded.log_in("rater"), campaign="small")
    wire = str(at._tree) + " ".join(str(element.proto) for element in at.get("html"))
    assert "Question" in wire
    for secret in ("secret-model", "secret-id", "gold", "propensity", "window-2"):
        assert secret not in wire


def test_model_text_is_literal(seeded, open_page):
    held(seeded, "small")
    at = open_page("rate", login=seeded.log_in("rater"), campaign="small")
    page = " ".join(element.value for element in at.get("html"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "$5 and $6 :red[x] :material/home: a -&gt; b" in page
    assert HOSTILE.split()[0] not in page


def test_another_persons_work_is_not_there(seeded, at, desk, open_page):
    press(answer(at, desk, PAIR), "submit", desk)
    second = open_page("my-work", login=seeded.log_in("second"), assignment=str(desk.assignment.id))
    assert "submitted no assignment" in second.error[0].value
    assert not second.get("text_area")


def test_my_work_lists_and_revises(seeded, at, desk, open_page):
    press(answer(at, desk, PAIR), "submit", desk)
    mine = open_page("my-work", login=seeded.log_in("rater"), campaign="sample")
    assert any("A is better (2)" in element.value for element in mine.get("html"))
    mine.button(key=f"open-{desk.assignment.id}").click().run()
    prefix = f"revise-{desk.assignment.id}"
    assert mine.text_area(key=f"{prefix}-why").value == WHY
    mine.segmented_control(key=f"{prefix}-overall").set_value("tie").run()
    mine.button(key=f"{prefix}-save").click().run()
    assert "revision 1" in mine.success[0].value
    assert desks.reopen_desk(seeded.store, "rater", desk.assignment.id).submission.answers["overall"].preferred == "tie"
    assert n_judgments(seeded, desk.assignment.id) == 2


def test_my_work_shows_ones_own_card_on_request(seeded, at, desk, open_page, monkeypatch):
    press(answer(at, desk, PAIR), "submit", desk)
    mine = open_page("my-work", login=seeded.log_in("rater"), campaign="sample")
    assert not mine.dataframe
    mine.toggle(key="my-card-sample").set_value(True).run()
    assert any("appears the day after" in caption.value for caption in mine.caption)
    monkeypatch.setattr("app.services.own_card.utc_now", lambda: utc_now() + timedelta(days=1))
    mine.run()
    assert not mine.exception
    assert "agreement with others" in list(mine.dataframe[0].value["Measure"])
    assert "Only you and the designers see this." in "".join(caption.value for caption in mine.caption)


def test_a_closed_account_gets_no_work(seeded, open_page):
    with seeded.store.write() as connection:
        connection.execute(tables.rater.update().where(tables.rater.c.name == "rater").values(state="paused"))
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    assert at.subheader[0].value == "No work at the moment"


def test_a_draft_that_comes_too_late_changes_nothing(seeded, at, desk):
    press(answer(at, desk, PAIR), "submit", desk)
    assert not judging.save_draft(seeded.store, "rater", desk.assignment.id, {"justification": "late"})
