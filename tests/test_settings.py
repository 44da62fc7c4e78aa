"""Settings come from STEELYARD_* variables and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.settings import read_settings


def test_defaults() -> None:
    made = read_settings({"HOME": "/root", "PATH": ""})
    assert made.data_directory == Path.cwd() / "steelyard-data"
    assert made.database_url == f"sqlite:///{made.data_directory}/steelyard.db"
    assert made.queue_url == ""
    assert made.queue_file == made.data_directory / "queue.db"


def test_empty_variables_are_unset_ones() -> None:
    names = ("STEELYARD_DATA_DIRECTORY", "STEELYARD_DATABASE_URL", "STEELYARD_QUEUE_URL")
    assert read_settings(dict.fromkeys(names, "")) == read_settings({})


def test_every_variable(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ann@db/steelyard"
    made = read_settings(
        {
            "STEELYARD_DATA_DIRECTORY": str(tmp_path),
            "STEELYARD_DATABASE_URL": url,
            "STEELYARD_QUEUE_URL": "redis://queue",
            "STEELYARD_TEST_DATA": "/data",
        }
    )
    assert (made.data_directory, made.database_url, made.queue_url) == (tmp_path, url, "redis://queue")


def test_the_database_lies_in_the_data_directory(tmp_path: Path) -> None:
    made = read_settings({"STEELYARD_DATA_DIRECTORY": str(tmp_path)})
    assert made.database_url == f"sqlite:///{tmp_path}/steelyard.db"


def test_a_typo_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"Unknown setting STEELYARD_DATABSE_URL; the settings are .*DATABASE_URL"):
        read_settings({"STEELYARD_DATABSE_URL": "x"})


@pytest.mark.parametrize("url", ["mysql://ann:s3cret@db/x", "postgresql://ann:s3cret@db/x", "s3cret"])
def test_an_unknown_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInput, match="use sqlite:///FILE or postgresql") as caught:
        read_settings({"STEELYARD_DATABASE_URL": url})
    assert "s3cret@" not in str(caught.value)
