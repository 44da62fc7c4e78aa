"""Where the votes for rubric tests come from: a campaign, a file of votes, or a program that is asked now.

A judgment counts for a criterion where its rubric version asks the same of it: a criterion that means something else
in the version that was judged, or is not there, is left out and counted.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from app.domain import (
    OVERALL,
    Campaign,
    Comparison,
    ImportedComparison,
    Judgment,
    Message,
    RankingMode,
    RaterKind,
    RefusedLine,
    RoundPurpose,
)
from app.errors import InvalidInput, NotFound
from app.formats.registry import format_named
from app.policy import Action
from app.services.lookup import find_campaign, find_round, rubric_of
from app.services.permission import require_in
from app.services.rubric_testing import Matcher, Said, TrialReport, question_of, run_tests, sides
from app.services.sessions import Person
from app.services.vote_events import last_vote_event
from app.store import tables
from app.store.engine import Store
from app.store.judgments import read_judgments
from app.store.queries import comparison_ids, messages_of, read_comparisons
from app.store.visibility import visible
from rubrics.answers import TIE, Answer, AnswerError
from rubrics.difference import changes_meaning
from rubrics.model import Rubric

TIMEOUT_SECONDS = 600
"""How long a program may take for all tests."""

OTHER_MEANING = "the version that was judged asks something else by this name"


@dataclass
class Votes:
    """What was found so far.

    Attributes:
        said: votes on tests.
        left_out: reason -> answers that could not be counted.
    """

    said: list[Said] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Votes) -> Votes:
        """The votes of both."""
        return Votes([*self.said, *other.said], self.left_out + other.left_out)

    def report(self, rubric: Rubric) -> TrialReport:
        """The tests against these votes."""
        return run_tests(rubric, self.said, left_out=self.left_out)


@dataclass(frozen=True)
class Source:
    """Votes that tests can run against: of a pilot, or of everything that a campaign has.

    Attributes:
        round: the pilot; None for all rounds.
        as_of: the last event of the campaign that brought votes.
    """

    campaign: Campaign
    round: str | None = None
    as_of: int = field(default=0, compare=False)


def sources(store: Store, person: Person) -> list[Source]:
    """Where the person may run tests: every pilot, that with the newest judgment first, then every campaign as a whole.

    A pilot that nobody has judged stands behind those that somebody has; who designs nowhere has no votes to use.
    """
    mine = {one.id: one for one in person.campaigns_for(Action.PUBLISH_RUBRIC)}
    round_, assignment, judgment = tables.round_, tables.assignment, tables.judgment
    query = (
        select(round_.c.campaign_id, round_.c.name, func.max(judgment.c.id).label("newest"))
        .select_from(round_.outerjoin(assignment, assignment.c.round_id == round_.c.id).outerjoin(judgment))
        .where(round_.c.purpose == RoundPurpose.PILOT.value, round_.c.campaign_id.in_(mine), visible(round_.c.batch_id))
        .group_by(round_.c.id, round_.c.campaign_id, round_.c.name)
    )
    with store.read() as connection:
        pilots = sorted(connection.execute(query).all(), key=lambda row: row.newest or 0, reverse=True)
        as_of = {number: last_vote_event(connection, number) for number in mine}
    rounds = [(row.campaign_id, row.name) for row in pilots] + [(number, None) for number in mine]
    return [Source(mine[number], name, as_of[number]) for number, name in rounds]


def comparison_as_test(store: Store, person: Person, campaign_name: str, comparison_id: str) -> dict[str, Any]:
    """A comparison of a campaign as a rubric test: its texts, and what most raters say overall as the expectation.

    Whoever writes the rubric decides whether they are right; where raters are divided, or nobody has judged, the test
    expects a tie.

    Raises:
        NotAllowed: the person does not design in the campaign.
        NotFound: the campaign has no such comparison.
        InvalidInput: it has more than two responses, or a text of it was withdrawn.
    """
    campaign = require_in(person, Action.PUBLISH_RUBRIC, campaign_name)
    with store.read() as connection:
        row_id = comparison_ids(connection, campaign.id).get(comparison_id)
        if row_id is None:
            raise NotFound(f"Campaign {campaign_name!r} has no comparison {comparison_id!r}.")
        (stored,) = read_comparisons(connection, [row_id])
        judged = read_judgments(connection, [row_id]).get(row_id, [])
    if stored.erased or len(stored.comparison.completions) != 2:
        reason = "a text of it was withdrawn" if stored.erased else "a test compares two responses, and it has more"
        raise InvalidInput(f"Comparison {comparison_id!r} makes no test: {reason}.")
    first, second = stored.comparison.completions
    said = Counter(
        sides({OVERALL: judgment.answers[OVERALL]}, a=first.id, b=second.id)[OVERALL]
        for judgment in _latest(judged)
        if OVERALL in judgment.answers
    )
    expected = "a" if said["a"] > said["b"] else "b" if said["b"] > said["a"] else TIE
    return {
        "prompt": prompt_words(stored.comparison.prompt),
        "a": first.text,
        "b": second.text,
        "expect": {OVERALL: expected},
    }


def trial_in_campaign(
    store: Store, person: Person, campaign_name: str, rubric: Rubric, *, round_name: str | None = None
) -> TrialReport:
    """The tests of a rubric against the votes of a campaign, for somebody who designs there.

    Raises:
        NotAllowed: the person does not.
        NotFound: no such round.
    """
    require_in(person, Action.PUBLISH_RUBRIC, campaign_name)
    return campaign_votes(store, campaign_name, rubric, round_name=round_name).report(rubric)


def campaign_votes(store: Store, campaign_name: str, rubric: Rubric, *, round_name: str | None = None) -> Votes:
    """The latest votes of a campaign on the texts of a rubric's tests; of repeats the first showing counts.

    Args:
        store: the database.
        campaign_name: the campaign.
        rubric: with its tests.
        round_name: only votes of this round; of all by default.

    Raises:
        NotFound: no such campaign or round.
    """
    votes, matcher = Votes(), Matcher(rubric.tests)
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        wanted = None if round_name is None else find_round(connection, campaign, round_name).name
        row_ids = _with_prompts(connection, campaign, rubric)
        judged = read_judgments(connection, list(row_ids.values()))
        versions: dict[str, set[str]] = {}
        for stored in read_comparisons(connection, list(row_ids.values())):
            for judgment in _latest(judged.get(row_ids[stored.id], ())):
                if wanted not in (None, judgment.round):
                    continue
                version = str(judgment.rubric_version)
                if version not in versions:
                    versions[version] = comparable(rubric, rubric_of(connection, version))
                _add(votes, matcher, stored.comparison, judgment, same=versions[version])
    return votes


def file_votes(path: Path, rubric: Rubric) -> Votes:
    """The votes of a native file on the texts of a rubric's tests; the file's criteria are taken at their word.

    Raises:
        InvalidInput: there is no such file, or a line of it is refused.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    votes, matcher = Votes(), Matcher(rubric.tests)
    for line in format_named("native").read(path):
        if isinstance(line, RefusedLine):
            raise InvalidInput(f"{path}: {line}")
        assert isinstance(line, ImportedComparison)
        for judgment in _latest(line.judgments):
            _add(votes, matcher, line.comparison, judgment, same=set(rubric.criterion_keys))
    return votes


