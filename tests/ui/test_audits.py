"""Audits and the work plan as pages: what they say when there is nothing, and the way to a recorded inspection."""

from __future__ import annotations

import random

import pytest

from app.domain import OverlapPolicy, Role, RoundRules
from app.services import audits
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from rubrics.loader import load_library
from tests.services.house import line, vote, write_lines
from tests.ui.designing import button, words

NAME = "senior"


@pytest.fixture
def settled(seeded, tmp_path):
    """Twelve comparisons that two raters settled on `a`."""
    rules = RoundRules(policy=OverlapPolicy.CURTAILED, audit_share=0.0)
    create_campaign(seeded.store, NAME, rubric=load_library("minimal"), rules=rules)
    lines = [line(f"x{n:02}", judgments=[vote("w1"), vote("w2")]) for n in range(12)]
    import_file(seeded.store, NAME, write_lines(tmp_path / "lines.jsonl", lines))
    add_member(seeded.store, NAME, "designer", roles=[Role.DESIGNER])
    return seeded


def test_nothing_to_audit_says_when_something_will_be(seeded, open_page):
    at = open_page("audits", login=seeded.log_in("designer"), campaign="small")
    assert "Nothing to audit yet" in words(at)


def test_the_label_stays_hidden_until_the_auditor_answered(settled, open_page):
    audit = audits.start(settled.store, "designer", NAME, chance=random.Random(1))
    at = open_page("audits", login=settled.log_in("designer"), campaign=NAME)
    assert "0 of 12 inspected" in words(at) or audit.plan.n == 12
    assert "the votes settled on" not in words(at).replace("that the votes settled on is hidden", "")
    case = audits.next_case(settled.store, "designer", NAME, audit.id)
    at.segmented_control(key=f"audit-answer-{audit.id}-{case.comparison.id}").set_value("2:1").run()
    button(at, "Compare with the label").click().run()
    assert "the votes settled on" in words(at)
    button(at, "Record and go on").click().run()
    assert "Say whether the label is wrong" in words(at)
    at.radio(key=f"wrong-{audit.id}-{case.comparison.id}").set_value("It is acceptable too").run()
    at.text_area(key=f"why-{audit.id}-{case.comparison.id}").set_value("close").run()
    button(at, "Record and go on").click().run()
    assert audits.list_audits(settled.store, "designer", NAME)[0].n_inspected == 1
