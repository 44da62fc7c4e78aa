"""`--config run.yaml`: options of a command from a file; what stands on the command line wins.

    base: Qwen/Qwen3-0.6B
    snapshot: snapshots/main-3
    output: models/main-3
    lora-rank: 16
    report-to: [tensorboard]

Keys are the long options without their dashes, with - or _ between words.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from reward.errors import RewardError


def with_config(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """The arguments, preceded by those of the file that `--config` names.

    Args:
        parser: of the command, for its options and their kinds.
        arguments: after the command's name.

    Raises:
        RewardError: the file is absent, is no mapping, or names an option that the command does not have.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    found, rest = finder.parse_known_args(list(arguments))
    if found.config is None:
        return list(arguments)
    return [*_arguments(parser, _read(found.config), found.config), *rest]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RewardError(f"--config {path}: there is no such file.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RewardError(f"--config {path}: not YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(values, dict):
        raise RewardError(f"--config {path}: a mapping of options is expected, found {type(values).__name__}.")
    return values


def _arguments(parser: argparse.ArgumentParser, values: dict[str, Any], path: Path) -> list[str]:
    actions = {name.removeprefix("--"): action for action in parser._actions for name in action.option_strings}
    arguments: list[str] = []
    for key, value in values.items():
        name = str(key).replace("_", "-")
        if name not in actions or name in ("help", "config"):
            known = ", ".join(sorted(set(actions) - {"help", "config", "h", "-h"}))
            raise RewardError(f"--config {path}: there is no option {name!r}; there are {known}.")
        if value is None or (value is False and actions[name].nargs == 0):
            continue
        if value is True and actions[name].nargs == 0:
            arguments.append(f"--{name}")
        elif isinstance(value, list):
            arguments.append(f"--{name}={','.join(map(str, value))}")
        else:
            arguments.append(f"--{name}={value}")
    return arguments
