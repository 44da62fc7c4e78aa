"""What the commands do and print when all is well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Steelyard, native, write_lines


@pytest.fixture
def house(steelyard: Steelyard, tmp_path: Path) -> Path:
    """A working directory with a campaign `c` of two comparisons."""
    write_lines(tmp_path / "c.jsonl", native("x1"), native("x2"))
    steelyard(
        "campaign", "create", "c", "--rubric", "helpful_harmless", "--title", "Two questions", "--policy", "fixed"
    )
    steelyard("import", "c", "c.jsonl")
    return tmp_path


def test_a_campaign_is_listed_and_shown_in_aligned_columns(house: Path, steelyard: Steelyard) -> None:
    steelyard("campaign", "create", "another-name", "--rubric", "minimal", "--kinds", "human", "--kinds", "model")
    header, *rows = steelyard("campaign", "list").out.splitlines()
    assert [row.split()[0] for row in rows] == ["another-name", "c"]
    assert all(row.index("open") == header.index("state") for row in rows)
    assert "human, model" in rows[0]
    shown = steelyard("campaign", "show", "c").out.splitlines()
    assert shown[0] == "c: Two questions (open; counts human votes)"
    assert shown[1] == "2 comparisons, 0 of them gold; 2 raters"
    assert [name.strip() for name in shown[3].split("  ") if name.strip()][:3] == ["round", "mode", "votes wanted"]


def test_an_empty_house_says_how_to_begin(steelyard: Steelyard) -> None:
    done = steelyard("campaign", "list")
    assert (done.out, "campaign create NAME" in done.err) == ("", True)


def test_importing_again_changes_nothing_and_says_so(house: Path, steelyard: Steelyard) -> None:
    done = steelyard("import", "c", "c.jsonl")
    assert done.err == (
        "c.jsonl: 2 lines: 0 new comparisons (2 known already), 0 new judgments (4 known already), 0 lines refused.\n"
    )


def test_a_campaign_goes_out_and_comes_back(house: Path, steelyard: Steelyard) -> None:
    steelyard("simulate", "c", "--raters", "3", "--judgments", "4", "--seed", "1")
    said = steelyard("export", "c", "--output", "out/c.jsonl").err
    assert said.startswith("Wrote out/c.jsonl: 2 comparisons (0 with a gold key), 8 judgments")
    steelyard("campaign", "create", "d", "--rubric", "helpful_harmless")
    steelyard("import", "d", "out/c.jsonl")
    steelyard("export", "d", "--output", "out/d.jsonl")
    assert (house / "out" / "d.jsonl").read_text() == (house / "out" / "c.jsonl").read_text()
    steelyard("export", "c", "--output", "out/d.jsonl", "--overwrite")


def test_simulated_votes_that_do_not_count_are_announced(house: Path, steelyard: Steelyard) -> None:
    said = steelyard("simulate", "c", "--raters", "2", "--judgments", "50").err
    assert "nothing is left for them" in said
    assert "do not count: c counts human votes" in said
    raters = steelyard("user", "list", "--json").json
    assert {rater["kind"] for rater in raters} == {"simulated"}
    nothing = steelyard("report", "agreement", "c", "--kinds", "model")
    assert "--kinds" in nothing.err


def test_a_snapshot_is_summed_up(house: Path, steelyard: Steelyard) -> None:
    done = steelyard("snapshot", "c", "--output", "out/s")
    assert done.out.splitlines()[1].strip() == "2 pairs: train 1, validation 0, test 1; split by prompt"
    assert "4 judgments of 2 human raters on 2 comparisons" in done.out
    assert 'datasets.load_dataset("out/s")' in done.err
    again = steelyard("snapshot", "c", "--output", "out/s", "--json")
    assert done.out.startswith(f"out/s: snapshot {again.json['hash'][:12]}\n")
    assert again.json["manifest"] == json.loads((house / "out" / "s" / "manifest.json").read_text())["content"]


def test_people_get_one_time_links(house: Path, steelyard: Steelyard, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import settings

    first = steelyard("user", "add", "ann", "--role", "rater", "--role", "designer", "--campaign", "c")
    assert first.out.startswith("/password/")
    assert "Give ann this link" in first.err
    monkeypatch.setenv("STEELYARD_PUBLIC_URL", "https://rate.example.org")
    settings.cache_clear()
    second = steelyard("user", "link", "ann")
    assert second.out.startswith("https://rate.example.org/password/")
    assert second.out.split("/")[-1] != first.out.split("/")[-1]
    [ann] = steelyard("user", "list", "--json").json
    assert ann == {"name": "ann", "kind": "human", "state": ann["state"], "roles": ["designer", "rater"]}
    assert "ann" in steelyard("user", "list").out


def test_priorities_with_odd_characters_are_taken(house: Path, steelyard: Steelyard) -> None:
    row = {"comparison_id": "x2", "priority": 0.9, "reason": "two\u2028lines"}
    (house / "p.jsonl").write_text("\n" + json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert "Comparisons with a new priority: 1 (" in steelyard("priorities", "import", "c", "p.jsonl").err


def test_the_database_goes_through_a_backup(house: Path, steelyard: Steelyard) -> None:
    assert "as before" in steelyard("db", "upgrade").err
    assert "sound" in steelyard("db", "check").err
    assert "Wrote kept/one.backup" in steelyard("db", "backup", "kept/one.backup").err
    steelyard("campaign", "create", "late", "--rubric", "minimal")
    steelyard("db", "restore", "kept/one.backup", "--replace")
    assert [campaign["name"] for campaign in steelyard("campaign", "list", "--json").json] == ["c"]


def test_planted_damage_is_status_1_until_it_is_repaired(house: Path, steelyard: Steelyard) -> None:
    import sqlite3
    from contextlib import closing

    file = house / "steelyard-data" / "steelyard.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE queue_item SET n_taken = 1")
        connection.commit()
    assert "--repair" in steelyard("db", "check", status=1).err
    assert "were recounted" in steelyard("db", "check", "--repair").err
    steelyard("db", "check")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM rater")
        connection.commit()
    done = steelyard("db", "check", "--repair", status=1)
    assert "refers to a row of rater" in done.err
    assert "sound" not in done.err


def test_votes_in_a_table_need_no_database(steelyard: Steelyard, tmp_path: Path) -> None:
    rows = [f"x{i},{rater},{'ab'[(i + bonus) % 2]}" for i in range(30) for bonus, rater in ((0, "r1"), (0, "r2"))]
    (tmp_path / "votes.csv").write_text("comparison_id,rater_id,preferred\n" + "\n".join(rows) + "\n")
    document = steelyard("report", "agreement", "--votes", "votes.csv", "--json").json
    assert document["criteria"]["overall"]["percent_agreement"]["value"] == 1.0
    assert not (tmp_path / "steelyard-data").exists()


def test_a_report_by_a_key_of_meta(steelyard: Steelyard, tmp_path: Path) -> None:
    lines = [native(f"x{i}", meta={"domain": "xy"[i % 2]}) for i in range(6)]
    write_lines(tmp_path / "c.jsonl", *lines, native("rest"))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "c.jsonl")
    document = steelyard("report", "agreement", "c", "--by", "meta.domain", "--json").json
    assert {value: one["n_comparisons"] for value, one in document["slices"].items()} == {"(none)": 1, "x": 3, "y": 3}
    assert "--- meta.domain = x" in steelyard("report", "agreement", "c", "--by", "meta.domain").out
