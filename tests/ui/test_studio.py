"""The Studio: one text under form and editor, checks and advice, two people at once, tests, publishing."""

from __future__ import annotations

import json

import pytest

from app.domain import RankingMode, RoundPurpose, RoundRules
from app.services import rubric_drafts, rubric_versions, sessions
from app.services.importing import import_file
from app.ui.components.studio.checks import KINDS
from app.ui.components.studio.form import JUSTIFICATION_WORDS
from app.ui.components.studio.lines import line_difference
from rubrics.advice import RULES
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.loader import dump_rubric, library, parse_rubric
from rubrics.model import JUSTIFICATION_RULES, RubricTest
from tests.ui.designing import RUBRIC, bring_torn, button, words

TEXT = """\
# mine
key: mine
title: Mine & yours
criteria:
  - key: help   # first
    name: Help
    question: Which response is better?
    type: preference_scale
    guidance: Which does more?
"""


@pytest.fixture
def designer(seeded):
    """The designer of the seeded place."""
    return sessions.person_named(seeded.store, "designer")


@pytest.fixture
def draft(seeded, designer):
    """A draft with one criterion."""
    return rubric_drafts.create_draft(seeded.store, designer, TEXT)


@pytest.fixture
def studio(seeded, draft, open_page):
    """The Studio with the draft open."""
    return open_page("studio", login=seeded.log_in("designer"), draft=str(draft.id))


def text_of(place, person, draft) -> str:
    """What the server has of a draft."""
    return rubric_drafts.read_draft(place.store, person, draft.id).text


def field(kind, label):
    """The field with this label."""
    return next(one for one in kind if one.label == label)


def go(at, key, value):
    """Choose a part of the page."""
    at.segmented_control(key=key).set_value(value).run()


def test_a_draft_begins_from_the_library_and_is_listed(empty, open_page):
    at = open_page("studio", login=empty.log_in("designer"))
    assert "No draft yet" in words(at)
    at.radio(key="begin-library").set_value("summarisation").run()
    button(at, "Begin with this").click().run()
    assert at.header[0].value.replace("\\", "") == "Summaries of a given text"
    assert "Valid" in words(at)
    button(at, "All drafts").click().run()
    assert "Summaries of a given text" in words(at)
    person = sessions.person_named(empty.store, "designer")
    (draft,) = rubric_drafts.list_drafts(empty.store, person)
    assert draft.text == library()["summarisation"].read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["Published version", "Brief", "File", "Empty page"])
def test_every_other_beginning_opens(seeded, open_page, source):
    at = open_page("studio", login=seeded.log_in("designer"))
    go(at, "begin-from", source)
    assert not at.exception
    if source == "Brief":
        at.text_area(key="studio-brief").set_value("Reviews of code, for juniors: find defects.").run()
        assert "No assistant is configured" in words(at)
        assert "Reviews of a change to code" in words(at)
    elif source != "File":
        button(at, "Begin with this").click().run()
        assert "Valid" in words(at)


def test_the_form_writes_into_the_text_and_keeps_its_comments(studio, seeded, designer, draft):
    at = studio
    field(at.text_input, "Title").set_value("Ours").run()
    go(at, f"studio-{draft.id}-part", "Criteria")
    field(at.text_input, "Question").set_value("Which response answers more of what was asked?").run()
    field(at.number_input, "Weight").set_value(0.5).run()
    field(at.toggle, "Raters may say that it does not apply").set_value(True).run()
    at.text_input(key=f"studio-{draft.id}-criteria.0.anchors.3").set_value("much more").run()
    at.text_input(key=f"studio-{draft.id}-criteria.0.applies_if").set_value("domain: [law, tax]").run()
    text = text_of(seeded, designer, draft)
    assert text.startswith("# mine\nkey: mine\ntitle: Ours\n")
    assert "- key: help   # first" in text
    assert text.endswith(
        "    weight: 0.5\n    allow_not_applicable: true\n    anchors:\n      3: much more\n"
        "    applies_if:\n      domain:\n        - law\n        - tax\n"
    )
    field(at.toggle, "Raters may say that it does not apply").set_value(False).run()
    assert "allow_not_applicable" not in text_of(seeded, designer, draft)


