"""Certificates of passed exams: a JSON document, signed with a key that this installation keeps in its data folder.

The signature is HMAC-SHA256 over the canonical JSON of the certificate: no library is needed, and who holds the key
(this installation) can tell a certificate of its own from any other text. It cannot be checked without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.domain import RaterKind, RaterState, utc_now
from app.errors import InvalidInput, NotFound
from app.policy import Action, may_work
from app.services import standing
from app.services.exam_reports import ExamReport, reports_of
from app.services.lookup import find_account, find_campaign, require, rounds_of
from app.store.engine import Store

ALGORITHM = "HMAC-SHA256"
KEY_FILE = "certificates.key"


@dataclass(frozen=True)
class Verification:
    """What can be said of a certificate.

    Attributes:
        certificate: what it says.
        is_genuine: whether this installation signed exactly this.
        is_expired: whether its time is over.
        standing: where the rater stands in the campaign now; None where they are not known here.
        holds: whether it is genuine, not expired, and its rater may work.
    """

    certificate: Mapping[str, Any]
    is_genuine: bool
    is_expired: bool
    standing: RaterState | None

    @property
    def holds(self) -> bool:
        """Whether one may rely on it now."""
        return self.is_genuine and not self.is_expired and self.standing is not None and may_work(self.standing)


def certificate_of(store: Store, rater_name: str, campaign_name: str, *, folder: Path) -> dict[str, Any]:
    """The signed certificate of the last exam that a rater passed in a campaign; the same each time.

    Raises:
        NotFound: no such account or campaign, or no exam was passed.
        NotAllowed: the account is no rater here.
    """
    with store.read() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        passed = [one for one in reports_of(connection, rater, campaign) if one.verdict == "pass"]
    if not passed:
        raise NotFound(f"{rater_name} has passed no exam in campaign {campaign_name!r}.")
    content = _content(passed[0], kind=rater.kind)
    key = _key(folder)
    return {
        "certificate": content,
        "algorithm": ALGORITHM,
        "key": hashlib.sha256(key).hexdigest()[:16],
        "signature": _sign(content, key),
    }


def verify(store: Store, document: Any, *, folder: Path, now: datetime | None = None) -> Verification:
    """Check a certificate: signature, time, and where its rater stands today.

    Args:
        store: the database.
        document: the JSON document of a certificate file.
        folder: where the key is kept.
        now: the time of the check.

    Raises:
        InvalidInput: the document is no certificate, or another installation's.
    """
    content, signature = _parts(document)
    if not (folder / KEY_FILE).is_file():
        raise InvalidInput(f"This installation has no key yet ({folder / KEY_FILE}): it has signed no certificate.")
    key = _key(folder)
    if document.get("key") != hashlib.sha256(key).hexdigest()[:16]:
        raise InvalidInput("The certificate names the key of another installation: check it there.")
    is_genuine = hmac.compare_digest(signature, _sign(content, key))
    try:
        is_expired = (now or utc_now()) >= datetime.fromisoformat(str(content["expires_at"]))
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"The certificate has no time at which it expires: {error}.") from error
    return Verification(content, is_genuine, is_expired, _standing(store, content, now=now or utc_now()))


def _content(report: ExamReport, *, kind: RaterKind) -> dict[str, Any]:
    assert report.expires_at is not None
    return {
        "rater": report.rater,
        "rater_kind": kind.value,
        "campaign": report.campaign,
        "round": report.round,
        "rubric_version": report.rubric_version,
        "exam": report.exam_id,
        "attempt": report.attempt,
        "n_right": report.n_right,
        "n_items": report.n,
        "classes": {name: list(counts) for name, counts in sorted(report.classes.items())},
        "plan": dict(report.plan),
        "passed_at": report.closed_at.isoformat(),
        "expires_at": report.expires_at.isoformat(),
    }


def _parts(document: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(document, dict) or document.get("algorithm") != ALGORITHM:
        raise InvalidInput(f"This is no certificate: it should be a JSON object whose algorithm is {ALGORITHM}.")
    content, signature = document.get("certificate"), document.get("signature")
    if not isinstance(content, dict) or not isinstance(signature, str):
        raise InvalidInput("This is no certificate: certificate or signature is missing.")
    return content, signature


def _standing(store: Store, content: Mapping[str, Any], *, now: datetime) -> RaterState | None:
    """Where the rater stands; paused, too, where the certificate was ended, and None where they are not known."""
    try:
        with store.read() as connection:
            rater = find_account(connection, str(content.get("rater")))
            campaign = find_campaign(connection, str(content.get("campaign")))
            state = standing.standing_of(connection, rater, campaign.id).state
            rounds = {one.name: one for one in rounds_of(connection, campaign.id)}
            round_ = rounds.get(str(content.get("round")))
            is_held = round_ is not None and standing.is_certified(connection, round_, rater, now=now)
    except NotFound:
        return None
    return state if is_held or not may_work(state) else RaterState.APPLICANT


def _key(folder: Path) -> bytes:
    """The key of this installation, made at first use; only its owner may read it."""
    file = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(file.read_text().strip())
    key = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as opened:
        opened.write(key.hex() + "\n")
    return key


def _sign(content: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
