"""A Chromium for the tests: the one on PATH, else Playwright's own, else Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ADVICE = (
    "No Chromium was found, and none could be installed. Install one (`apt-get install chromium`, or "
    "`python -m playwright install chromium`) and put it on PATH, or set STEELYARD_SKIP_BROWSER=1 to skip these tests."
)


def find_chromium() -> Path:
    """The program to start.

    Raises:
        RuntimeError: there is none and none could be installed; the message says what to install.
    """
    found = _on_path() or _of_playwright() or _from_debian()
    if found is None:
        raise RuntimeError(ADVICE)
    return found


def _on_path() -> Path | None:
    return next((Path(path) for name in NAMES if (path := shutil.which(name))), None)


def _of_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    def installed() -> Path | None:
        with sync_playwright() as playwright:
            path = Path(playwright.chromium.executable_path)
        return path if path.is_file() else None

    if not installed():
        _try([sys.executable, "-m", "playwright", "install", "chromium"])
    return installed()


def _from_debian() -> Path | None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        _try(["apt-get", "update", "-q"])
        _try(["apt-get", "install", "-y", "-q", "chromium"])
    return _on_path()


def _try(command: list[str]) -> None:
    """Run an installer; whether it worked is seen by what is there afterwards."""
    try:
        subprocess.run(command, capture_output=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{' '.join(command)}: {error}", file=sys.stderr)