def test_criteria_come_move_and_go(studio, seeded, designer, draft):
    at = studio
    go(at, f"studio-{draft.id}-part", "Criteria")
    button(at, "Add a criterion").click().run()
    assert field(at.text_input, "Name").value == "Criterion 1"
    button(at, "Move up").click().run()
    text = text_of(seeded, designer, draft)
    assert text.index("criterion_1") < text.index("key: help")
    go(at, f"studio-{draft.id}-part", "Tension rules")
    button(at, "Add a rule").click().run()
    field(at.selectbox, "Prevails").set_value("help").run()
    assert "precedence: help" in text_of(seeded, designer, draft)
    go(at, f"studio-{draft.id}-part", "Criteria")
    button(at, "Remove this criterion").click().run()
    assert "criterion_1 is no criterion" in words(at).replace("&#x27;", "").replace("'", "")


def test_every_type_of_criterion_has_a_form(seeded, designer, open_page):
    for kind in CRITERION_TYPES:
        text = TEXT.replace("preference_scale", kind)
        draft = rubric_drafts.create_draft(seeded.store, designer, text)
        at = open_page("studio", login=seeded.log_in("designer"), draft=str(draft.id))
        go(at, f"studio-{draft.id}-part", "Criteria")
        go(at, "studio-part", "Rater's screen")
        assert not at.exception
        assert "Help" in words(at)


def test_problems_stand_by_line_and_by_field_and_nothing_can_be_published(studio, seeded, designer, draft):
    at = studio
    go(at, "studio-way", "Text")
    wrong = TEXT.replace("guidance: Which does more?", "points: seven\n    wieght: 2")
    at.text_area(key=f"studio-{draft.id}-text").set_value(wrong).run()
    said = words(at)
    assert "2 things are wrong" in said
    assert "<b>Line 9</b>, <code>criteria[0].points</code>" in said
    assert "did you mean weight?" in said
    go(at, "studio-part", "Publish")
    assert not [one for one in at.button if one.label == "Publish"]
    go(at, "studio-way", "Form")
    go(at, f"studio-{draft.id}-part", "Criteria")
    assert 'class="sy-wrong"' in words(at)
    field(at.number_input, "Points (7 unless given)").set_value(5).run()
    assert "points: 5" in text_of(seeded, designer, draft)


def test_a_text_that_cannot_be_read_closes_the_form_and_opens_it_again(studio, draft):
    at = studio
    go(at, "studio-way", "Text")
    at.text_area(key=f"studio-{draft.id}-text").set_value("key: [").run()
    go(at, "studio-way", "Form")
    assert "The form comes back" in words(at)
    go(at, "studio-part", "Rater's screen")
    assert "The screen comes back" in words(at)


def test_advice_is_put_aside_and_taken_up_again(studio, seeded, designer, draft):
    at = studio
    assert "vague word" in words(at)
    assert "say in what respect" in words(at)
    button(at, "Put aside").click().run()
    assert "No further advice" in words(at)
    button(at, "Take up again").click().run()
    assert "No further advice" not in words(at)
    assert set(KINDS) == set(RULES)


def test_the_second_of_two_is_told_and_chooses(studio, seeded, designer, draft):
    at = studio
    other = sessions.person_named(seeded.store, "admin")
    theirs = TEXT.replace("Mine & yours", "Theirs")
    rubric_drafts.save_draft(seeded.store, other, draft.id, theirs, revision=1)
    field(at.text_input, "Title").set_value("Mine again").run()
    assert "admin saved this draft while you wrote" in words(at)
    assert text_of(seeded, designer, draft) == theirs
    assert "<ins>title: Mine again</ins>" in words(at)
    assert "You changed the same lines" in words(at)
    button(at, "Keep mine as a draft of its own").click().run()
    assert at.header[0].value == "Mine again"
    assert text_of(seeded, designer, draft) == theirs
    assert len(rubric_drafts.list_drafts(seeded.store, designer)) == 2


