"""Pages that repair a rubric from data: parts of the tension map, the inbox, the bridge."""

from __future__ import annotations

import pytest

from app import jobs
from app.domain import Cause, RoundPurpose
from app.errors import NotAllowed
from app.services import adjudicating, bridging, inbox, job_rows, questions, rubric_drafts, rubric_versions
from app.services.assigning import next_assignment
from app.services.rubric_versions import publish
from app.ui.components.tensions.rules import with_rule
from rubrics.answers import Answer
from rubrics.loader import dump_rubric, parse_rubric
from rubrics.model import Rubric
from tests.ui.designing import NAME, RUBRIC, bring_torn
from tests.ui.speaking import button, field, person, words

KEYS = ["clear", "help"]


@pytest.fixture
def torn(seeded, tmp_path):
    """The seeded place with the campaign of two people who weigh differently."""
    bring_torn(seeded.store, tmp_path)
    return seeded


def open_part(open_page, place, part):
    return open_page("tensions", login=place.log_in("designer"), campaign=NAME, part=part)


def test_a_clicked_cell_opens_the_clearest_comparison_of_its_pair(torn, open_page):
    at = open_page("tensions", login=torn.log_in("designer"), campaign=NAME)
    assert not at.get("toggle")
    at.session_state[f"clicked-pair-{NAME}"] = frozenset(KEYS)
    at.run()
    said = words(at)
    assert at.selectbox(key=f"example-{NAME}-clear and help").value is not None
    assert "ann" in said
    assert "decided." in said, "justifications stand beside the votes"


def test_raters_and_slices_say_what_the_votes_carry(torn, open_page):
    at = open_part(open_page, torn, "Raters")
    assert "Whether raters differ cannot be told: 2 raters; 5 are needed." in words(at)
    at = open_part(open_page, torn, "Slices")
    field(at, "selectbox", "By").set_value("meta.topic").run()
    (job,) = job_rows.list_jobs(torn.store, kind="report")
    jobs.run(torn.store, job.id)
    at = open_part(open_page, torn, "Slices")
    field(at, "selectbox", "By").set_value("meta.topic").run()
    said = words(at)
    assert "How often they pull apart" in said
    assert "No slice has 30 conflicts" in said or "prevails in" in said


def test_a_proposed_rule_becomes_a_draft(torn, open_page):
    at = open_part(open_page, torn, "Rules")
    assert "A proposal says what raters do, not what they should do." in words(at)
    at.text_area(key=f"guidance-{NAME}-clear-help").set_value("Help first: a muddle can be asked about.")
    assert button(at, "Open a draft").disabled
    at.checkbox(key=f"take-{NAME}-clear-help").check().run()
    button(at, "Open a draft with 1 rule").click().run()
    (draft,) = rubric_drafts.list_drafts(torn.store, person(torn, "designer"))
    made = parse_rubric(draft.text)
    (rule,) = made.tensions
    assert (set(rule.between), rule.precedence) == (set(KEYS), "help")
    assert rule.guidance == "Help first: a muddle can be asked about."
    assert made.version != RUBRIC.version


def test_a_rule_is_added_where_there_is_none():
    bare = Rubric.from_dict({**RUBRIC.to_dict(), "tensions": []})
    made = parse_rubric(with_rule(dump_rubric(bare), ("help", "polite"), "context", "It depends."))
    assert [(rule.between, rule.precedence) for rule in made.tensions] == [(("help", "polite"), "context")]
    more = parse_rubric(with_rule(dump_rubric(RUBRIC), ("help", "polite"), "help", "Help."))
    assert len(more.tensions) == 2


def test_what_if_shows_what_would_flip(torn, open_page):
    at = open_part(open_page, torn, "What if")
    assert "This is what the rubric says now." in words(at)
    field(at, "selectbox", "help against clear").set_value("help").run()
    said = words(at)
    assert "labels of 60 would flip" in said
    assert "comparisons then." in said
    assert set(at.dataframe[0].value["Then"]) <= {"a", "b", "tie"}


