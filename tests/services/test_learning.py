"""Lessons, gold keys, levels of skill, and machines at the exam."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from app.domain import Calibration, Cause, Decision, RaterKind, RaterState, Role, RoundRules
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import (
    adjudicating,
    examining,
    gold,
    learning,
    levelling,
    machine_exams,
    probing,
    raters,
    standing,
    tutoring,
)
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, open_round
from app.services.judging import submit
from app.services.lookup import find_account, find_campaign, rounds_of
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from app.store.queries import comparison_ids
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.services.house import bring, count, line, make_campaign, prefers, rows, vote, write_lines
from tests.services.test_examining import DAY, QUICK, START, applicant, key_of_item, lines, status
from tests.services.test_watching import MINUTE, designer, stands

HELPFUL = load_library("helpful_harmless")


def school(store: Store, tmp_path: Path, **calibration) -> None:
    """A campaign under a rubric with examples and rules, one applicant, one designer."""
    rules = Calibration(0.65, 0.85, 30, **calibration)
    make_campaign(store, tmp_path, lines(60), raters=(), rubric=HELPFUL, calibration=rules)
    add_account(store, "ann", state=RaterState.APPLICANT)
    add_member(store, "c", "ann", roles=[Role.RATER])
    designer(store)


def learn(store: Store, level: int) -> learning.Feedback | None:
    """Answer every lesson of a level right."""
    course, last = learning.course(store, "ann", "c"), None
    assert course is not None
    for lesson in course.of(level):
        last = learning.answer_lesson(store, "ann", "c", lesson.key, sorted(lesson.accepted)[0], now=START)
    return last


def test_lessons_come_from_examples_rules_and_settled_comparisons(store: Store, tmp_path: Path) -> None:
    school(store, tmp_path)
    bring(store, tmp_path, [line("v1", judgments=[vote(f"p{k}") for k in range(3)])])
    for name in ("v1", "w1"):
        adjudicating.decide(
            store, "des", "c", name, answer=Answer(preferred="b"), cause=Cause.ERROR, reason="A invents a source."
        )
    course = learning.course(store, "ann", "c")
    assert course is not None
    keys = [lesson.key for lesson in course.lessons]
    assert {"criterion:helpfulness:0", "tension:helpfulness:harmlessness", "decided:v1"} <= {*keys, *map(_sorted, keys)}
    assert "decided:w1" not in keys, "it still waits for votes"
    assert len(course.of(learning.ADVANCED)) == len(HELPFUL.tensions), "a lesson on each tension rule"
    assert any(key.startswith("gold:") for key in keys)
    assert course.level == 0


def test_gold_that_measures_teaches_nobody(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, lines(60), rubric=HELPFUL)
    course = learning.course(sqlite_store, "ann", "c")
    assert course is not None
    assert not any(lesson.key.startswith("gold:") for lesson in course.lessons), "all gold measures here"
    open_round(sqlite_store, "c", name="exam", rubric=HELPFUL, rules=RoundRules(calibration=QUICK))
    course = learning.course(sqlite_store, "ann", "c")
    assert course is not None
    taught = {lesson.key.removeprefix("gold:") for lesson in course.lessons if lesson.key.startswith("gold:")}
    with sqlite_store.read() as connection:
        known = comparison_ids(connection, find_campaign(connection, "c").id)
        ids = [row for name, row in known.items() if name.startswith("g")]
        for round_ in rounds_of(connection, find_campaign(connection, "c").id):
            used = set(probing.unused_gold(connection, round_, ids))
            assert used
            assert not used & {known[name] for name in taught}, "not in the other round either"
    assert taught


def _sorted(key: str) -> str:
    kind, *rest = key.split(":")
    return ":".join([kind, *sorted(rest, reverse=True)]) if kind == "tension" else key


def test_feedback_is_at_once_in_the_rubrics_words_and_levels_become_a_skill(store: Store, tmp_path: Path) -> None:
    school(store, tmp_path, lesson_level=2)
    assert status(store).state == "lessons"
    with pytest.raises(Conflict, match="lessons"):
        examining.next_item(store, "ann", "c", now=START)
    wrong = learning.answer_lesson(store, "ann", "c", "criterion:honesty:0", "tie", now=START)
    assert not wrong.is_right
    assert wrong.explanation.startswith("The second flatters")
    said = " ".join(HELPFUL.criterion("honesty").guidance.split())
    assert all(p.text in said for p in wrong.passages if p.source == "Honesty, guidance"), "every word is the rubric's"
    learn(store, learning.FOUNDATION)
    assert status(store).state == "lessons"
    done = learn(store, learning.ADVANCED)
    assert done is not None
    assert done.level >= 2
    assert status(store).state == "ready"
    finished = [row.detail["level"] for row in rows(store, tables.event) if row.action == "lessons.finished"]
    assert finished == sorted(set(finished))
    with pytest.raises(InvalidInput, match="no answer to this lesson"):
        learning.answer_lesson(store, "ann", "c", "criterion:honesty:0", "maybe")
    with pytest.raises(NotFound, match="no lesson"):
        learning.answer_lesson(store, "ann", "c", "gold:w3", "a")


def test_gold_that_teaches_examines_nobody(sqlite_store: Store, tmp_path: Path) -> None:
    school(sqlite_store, tmp_path)
    course = learning.course(sqlite_store, "ann", "c")
    assert course is not None
    taught = {key.removeprefix("gold:") for key in (lesson.key for lesson in course.lessons) if key.startswith("gold")}
    assert 3 <= len(taught) <= 25
    with sqlite_store.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        from app.services.exam_items import Sitting, pool_of
        from app.services.lookup import rounds_of

        pool = pool_of(Sitting(connection, campaign, ann, rounds_of(connection, campaign.id)[0], now=START))
        names = {row.id: row.external_id for row in connection.execute(tables.comparison.select())}
    assert not taught & {names[item.comparison_id] for item in pool}


def test_the_tutor_quotes_and_finds(sqlite_store: Store) -> None:
    whole = " ".join(json.dumps(HELPFUL.to_dict(), ensure_ascii=False).replace("\\n", " ").split())
    found = tutoring.ask(HELPFUL, "Is a refusal harmless by itself?")
    assert found[0].source == "Harmlessness, guidance"
    assert "A refusal is not harmless by itself" in found[0].text
    assert all(passage.text[:40] in whole for passage in found if "guidance" in passage.source)
    assert tutoring.ask(HELPFUL, "zzz qqq") == []
    pair = tutoring.explain(HELPFUL, ["helpfulness", "harmlessness"])
    assert any(p.source == "Helpfulness against Harmlessness" and "Harmlessness prevails" in p.text for p in pair)


# --- gold ------------------------------------------------------------------------------------------------------------


def test_keys_are_set_known_and_refused(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x"), line("y")])
    designer(sqlite_store)
    key = {"accepted": ["a", "tie"], "explanation": "because"}
    file = write_lines(
        tmp_path / "keys.jsonl",
        [{"id": "x", "gold": key}, {"id": "no", "gold": key}, {"id": "y", "gold": {"accepted": ["z"]}}, {"id": "y"}],
    )
    done = gold.import_keys(sqlite_store, "des", "c", file)
    assert (done.n_set, done.n_known, len(done.refused)) == (1, 0, 3)
    assert [line_.line for line_ in done.refused] == [2, 3, 4]
    assert gold.import_keys(sqlite_store, "des", "c", file).n_known == 1
    other = write_lines(tmp_path / "other.jsonl", [{"id": "x", "gold": {"accepted": ["b"]}}])
    assert "another key" in gold.import_keys(sqlite_store, "des", "c", other).refused[0].reason
    with pytest.raises(NotAllowed):
        gold.import_keys(sqlite_store, "ann", "c", file)


def test_a_key_that_strong_raters_fail_is_suspended_and_everybody_scored_again(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, lines(30, 0), raters=[f"r{i}" for i in range(5)], gold_rate=0.5)
    designer(store)
    chance = random.Random(1)
    for i in range(5):
        for _ in range(150):
            given = next_assignment(store, f"r{i}", "c", now=START, chance=chance)
            if given is None:
                continue  # half of the draws look for work, of which there is none
            right = key_of_item(given.comparison_id)
            answer = "b" if given.comparison_id == "g0" else right  # the key says a, and everybody strong says b
            submit(store, f"r{i}", given.id, prefers(answer), now=START)
    assert count(store, tables.judgment) >= 50
    first = gold.list_gold(store, "des", "c")[0]
    if first.check is None or first.check.n_strong < 4:
        pytest.fail("the draw gave g0 to too few raters")
    assert first.comparison_id == "g0"
    assert first.check.is_suspect
    assert gold.check_gold(store, "des", "c", suspends=False) == (["g0"], [])
    assert gold.check_gold(store, "des", "c", suspends=True) == (["g0"], [])
    after = {one.comparison_id: one for one in gold.list_gold(store, "des", "c")}
    assert after["g0"].suspended_for is not None
    assert "strong raters answer otherwise" in after["g0"].suspended_for["reason"]
    with store.read() as connection:
        from app.services.gold_scoring import gold_answers

        campaign = find_campaign(connection, "c")
        answers = gold_answers(connection, campaign.id, find_account(connection, "r0"))
    assert all(one.score.is_right for one in answers), "the suspended key measures nobody"
    gold.keep_key(store, "des", "c", "g0", now=START + DAY)
    assert gold.check_gold(store, "des", "c", suspends=True) == ([], []), "a key that a person keeps stays"


@pytest.mark.parametrize("is_paused", [False, True])
def test_who_failed_by_a_bad_key_passes_when_it_is_suspended(
    sqlite_store: Store, tmp_path: Path, is_paused: bool
) -> None:
    applicant(sqlite_store, tmp_path)
    designer(sqlite_store)
    chance, bad = random.Random(4), []
    for is_right in [*[True] * 9, False, *[True] * 4, *[False] * 17]:
        item = examining.next_item(sqlite_store, "ann", "c", now=START, chance=chance)
        assert item is not None
        key = key_of_item(item.comparison_id)
        if not is_right:
            bad.append(item.comparison_id)
        given = key if is_right else {"a": "b", "b": "a", "tie": "b"}[key]
        examining.answer(sqlite_store, "ann", item.id, prefers(given), now=START)
        if status(sqlite_store).state != "running":
            break
    assert status(sqlite_store).last is not None
    assert status(sqlite_store).last.verdict == "fail"
    if is_paused:
        raters.pause(sqlite_store, "des", "c", "ann", reason="We must talk.", now=START + DAY / 2)
    passed: list[str] = []
    for name in bad:
        passed += gold.suspend_key(sqlite_store, "des", "c", name, reason="the key is wrong", now=START + DAY)
    assert passed == ([] if is_paused else ["ann"])
    assert stands(sqlite_store).state is (RaterState.PAUSED if is_paused else RaterState.QUALIFIED)
    assert (status(sqlite_store, now=START + DAY).state == "certified") is not is_paused


# --- skills and machines ---------------------------------------------------------------------------------------------


def test_levels_move_by_measured_performance_with_an_event(sqlite_store: Store, tmp_path: Path) -> None:
    with_domain = [dict(one, meta={"domain": "Medical", "language": "de"}) for one in lines(80, 0)]
    make_campaign(sqlite_store, tmp_path, with_domain, gold_rate=0.5)
    with sqlite_store.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
    chance = random.Random(2)

    def judge(n: int, *, right: bool) -> None:
        for i in range(n):
            given = next_assignment(sqlite_store, "ann", "c", now=START + i * MINUTE, chance=chance)
            while given is None:
                given = next_assignment(sqlite_store, "ann", "c", now=START + i * MINUTE, chance=chance)
            key = key_of_item(given.comparison_id)
            wrong = {"a": "b", "b": "a", "tie": "b"}[key]
            submit(sqlite_store, "ann", given.id, prefers(key if right else wrong), now=START + i * MINUTE)

    def move() -> list[str]:
        with sqlite_store.write() as connection:
            return levelling.move_levels(connection, ann, campaign, QUICK, now=START + DAY)

    judge(12, right=True)
    assert move() == ["language:de", "medical"]
    assert move() == [], "nothing moves twice"
    judge(30, right=True)
    assert move() == ["language:de", "medical"]
    with sqlite_store.read() as connection:
        found = standing.decisions_of(connection, ann, campaign.id)
    assert {one.decision for one in found} == {Decision.SKILL}
    assert (found[0].figures["from"], found[0].figures["to"]) == (1, 3)
    assert "up to expert" in found[0].explanation
    judge(30, right=False)
    assert move() == ["language:de", "medical"], "and down again"


def test_meta_names_no_credential_certificate_or_course(sqlite_store: Store, tmp_path: Path) -> None:
    names = ("credential:md", "Lessons")
    named = [dict(one, meta={"domain": names[n % 2], "language": "de"}) for n, one in enumerate(lines(80, 0))]
    make_campaign(sqlite_store, tmp_path, named, gold_rate=0.5)
    for n in range(80):  # half of the draws look for work, of which there is none
        given = next_assignment(sqlite_store, "ann", "c", now=START + n * MINUTE, chance=random.Random(n))
        if given is not None:
            submit(sqlite_store, "ann", given.id, prefers(key_of_item(given.comparison_id)), now=START + n * MINUTE)
    assert count(sqlite_store, tables.judgment) > 24
    with sqlite_store.write() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        assert levelling.move_levels(connection, ann, campaign, QUICK, now=START + DAY) == ["language:de"]


def test_a_machine_takes_the_exam_by_file(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, lines(), raters=(), calibration=QUICK)
    designer(sqlite_store)
    add_account(sqlite_store, "judge-1", kind=RaterKind.MODEL, state=RaterState.APPLICANT)
    add_member(sqlite_store, "c", "judge-1", roles=[Role.RATER])
    items = tmp_path / "items.jsonl"
    n = machine_exams.write_items(sqlite_store, "des", "c", items)
    assert n == 120
    text = items.read_text()
    assert "gold" not in text
    assert "because" not in text
    assert "model-a" not in text
    answers = [
        {"id": name, "answers": {"overall": {"preferred": key_of_item(name)}}, "confidence": 5}
        for name in (json.loads(row)["id"] for row in text.splitlines())
    ]
    with pytest.raises(InvalidInput, match="line 1"):
        machine_exams.take_exam(sqlite_store, "judge-1", "c", write_lines(tmp_path / "bad.jsonl", [{"id": "g0"}]))
    done = machine_exams.take_exam(sqlite_store, "judge-1", "c", write_lines(tmp_path / "a.jsonl", answers), now=START)
    assert done.state == "certified"
    assert next_assignment(sqlite_store, "judge-1", "c", now=START) is not None
    add_account(sqlite_store, "judge-2", kind=RaterKind.PROGRAM, state=RaterState.APPLICANT)
    add_member(sqlite_store, "c", "judge-2", roles=[Role.RATER])
    silent = machine_exams.take_exam(sqlite_store, "judge-2", "c", write_lines(tmp_path / "e.jsonl", []), now=START)
    assert silent.state == "waiting"