def test_changes_of_different_lines_are_put_together(studio, seeded, designer, draft):
    at = studio
    other = sessions.person_named(seeded.store, "admin")
    theirs = TEXT.replace("Which does more?", "Which does more of what was asked?")
    rubric_drafts.save_draft(seeded.store, other, draft.id, theirs, revision=1)
    field(at.text_input, "Title").set_value("Mine again").run()
    button(at, "Put both together").click().run()
    assert text_of(seeded, designer, draft) == theirs.replace("Mine & yours", "Mine again")
    assert field(at.text_input, "Title").value == "Mine again"


@pytest.mark.parametrize(("choice", "title"), [("Take theirs", "Theirs"), ("Put mine in its place", "Mine again")])
def test_the_other_ways_out_of_a_conflict(studio, seeded, designer, draft, choice, title):
    at = studio
    other = sessions.person_named(seeded.store, "admin")
    rubric_drafts.save_draft(seeded.store, other, draft.id, TEXT.replace("Mine & yours", "Theirs"), revision=1)
    field(at.text_input, "Title").set_value("Mine again").run()
    button(at, choice).click().run()
    assert field(at.text_input, "Title").value == title
    assert f"title: {title}" in text_of(seeded, designer, draft)


def test_publishing_makes_a_version_and_ends_the_draft(seeded, designer, open_page, tmp_path):
    bring_torn(seeded.store, tmp_path)
    changed = dump_rubric(RUBRIC).replace("How helpful?", "How very helpful?")
    draft = rubric_drafts.create_draft(seeded.store, designer, changed)
    at = open_page("studio", login=seeded.log_in("designer"), draft=str(draft.id))
    go(at, "studio-part", "Publish")
    assert "1 difference of wording: votes under both versions mean the same." in words(at)
    button(at, "Publish").click().run()
    assert not at.exception
    versions = rubric_versions.list_versions(seeded.store)["torn"]
    assert [one.rubric.criteria[0].question for one in versions] == ["How very helpful?", "How helpful?"]
    assert rubric_drafts.read_draft(seeded.store, designer, draft.id).published_version == versions[0].version


def test_tests_run_against_the_votes_of_a_campaign(seeded, designer, open_page, tmp_path):
    bring_torn(seeded.store, tmp_path)
    tested = (
        dump_rubric(RUBRIC)
        + "tests:\n  - {prompt: P, a: long answer, b: short, expect: {help: a, clear: b, overall: a}}\n"
        + "  - {prompt: Q, a: x, b: y, expect: {help: a}}\n"
    )
    draft = rubric_drafts.create_draft(seeded.store, designer, tested)
    line = {
        "id": "test-1",
        "prompt": "P",
        "completions": [{"id": "a", "text": "short"}, {"id": "b", "text": "long answer"}],
        "judgments": [
            {"rater": name, "preferred": "b", "criteria": {"help": {"scores": {"a": 1, "b": 5}}, "clear": clear}}
            for name, clear in (("ann", {"scores": {"a": 5, "b": 1}}), ("bob", {"scores": {"a": 1, "b": 5}}))
        ],
    }
    file = tmp_path / "tests.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    import_file(seeded.store, "torn", file, format_name="native")
    at = open_page("studio", login=seeded.log_in("designer"), draft=str(draft.id))
    go(at, "studio-part", "Tests")
    votes = field(at.selectbox, "Votes of")
    votes.select_index(votes.options.index("Torn, all rounds")).run()
    said = words(at)
    assert "1 of 2 tests were judged, by 2 judgments. Raters do not agree among themselves: Clear." in said
    assert "expected a; said: 2 x a. 1.00" in said


