"""Versions: the shelf, the history and its differences, starting a round."""

from __future__ import annotations

import pytest

from app.domain import RankingMode, RoundPurpose, RoundRules
from app.errors import InvalidInput, NotAllowed
from app.services import rubric_drafts, rubric_versions, sessions
from app.ui.components.rubric_view import TYPE_WORDS, word_difference
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.difference import changes
from rubrics.errors import RubricError
from rubrics.loader import dump_rubric, library, load_library
from rubrics.model import Rubric
from tests.ui.designing import RUBRIC, bring_torn, button, words

MINE = "key: mine\ntitle: Mine & yours\n"


@pytest.fixture
def torn(seeded, tmp_path):
    """The seeded place with the campaign of two people who weigh differently."""
    bring_torn(seeded.store, tmp_path)
    return seeded


def test_the_empty_shelf_shows_the_library_and_says_what_to_do(empty, open_page):
    at = open_page("versions", login=empty.log_in("designer"))
    assert "No rubric is published yet" in words(at)
    assert len(at.radio(key="rubric-choice").options) == len(library())
    assert at.segmented_control(key="rubric-view").options == ["Read"]


def test_a_rubric_is_read_whole(torn, open_page):
    at = open_page("versions", login=torn.log_in("designer"), rubric="torn")
    said = words(at)
    for part in ("Help *or* clarity", RUBRIC.version[:12], "How helpful?", "80 % of the weight", "Clear prevails"):
        assert part in said
    assert "judged by in torn/main, torn/ranking" in said


def test_the_history_tells_meaning_from_wording(torn, open_page):
    changed = dump_rubric(RUBRIC).replace("How helpful?", "How much does it help, and whom?")
    rubric_versions.publish(torn.store, "designer", changed.replace("title: Help", "title: The help"))
    at = open_page("versions", login=torn.log_in("designer"), rubric="torn")
    at.segmented_control(key="rubric-view").set_value("History").run()
    said = words(at)
    assert "2 differences in what raters see**, 1 of meaning and 1 of wording" in said
    assert said.index("Help: question") < said.index("Rubric: title"), "what matters most stands first"
    assert "a snapshot of both is refused unless a mapping of criteria is named" in said


def test_a_draft_begins_with_the_newest_version(torn, open_page):
    at = open_page("versions", login=torn.log_in("designer"), rubric="torn")
    button(at, "Write a new version").click().run()
    person = sessions.person_named(torn.store, "designer")
    (draft,) = rubric_drafts.list_drafts(torn.store, person)
    assert draft.text == rubric_versions.list_versions(torn.store)["torn"][0].yaml


def test_a_round_starts_with_a_version_and_closes_the_old_one(torn, open_page):
    at = open_page("versions", login=torn.log_in("designer"), rubric="torn")
    at.segmented_control(key="rubric-view").set_value("Start a round").run()
    campaigns = at.selectbox(key="round-campaign")
    campaigns.set_value(next(one for one in torn_campaigns(torn) if one.name == "torn")).run()
    at.text_input[0].set_value("two words")
    button(at, "Start the round").click().run()
    assert "two words" in at.error[0].value
    at.text_input[0].set_value("second")
    at.multiselect[0].set_value(["main"])
    number(at, "Share of hidden gold").set_value(0.5)
    number(at, "Share of blind repeats").set_value(0.3)
    button(at, "Start the round").click().run()
    assert "together at most .5" in at.error[0].value.replace("\\", "")
    number(at, "Share of blind repeats").set_value(0.0)
    button(at, "Start the round").click().run()
    assert "Round second of Torn is open" in at.success[0].value
    rounds = {one.name: one for one in rubric_versions.rounds_in(torn.store, "torn")}
    assert (rounds["main"].state, rounds["second"].state) == ("closed", "open")
    assert rounds["second"].rules.gold_rate == 0.5


def number(at, label):
    """The number input with this label."""
    return next(one for one in at.number_input if one.label == label)


def torn_campaigns(place):
    """The campaigns in which the designer designs."""
    from app.policy import Action
    from app.services import sessions

    return sessions.person_named(place.store, "designer").campaigns_for(Action.PUBLISH_RUBRIC)


@pytest.mark.parametrize("role", ["rater", "researcher"])
def test_only_designers_publish_and_start_rounds(torn, role):
    with pytest.raises(NotAllowed):
        rubric_versions.publish(torn.store, role, MINE)
    with pytest.raises(NotAllowed):
        rubric_versions.start_round(
            torn.store,
            role,
            "torn",
            name="x",
            version=RUBRIC.version,
            mode=RankingMode.PAIR,
            purpose=RoundPurpose.MAIN,
            rules=RoundRules(),
        )
    assert "mine" not in rubric_versions.list_versions(torn.store)


def test_publishing_is_checked_by_the_service_and_does_nothing_twice(empty):
    with pytest.raises(RubricError, match="key"):
        rubric_versions.publish(empty.store, "designer", "title: x")
    assert rubric_versions.publish(empty.store, "designer", MINE)[1]
    assert not rubric_versions.publish(empty.store, "admin", MINE + "# a comment\n")[1]
    with pytest.raises(InvalidInput):
        rubric_versions.start_round(
            empty.store,
            "designer",
            "torn",
            name="a b",
            version="",
            mode=RankingMode.PAIR,
            purpose=RoundPurpose.MAIN,
            rules=RoundRules(),
        )


@pytest.mark.parametrize("key", library())
def test_a_rubric_differs_in_nothing_from_itself_and_in_everything_from_nothing(key):
    rubric = load_library(key)
    bare = Rubric(key=key, title="t")
    assert changes(rubric, rubric) == []
    added = changes(bare, rubric)
    removed = changes(rubric, bare)
    assert {c.place for c in added if c.kind == "added"} == {c.place for c in removed if c.kind == "removed"}
    assert sum(c.kind == "added" and c.place.startswith("Criterion") for c in added) == len(rubric.criteria)


def test_changes_name_order_weights_anchors_and_rules():
    plain = RUBRIC.to_dict()
    plain["criteria"] = [plain["criteria"][1], plain["criteria"][0], plain["criteria"][2]]
    plain["criteria"][0] |= {"weight": 0.5, "anchors": {5: "plain"}, "applies_if": {"topic": ["art", "law"]}}
    plain["tensions"][0]["precedence"] = "context"
    plain["justification"]["min_words"] = 4
    found = {c.place: (c.kind, c.before, c.after) for c in changes(RUBRIC, Rubric.from_dict(plain))}
    assert found == {
        "Clear: weight": ("changed", "0.8", "0.5"),
        "Clear: asked only if": ("added", "", 'topic is "art" or "law"'),
        "Clear: point 5": ("added", "", "plain"),
        "Order of criteria": ("changed", "help, clear, polite", "clear, help, polite"),
        "Tension clear against help: prevails": ("changed", "clear", "context"),
        "Justification: fewest words": ("changed", "0", "4"),
    }


def test_words_are_marked_and_escaped():
    assert word_difference("a <b> c", "a <b> d") == "a &lt;b&gt; <del>c</del><ins>d</ins>"
    assert word_difference("", "x") == "<ins>x</ins>"


def test_every_type_of_criterion_has_words():
    assert set(TYPE_WORDS) == set(CRITERION_TYPES)
