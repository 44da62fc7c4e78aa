"""A place to open pages in: a data directory with the sample campaign and one account per role, or an empty one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from app.demo.sample import load_sample
from app.demo.simulate import simulate
from app.domain import RankingMode, RaterKind, Role
from app.services import sessions
from app.services.campaigns import add_member, create_campaign, open_round
from app.services.database import Store, open_store
from app.services.importing import import_file
from app.services.people import add_account
from app.settings import Settings, read_settings
from rubrics.loader import load_library

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"

HOSTILE = (
    "<script>alert(1)</script> <img src=http://evil.example/i.png onerror=alert(2)> "
    "![leak](http://evil.example/leak.png) [x](javascript:alert(3)) $5 and $6 :red[x] :material/home: a -> b"
)
"""A text in which nothing may run, be fetched or be rewritten."""


@dataclass(frozen=True)
class Place:
    """Settings, the store that they name, and the way in."""

    chosen: Settings
    store: Store

    def log_in(self, name: str) -> int:
        """Log a person in; the number of the log-in, as the gate would pass it on."""
        token = sessions.log_in(self.store, name, PASSWORD)
        login = sessions.who(self.store, token)
        assert login is not None, f"{name} could not log in"
        return login


def settings_for(directory: Path) -> Settings:
    """Settings with everything in one directory."""
    return read_settings({"STEELYARD_DATA_DIRECTORY": str(directory)})


def make_empty(directory: Path) -> None:
    """Accounts, and nothing else."""
    store = open_store(settings_for(directory))
    for role in Role:
        add_account(store, role.value, roles=[role])
        sessions.set_password(store, role.value, PASSWORD)
    store.close()


def make_seeded(directory: Path) -> None:
    """The sample campaign with some judgments, a small one with rankings and hostile texts, and everybody a member."""
    make_empty(directory)
    store = open_store(settings_for(directory))
    load_sample(store)
    simulate(store, "sample", n_raters=5, n_judgments=45, seed=1)
    rubric = load_library("instruction_factuality")
    create_campaign(store, "small", rubric=rubric, title="Small", counted_kinds=[RaterKind.HUMAN])
    open_round(store, "small", name="ranking", rubric=rubric, mode=RankingMode.KWAY)
    file = directory / "small.jsonl"
    file.write_text("\n".join(small_lines()), encoding="utf-8")
    import_file(store, "small", file, format_name="native")
    add_account(store, "second", roles=[Role.RATER])
    sessions.set_password(store, "second", PASSWORD)
    for campaign in ("sample", "small"):
        for role in Role:
            add_member(store, campaign, role.value, roles=[role])
        add_member(store, campaign, "second", roles=[Role.RATER])
    store.close()


def small_lines() -> list[str]:
    """Three rankings of three responses; models are named, and must never be seen by a rater."""
    import json

    return [
        json.dumps(
            {
                "id": f"secret-id-{number}",
                "prompt": [
                    {"role": "system", "content": "Be exact."},
                    {"role": "user", "content": f"Question {number}? {HOSTILE}"},
                ],
                "completions": [
                    {"id": slot, "text": f"Text {number}{slot}. {HOSTILE}", "model": f"secret-model-{slot}"}
                    for slot in "abc"
                ],
            }
        )
        for number in range(3)
    ]


def copy_place(source: Path, target: Path) -> None:
    """A place of one's own from a prepared one."""
    shutil.copytree(source, target)
