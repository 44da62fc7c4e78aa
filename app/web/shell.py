"""The HTML in which Streamlit's client starts: the installed one, told where its server is."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit as st

START = "window.__streamlit = {BACKEND_BASE_URL: window.location.origin}"
"""Without this the client looks for its server below the page's own address first: two failed requests a visit."""


@cache
def page_shell() -> str:
    """Streamlit's page with our name, and with `START` before the first script."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    page = page.replace("<title>Streamlit</title>", "<title>Steelyard</title>", 1)
    return page.replace("<head>", f"<head>\n    <script>{START}</script>", 1)


def inline_script_hashes() -> list[str]:
    """The inline scripts of the page, by hash, so that no other inline script runs."""
    scripts = re.findall(r"<script>(.*?)</script>", page_shell(), flags=re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return [f"'sha256-{digest}'" for digest in digests]