@pytest.fixture
def asked(torn):
    """A value conflict, and a question."""
    adjudicating.decide(
        torn.store,
        "designer",
        NAME,
        "pair-01",
        answer=Answer(preferred="a"),
        cause=Cause.VALUE_CONFLICT,
        reason="Help wins.",
    )
    held = next_assignment(torn.store, "rater", NAME)
    questions.ask(torn.store, "rater", held.id, "Is <b>short</b> clear?")
    return torn


def test_the_inbox_ends_in_decisions_and_these_in_a_version(asked, open_page):
    login = asked.log_in("designer")
    links = [link.label for link in open_page("home", login=login).get("page_link")]
    assert "1 question or report of a rater waits for an answer" in links
    assert {"Studio", "Inbox", "Quality"} <= set(links), "Home links to the pages of every menu"
    at = open_page("inbox", login=login, campaign=NAME)
    said = words(at)
    assert "2 items waiting" in said
    assert "Help wins." in said
    assert "&lt;b&gt;short&lt;/b&gt;" in said, "people's words stay literal"
    decide = [one for one in at.button if one.label == "Decide"]
    decide[0].click().run()
    assert "Choose what becomes of it." in words(at)
    for _ in range(2):
        at.selectbox[-1].set_value(inbox.Outcome.CHANGE)
        at.text_area[-1].set_value("The rule will say so.")
        [one for one in at.button if one.label == "Decide"][-1].click().run()
        assert "Decided: change the rubric." in words(at)
    assert "Nothing waits" in words(at)
    (answered,) = questions.own_questions(asked.store, "rater")
    assert answered.answer == "The rule will say so."
    at = open_page("inbox", login=login, campaign=NAME, inbox="Decisions")
    assert "2 decisions to change the rubric without a version that answers" in words(at).replace("*", "")
    button(at, "Link them to this version").click().run()
    assert "2 decisions answered by" in words(at)
    linked = inbox.decisions_in(asked.store, "designer", NAME)
    assert all(one.rubric_version for one in linked)
    rubric = next(key for key, many in rubric_versions.list_versions(asked.store).items()
                  if linked[0].rubric_version in {one.version for one in many})  # fmt: skip
    said = words(open_page("versions", login=login, rubric=rubric))
    assert "The rule will say so." in said, "the version names the decisions that it answers"


def test_the_inbox_without_anything_says_what_comes_here(seeded, open_page):
    at = open_page("inbox", login=seeded.log_in("designer"), campaign="small")
    assert "Nothing waits" in words(at)
    with pytest.raises(NotAllowed):
        inbox.open_items(seeded.store, "rater", "small", {})


def test_a_bridge_is_opened_and_says_that_it_waits_for_votes(torn, open_page):
    new = {**RUBRIC.to_dict(), "tensions": [{"between": ["help", "clear"], "precedence": "help"}]}
    version, _ = publish(torn.store, "designer", dump_rubric(Rubric.from_dict(new)))
    login = torn.log_in("designer")
    at = open_page("bridge", login=login, campaign=NAME)
    assert "No bridge round yet" in words(at)
    choice = field(at, "selectbox", "New version")
    choice.select_index(next(k for k, option in enumerate(choice.options) if version.version[:12] in option))
    button(at, "Open the bridge round").click().run()
    assert not at.error, at.error[0].value
    (made,) = bridging.bridges_in(torn.store, NAME)
    assert (made.purpose, made.rubric_version) == (RoundPurpose.BRIDGE, version.version)
    said = words(at)
    assert "No comparison was judged under both versions yet" in said
    assert "What to judge again" in said
    stale = at.dataframe[-1].value
    assert all("their rule changed" in why for why in stale["Why"])
    assert len(rubric_versions.rounds_in(torn.store, NAME)) >= 2
