"""`steelyard raters`, `gold`, `exam` and `verify certificate`: what they do and print."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from app.domain import Calibration, RaterKind, RaterState, Role, RoundRules
from app.services.campaigns import add_member, create_campaign
from app.services.certifying import certificate_of
from app.services.database import open_store
from app.services.importing import import_file
from app.services.people import add_account
from app.settings import settings
from rubrics.loader import load_library
from tests.cli.conftest import Steelyard
from tests.services.house import write_lines
from tests.services.test_examining import key_of_item, lines


@pytest.fixture
def school(steelyard: Steelyard, tmp_path: Path) -> Path:
    """A campaign that calibrates, a designer, and a machine that answers its exam right."""
    with closing(open_store(settings())) as store:
        rules = RoundRules(calibration=Calibration(0.65, 0.85, 60))
        create_campaign(store, "c", rubric=load_library("minimal"), rules=rules)
        import_file(store, "c", write_lines(tmp_path / "c.jsonl", lines()))
        add_account(store, "des", roles=[Role.DESIGNER])
        add_member(store, "c", "des", roles=[Role.DESIGNER])
        add_account(store, "judge", kind=RaterKind.MODEL, state=RaterState.APPLICANT)
        add_member(store, "c", "judge", roles=[Role.RATER])
    answers = [{"id": f"g{i}", "answers": {"overall": {"preferred": key_of_item(f"g{i}")}}} for i in range(120)]
    write_lines(tmp_path / "answers.jsonl", answers)
    return tmp_path


def test_a_machine_from_exam_to_certificate_to_pause(school: Path, steelyard: Steelyard) -> None:
    steelyard("exam", "items", "c", "--as", "des", "--output", "items.jsonl")
    assert len((school / "items.jsonl").read_text().splitlines()) == 120
    done = steelyard("exam", "take", "c", "judge", "--answers", "answers.jsonl", "--json").json
    assert (done["state"], done["report"]["verdict"]) == ("certified", "pass")
    with closing(open_store(settings())) as store:
        document = certificate_of(store, "judge", "c", folder=settings().data_directory)
    (school / "paper.json").write_text(json.dumps(document))
    assert "genuine: judge (model) in c" in steelyard("verify", "certificate", "paper.json").out
    document["certificate"]["n_right"] += 1
    (school / "forged.json").write_text(json.dumps(document))
    assert "NOT genuine" in steelyard("verify", "certificate", "forged.json", status=1).out
    steelyard("raters", "pause", "c", "judge", "--as", "des", "--reason", "A new version is coming.")
    row = next(row for row in steelyard("raters", "list", "c", "--as", "des", "--json").json)
    assert (row["rater"], row["state"], row["decision"]) == ("judge", "paused", "paused")
    assert not steelyard("verify", "certificate", "paper.json", "--json", status=1).json["holds"]
    steelyard("raters", "requalify", "c", "judge", "--as", "des", "--reason", "It is the old version.")
    assert "qualified" in steelyard("raters", "list", "c", "--as", "des").out


def test_gold_is_imported_and_checked(school: Path, steelyard: Steelyard) -> None:
    write_lines(school / "keys.jsonl", [{"id": "w0", "gold": {"accepted": ["b"]}}, {"id": "nobody", "gold": {}}])
    done = steelyard("gold", "import", "c", "keys.jsonl", "--as", "des", status=1)
    assert done.out == "keys: 1 set, 0 known, 1 refused\n"
    assert "line 2" in done.err
    again = steelyard("gold", "import", "c", "keys.jsonl", "--as", "des", "--json", status=1).json
    assert (again["n_set"], again["n_known"]) == (0, 1)
    assert steelyard("gold", "check", "c", "--as", "des").out == "suspect keys: 0\n"
    assert steelyard("gold", "check", "c", "--as", "des", "--suspend", "--json").json["suspect"] == []
    assert "no account" in steelyard("gold", "check", "c", "--as", "nobody", status=1).err


def test_an_admin_attaches_a_credential_and_ends_it(school: Path, steelyard: Steelyard) -> None:
    with closing(open_store(settings())) as store:
        add_account(store, "root", roles=[Role.ADMIN])
    options = ("--as", "root", "--evidence", "licence 12", "--until", "2999-01-31")
    assert "judge holds the credential physician." in steelyard("raters", "attach", "judge", "physician", *options).err
    assert "is no admin" in steelyard("raters", "attach", "judge", "x", "--as", "des", *options[2:], status=1).err
    (row,) = steelyard("raters", "list", "c", "--as", "des", "--json").json
    assert row["skills"] == {"credential:physician": 1}
    steelyard("raters", "detach", "judge", "physician", "--as", "root", "--reason", "withdrawn")
    assert steelyard("raters", "list", "c", "--as", "des", "--json").json[0]["skills"] == {}
