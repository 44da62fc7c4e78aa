"""YAML <-> Rubric: line numbers, round trips, edits that keep comments, and the library."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import HealthCheck, given, settings

from rubrics.errors import RubricError
from rubrics.loader import dump_rubric, library, load_library, load_rubric, parse_rubric, update_document
from tests.rubrics.strategies import rubrics

GOOD = """\
# the rubric of the tests
key: sample   # short
title: Sample
criteria:
  # the first
  - key: help
    name: Help
    question: Which helps?
    type: preference_scale
    anchors: {3: "clearly", 1: slightly}
    weight: 1   # much
  - key: safe
    name: Safety
    question: Which is safer?
    type: scores
    weight: 0.5
tensions:
  - between: [help, safe]
    precedence: safe
overall: {points: 7, allow_tie: true}
"""


def lines_of(text: str) -> list[str]:
    """The lines of the error that a text gives."""
    with pytest.raises(RubricError) as caught:
        parse_rubric(text, source="file.yaml")
    return str(caught.value).split("\n")


def test_a_document_is_read():
    rubric = parse_rubric(GOOD)
    assert rubric.criterion("help").anchors == {3: "clearly", 1: "slightly"}
    assert rubric.declared_weights() == {"help": 2 / 3, "safe": 1 / 3}


def test_comments_key_order_quotes_and_tests_do_not_change_the_version():
    other = """\
title: "Sample"
criteria:
  - {type: preference_scale, weight: 1.0, question: Which helps?, name: Help, key: help, points: 7,
     anchors: {1: slightly, 3: clearly}}
  - {type: scores, weight: 0.5, question: 'Which is safer?', name: Safety, key: safe}