def test_tests_have_a_form_and_the_newest_pilot_answers_them(seeded, designer, open_page, tmp_path):
    bring_torn(seeded.store, tmp_path)
    draft = rubric_drafts.create_draft(seeded.store, designer, dump_rubric(RUBRIC))
    at = open_page("studio", login=seeded.log_in("designer"), draft=str(draft.id))
    go(at, f"studio-{draft.id}-part", "Tests")
    assert "No tests yet" in words(at)
    button(at, "Add a test").click().run()
    for label, text in (("Prompt", "P"), ("Response A", "long answer"), ("Response B", "short")):
        field(at.text_area, label).set_value(text).run()
    field(at.selectbox, "Help").set_value("a").run()
    field(at.selectbox, "Overall").set_value("both_bad").run()
    field(at.selectbox, "Overall").set_value("").run()
    text = text_of(seeded, designer, draft)
    assert parse_rubric(text).tests == (RubricTest(prompt="P", a="long answer", b="short", expect={"help": "a"}),)
    field(at.selectbox, "Help").set_value("").run()
    assert "expect" in words(at), "a test that expects nothing is no test, and the form says so"
    field(at.selectbox, "Help").set_value("b").run()
    start_pilot(seeded, tmp_path)
    go(at, "studio-part", "Tests")
    assert field(at.selectbox, "Votes of").options[0] == "Torn, pilot try"
    said = words(at)
    assert "1 of 1 test was judged, by 3 judgments. Raters read it otherwise: Help." in said
    assert "expected b; said: 3 x a" in said
    at.text_input(key=f"studio-{draft.id}-take-name").set_value("nowhere")
    at.selectbox(key=f"studio-{draft.id}-take-campaign").set_value("torn").run()
    button(at, "Take it").click().run()
    assert "has no comparison" in words(at)
    at.text_input(key=f"studio-{draft.id}-take-name").set_value("pair-04").run()
    button(at, "Take it").click().run()
    taken = parse_rubric(text_of(seeded, designer, draft)).tests[1]
    assert taken.prompt.startswith("Question 4?")
    votes = field(at.selectbox, "Votes of")
    votes.select_index(votes.options.index("Torn, all rounds")).run()
    assert "2 of 2 tests were judged" in words(at), "its votes answer at once"
    button(at, "Remove this test").click().run()
    button(at, "Remove this test").click().run()
    assert "tests" not in text_of(seeded, designer, draft)


def start_pilot(place, folder):
    """A pilot of the torn campaign in which three people judged the texts of a test."""
    rules = RoundRules(overlap=3, gold_rate=0.0)
    rubric_versions.start_round(
        place.store, "designer", "torn", name="try", version=RUBRIC.version, mode=RankingMode.PAIR,
        purpose=RoundPurpose.PILOT, rules=rules,
    )  # fmt: skip
    answer = {"help": {"scores": {"a": 5, "b": 1}}}
    line = {
        "id": "test-1",
        "prompt": "P",
        "completions": [{"id": "a", "text": "long answer"}, {"id": "b", "text": "short"}],
        "judgments": [{"rater": name, "criteria": answer, "round": "try"} for name in ("ann", "bob", "cy")],
    }
    file = folder / "pilot.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    assert not import_file(place.store, "torn", file, format_name="native").refused


def test_a_draft_that_ended_or_never_was_says_so(studio, seeded, designer, draft, open_page):
    rubric_drafts.discard_draft(seeded.store, designer, draft.id)
    studio.run()
    assert "This draft has ended" in words(studio)
    at = open_page("studio", login=seeded.log_in("designer"), draft="777")
    assert "There is no draft 777" in words(at)


def test_every_rule_for_justifications_can_be_switched():
    numbers = {"min_words"}
    assert set(JUSTIFICATION_WORDS) | numbers == set(JUSTIFICATION_RULES)


def test_an_emptied_draft_comes_back(studio, seeded, designer, draft):
    at = studio
    go(at, "studio-part", "Earlier")
    assert "Nothing was changed yet" in words(at)
    go(at, "studio-way", "Text")
    at.text_area(key=f"studio-{draft.id}-text").set_value("").run()
    assert text_of(seeded, designer, draft) == ""
    assert "<del># mine</del>" in words(at)
    button(at, "Go back to this text").click().run()
    assert text_of(seeded, designer, draft) == TEXT
    assert at.text_area(key=f"studio-{draft.id}-text").value == TEXT
    assert "revision 2, designer" in at.selectbox(key=f"studio-{draft.id}-earlier").options[0]


def test_a_difference_of_lines_has_dots_only_where_lines_are_left_out():
    before = "".join(f"{n}\n" for n in range(12))
    assert line_difference(before, before.replace("0\n", "zero\n", 1)).split("\n") == [
        "<del>0</del>", "<ins>zero</ins>", "1", "2", "\u2026",
    ]  # fmt: skip
    assert line_difference(before, before + "<b>\n").split("\n") == ["\u2026", "10", "11", "<ins>&lt;b&gt;</ins>"]
    assert line_difference(before, before) == ""