def program_votes(command: str, rubric: Rubric) -> Votes:
    """Ask a program: comparisons go in as native JSON lines, and one line comes out for each.

    `{"id": "...", "preferred": "a", "criteria": {"helpfulness": {"preferred": "a", "strength": 2}}}` answers a
    comparison. Each test is asked twice, once with its responses exchanged, so that an answer that depends on the
    order shows as ambiguous. No shell reads the command.

    Raises:
        InvalidInput: the program cannot be started, fails, takes too long, or answers something else.
    """
    if not rubric.tests:
        return Votes()
    asked = {question["id"]: (number, swapped) for number, swapped, question in _questions(rubric)}
    lines = "".join(json.dumps(question, ensure_ascii=False) + "\n" for _, _, question in _questions(rubric))
    votes = Votes()
    name = Path(shlex.split(command)[0]).name if command.strip() else ""
    for number, line in enumerate(_output(command, lines).splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{name}, line {number} of its output"
        test, swapped, answers = _program_answer(line, asked, place)
        a, b = ("b", "a") if swapped else ("a", "b")
        try:
            rated = sides(answers, a=a, b=b)
        except AnswerError as error:
            raise InvalidInput(f"{place}: {error}") from error
        votes.said.append(Said(test, f"{name}{' (exchanged)' if swapped else ''}", RaterKind.PROGRAM.value, rated))
    return votes


def comparable(rubric: Rubric, judged: Rubric) -> set[str]:
    """The criteria that two rubrics have and mean alike."""
    shared = set(rubric.criterion_keys) & set(judged.criterion_keys)
    return {key for key in shared if not changes_meaning(rubric, judged, key)}


def _with_prompts(connection: Connection, campaign: Campaign, rubric: Rubric) -> dict[str, int]:
    """The pairs of a campaign whose prompt may be that of a test, by name: only their texts are read whole."""
    wanted = {" ".join(test.prompt.split()) for test in rubric.tests}
    row_ids = comparison_ids(connection, campaign.id)
    comparison, content = tables.comparison, tables.content
    query = (
        select(comparison.c.external_id, content.c.body)
        .join(content, content.c.hash == comparison.c.prompt_hash)
        .where(comparison.c.campaign_id == campaign.id, comparison.c.mode == RankingMode.PAIR.value)
    )
    rows = ((row.external_id, prompt_words(messages_of(row.body))) for row in connection.execute(query))
    return {name: row_ids[name] for name, prompt in rows if name in row_ids and " ".join(prompt.split()) in wanted}


def prompt_words(prompt: Iterable[Message]) -> str:
    """A prompt as a test writes it: the text of a single turn, or the turns with their roles."""
    turns = list(prompt)
    if len(turns) == 1:
        return turns[0].content
    return " / ".join(f"{turn.role.capitalize()}: {turn.content}" for turn in turns)


def _latest(judgments: Iterable[Judgment]) -> Iterator[Judgment]:
    """The last revision of everybody's first showing."""
    last: dict[tuple[str, str, str | None], Judgment] = {}
    for judgment in judgments:
        if judgment.repeat_index == 0:
            last[judgment.rater, judgment.rater_kind.value, judgment.round] = judgment
    yield from last.values()


def _add(votes: Votes, matcher: Matcher, comparison: Comparison, judgment: Judgment, *, same: set[str]) -> None:
    if len(comparison.completions) != 2:
        return
    first, second = comparison.completions
    match = matcher.find(prompt_words(comparison.prompt), first.text, second.text)
    if match is None:
        return
    test, swapped = match
    a, b = (second.id, first.id) if swapped else (first.id, second.id)
    counted = {key: answer for key, answer in judgment.answers.items() if key == OVERALL or key in same}
    if len(counted) < len(judgment.answers):
        votes.left_out[OTHER_MEANING] += len(judgment.answers) - len(counted)
    votes.said.append(Said(test, judgment.rater, judgment.rater_kind.value, sides(counted, a=a, b=b)))


def _questions(rubric: Rubric) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    """Each test as it stands, and with its responses exchanged under an id of its own."""
    for number in range(len(rubric.tests)):
        question = question_of(rubric, number)
        texts: Sequence[dict[str, str]] = question["completions"]
        swapped = [{"id": one["id"], "text": other["text"]} for one, other in zip(texts, texts[::-1], strict=True)]
        yield number, False, question
        yield number, True, {**question, "id": f"{question['id']}-exchanged", "completions": swapped}


def _output(command: str, lines: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command),
            input=lines,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            encoding="utf-8",
        )
    except (OSError, ValueError, IndexError, PermissionError) as error:
        raise InvalidInput(f"The program {command!r} cannot be run: {error}.") from error
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(f"The program {command!r} took longer than {TIMEOUT_SECONDS} s.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise InvalidInput(f"The program {command!r} ended with status {done.returncode}: {last}")
    return done.stdout


def _program_answer(
    line: str, asked: Mapping[str, tuple[int, bool]], place: str
) -> tuple[int, bool, dict[str, Answer]]:
    try:
        row = json.loads(line)
        test, swapped = asked[row["id"]]
        answers = {key: Answer.from_dict(plain, field=key) for key, plain in dict(row.get("criteria") or {}).items()}
        if row.get("preferred") is not None:
            answers[OVERALL] = Answer(preferred=row["preferred"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{place}: {error}. A line is "
            '{"id": the id that came in, "preferred": "a", "criteria": {"KEY": {"preferred": "a"}}}.'
        ) from error
    return test, swapped, answers