tensions: [{precedence: safe, between: [help, safe]}]
key: sample
tests: [{prompt: p, a: x, b: y, expect: {help: a}}]
"""
    assert parse_rubric(other).version == parse_rubric(GOOD).version


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("criteria:", "criterai:", "file.yaml:4: criterai: unknown field (did you mean criteria?)"),
        ("title: Sample\n", "", "file.yaml:2: title: is missing"),
        ("key: sample ", "key: Sample ", "file.yaml:2: key: 'Sample': string should match pattern"),
        ("    name: Safety\n", "", "file.yaml:12: criteria[1].name: is missing (add it: the name on the screen)"),
        ("type: scores", "type: score", "file.yaml:15: criteria[1].type: 'score' is no type of criterion"),
        ("weight: 0.5", "weight: half", "file.yaml:16: criteria[1].weight: 'half' is no number"),
        ("weight: 0.5", "weigth: 0.5", "file.yaml:16: criteria[1].weigth: unknown field (did you mean weight?)"),
        ("{3:", "{5:", "file.yaml:10: criteria[0].anchors.5: point 5 is not on the scale"),
        ("key: safe", "key: help", "file.yaml:12: criteria[1].key: 'help' is taken by criteria[0]"),
        ("key: safe", "key: overall", "file.yaml:12: criteria[1].key: 'overall' is a reserved word"),
        ("[help, safe]", "[help, sane]", "file.yaml:19: tensions[0].precedence: 'safe' is not one of the two"),
        ("precedence: safe", "context: true", "file.yaml:19: tensions[0].context: unknown field (write precedence:"),
        ("points: 7", "points: 8", "file.yaml:20: overall.points: a scale of 8 points has no middle"),
        ("key: sample ", "key: sample\nkey: other ", "file.yaml:3: rubric: the key 'key' stands twice"),
        ("  - between", "\t- between", "file.yaml:18: rubric: a tab stands where YAML wants spaces"),
        ("[help, safe]", "[help, safe", "file.yaml:19: rubric: "),
        ("title: Sample", "title: Sam\x07ple", "file.yaml:3: rubric: character '\\x07' is not allowed"),
        ("overall: {", "---\noverall: {", "file.yaml:20: rubric: holds more than one document"),
        ("title: Sample", "title: !!python/name:os.system x", "file.yaml:3: rubric: could not determine"),
        ("criteria:\n", "criteria:\n  - three\n", "file.yaml:5: criteria[0]: 'three' is no mapping of fields"),
    ],
)
def test_errors_name_the_line(old, new, expected):
    assert GOOD.count(old) == 1
    found = lines_of(GOOD.replace(old, new))
    assert any(line.startswith(expected) for line in found), found


def test_all_problems_are_listed_in_the_order_of_lines():
    text = GOOD.replace("criteria:", "criterai:").replace("title:", "titel:").replace("points: 7", "points: 1")
    assert [line.split(" ")[:2] for line in lines_of(text)] == [
        ["file.yaml:2:", "title:"],
        ["file.yaml:3:", "titel:"],
        ["file.yaml:4:", "criterai:"],
        ["file.yaml:20:", "overall.points:"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "file.yaml: rubric: is empty (begin with key, title and overall)"),
        ("# only a comment\n", "file.yaml: rubric: is empty"),
        ("null", "file.yaml: rubric: is empty"),
        ("\n- a\n- b\n", "file.yaml:2: rubric: is a list (write a mapping"),
        ("just words", "file.yaml:1: rubric: is a single value"),
        ("key: x\ntitle: 2026-41-01\n", "file.yaml: rubric: is no readable YAML"),
        ("[" * 1000, "file.yaml: rubric: is no readable YAML: RecursionError"),
        ("#" * 1_000_001, "file.yaml: rubric: is larger than 1000000 bytes"),
        ("key: &a [*a]\ntitle: X", "file.yaml:1: key: [["),
    ],
)
def test_what_is_no_rubric_at_all(text, expected):
    assert lines_of(text)[0].startswith(expected)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(RubricError, match=r"nowhere\.yaml: rubric: there is no such file"):
        load_rubric(tmp_path / "nowhere.yaml")
    with pytest.raises(RubricError, match="cannot be read"):
        load_rubric(tmp_path)


def test_files_are_utf8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "rubric.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_rubric(path) == parse_rubric(GOOD)
    path.write_bytes("key: x\ntitle: Güte\n".encode("latin-1"))
    with pytest.raises(RubricError, match=r"rubric\.yaml:2: rubric: byte 0xfc is not UTF-8 .save the file as UTF-8"):
        load_rubric(path)


def test_errors_survive_pickling():
    with pytest.raises(RubricError) as caught:
        parse_rubric("- a", source="file.yaml")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(rubrics())
def test_yaml_round_trips(rubric):
    again = parse_rubric(dump_rubric(rubric))
    assert again == rubric
    assert again.version == rubric.version


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(rubrics(), rubrics())
def test_a_document_can_become_any_other_rubric(before, after):
    assert parse_rubric(update_document(dump_rubric(before), after)) == after


def test_an_edit_changes_only_its_line():
    rubric = parse_rubric(GOOD)
    helping = rubric.criteria[0].model_copy(update={"name": "Helpfulness"})
    edited = rubric.model_copy(update={"criteria": (helping, rubric.criteria[1])})
    assert update_document(GOOD, rubric) == GOOD
    assert update_document(GOOD, edited) == GOOD.replace("name: Help\n", "name: Helpfulness\n")
    assert edited.version != rubric.version


def test_an_edit_keeps_comments_when_criteria_come_and_go():
    rubric = parse_rubric(GOOD)
    plain = rubric.to_dict()
    plain["criteria"].append({"key": "clear", "name": "Clarity", "question": "?", "type": "check", "weight": 1})
    plain["overall"]["allow_both_bad"] = False
    longer = type(rubric).from_dict(plain)
    text = update_document(GOOD, longer)
    assert all(comment in text for comment in ("# the rubric of the tests", "# short", "# the first", "# much"))
    assert parse_rubric(text) == longer
    assert update_document(text, rubric).count("# much") == 1


def test_an_edit_of_what_is_no_rubric_is_refused():
    with pytest.raises(RubricError, match=r"mine\.yaml:1: rubric: is a list"):
        update_document("- a", parse_rubric(GOOD), source="mine.yaml")


def test_an_edit_that_would_change_a_number_is_refused():
    """ruamel.yaml rounds some numbers with an exponent when it rewrites a document: never in silence."""
    text = GOOD.replace("type: scores", "type: scores\n    applies_if: {size: [5.641008383975941e+16]}")
    rubric = parse_rubric(text)
    assert parse_rubric(dump_rubric(rubric)) == rubric
    with pytest.raises(RubricError, match=r"cannot be edited in place .write the rubric as a new file"):
        update_document(text, rubric)


def test_the_library_has_what_professionals_keep():
    wanted = {"summarisation", "code_review", "creative_writing", "safety_refusals", "dialogue"}
    assert wanted | {"helpful_harmless", "instruction_factuality", "minimal"} <= set(library())
    assert len({load_library(key).version for key in library()}) == len(library()) >= 8
    with pytest.raises(RubricError, match=r"there is no rubric 'minimum' .did you mean minimal"):
        load_library("minimum")


@pytest.mark.parametrize("key", sorted(library()))
def test_a_library_rubric_is_complete(key):
    rubric = load_library(key)
    assert rubric.key == key
    assert rubric.instructions
    assert rubric.tests
    assert parse_rubric(dump_rubric(rubric)) == rubric
    assert update_document(library()[key].read_text(encoding="utf-8"), rubric, source=key)
    for criterion in rubric.criteria:
        assert criterion.guidance
        assert criterion.anchors
        assert criterion.examples
    assert all(rule.guidance for rule in rubric.tensions)
    tested = {name for test in rubric.tests for name in test.expect}
    assert tested >= set(rubric.criterion_keys)


def test_library_rubrics_serve_what_they_say():
    assert not load_library("helpful_harmless").suits_kway
    assert load_library("instruction_factuality").suits_kway
    assert load_library("minimal").criteria == ()
    assert load_library("helpful_harmless").tension_rule("harmlessness", "helpfulness").prevailing == "harmlessness"


def test_a_block_can_become_a_text_with_unprintable_signs():
    """ruamel.yaml keeps the style of the text that it replaces, and a block cannot hold every sign."""
    before = parse_rubric("key: a\ntitle: |\n  two\n  lines\n")
    after = before.model_copy(update={"title": "[\x9f_"})
    assert parse_rubric(update_document(dump_rubric(before), after)) == after
