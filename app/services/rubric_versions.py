"""Rubrics as designers handle them: versions, publishing from YAML, new rounds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from app.domain import RankingMode, Rater, Round, RoundPurpose, RoundRules
from app.errors import InvalidInput, NotAllowed
from app.policy import Action, may
from app.services import campaigns
from app.services.lookup import find_account, find_campaign, require, round_of, rubric_of
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible
from rubrics.loader import dump_rubric, parse_rubric
from rubrics.model import Rubric


@dataclass(frozen=True)
class Use:
    """A round that is judged by a version."""

    campaign: str
    campaign_title: str
    round: str
    is_open: bool


@dataclass(frozen=True)
class Version:
    """A published rubric version.

    Attributes:
        yaml: the document as it was published, with its comments; written anew where none was kept.
        uses: rounds that are judged by it, oldest first.
    """

    rubric: Rubric
    published_at: datetime
    yaml: str
    uses: tuple[Use, ...]

    @property
    def version(self) -> str:
        """The content hash."""
        return self.rubric.version


def list_versions(store: Store) -> dict[str, list[Version]]:
    """Every published version by rubric key, keys in order, the newest version of each first."""
    table = tables.rubric_version
    with store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.key, table.c.published_at.desc())).all()
        uses = _uses(connection)
        found: dict[str, list[Version]] = {}
        for row in rows:
            rubric = rubric_of(connection, row.version)
            text = row.source_yaml or dump_rubric(rubric)
            found.setdefault(row.key, []).append(Version(rubric, row.published_at, text, uses.get(row.version, ())))
    return found


def publish(store: Store, actor_name: str, text: str) -> tuple[Rubric, bool]:
    """Publish a rubric from YAML; returns it, and whether its version is new here.

    Raises:
        RubricError: the text is no rubric; every problem with its line.
        NotFound: no such account.
        NotAllowed: the account is a designer nowhere.
    """
    with store.read() as connection:
        _require_designer(connection, find_account(connection, actor_name))
    return publish_text(store, text, actor=actor_name)


def publish_text(store: Store, text: str, *, actor: str) -> tuple[Rubric, bool]:
    """Publish a rubric from YAML for whoever holds the machine; returns it, and whether its version is new here.

    Raises:
        RubricError: the text is no rubric; every problem with its line.
    """
    rubric = parse_rubric(text)
    with store.write() as connection:
        query = select(tables.rubric_version.c.version).where(tables.rubric_version.c.version == rubric.version)
        is_new = connection.scalar(query) is None
        campaigns.publish_rubric(connection, rubric, actor=actor, source_yaml=text)
    return rubric, is_new


def start_round(
    store: Store,
    actor_name: str,
    campaign_name: str,
    *,
    name: str,
    version: str,
    mode: RankingMode,
    purpose: RoundPurpose,
    rules: RoundRules,
    close: Collection[str] = (),
) -> Round:
    """Open a round with a published version, and close others in whose place it comes.

    Args:
        store: the database.
        actor_name: an account that may publish rubrics in the campaign.
        campaign_name: the campaign.
        name: of the new round.
        version: the hash of a published rubric.
        mode: pairs or rankings.
        purpose: pilot, main or bridge.
        rules: how the round collects.
        close: rounds from which nobody gets work any more.

    Raises:
        NotFound: no such account, campaign, version or round.
        NotAllowed: the account may not publish rubrics in the campaign.
        AlreadyExists: the campaign has a round of this name.
        InvalidInput: the name is no short word, a rule is out of range, or the rubric cannot be asked of rankings.
    """
    if not campaigns.NAME_PATTERN.fullmatch(name):
        raise InvalidInput(f"Round name {name!r}: use letters, digits, '.', '_' and '-', at most 64 of them.")
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.PUBLISH_RUBRIC, campaign=campaign)
        rubric = rubric_of(connection, version)
    opened = campaigns.open_round(
        store, campaign_name, name=name, rubric=rubric, mode=mode, purpose=purpose, rules=rules, actor=actor_name
    )
    for other in close:
        campaigns.set_round_state(store, campaign_name, other, is_open=False, actor=actor_name)
    return opened


def rounds_in(store: Store, campaign_name: str) -> list[Round]:
    """The rounds of a campaign, oldest first.

    Raises:
        NotFound: no such campaign.
    """
    round_ = tables.round_
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        here = (round_.c.campaign_id == campaign.id) & visible(round_.c.batch_id)
        return [round_of(row) for row in connection.execute(select(round_).where(here).order_by(round_.c.id))]


def _uses(connection: Connection) -> Mapping[str, tuple[Use, ...]]:
    round_, campaign = tables.round_, tables.campaign
    rows = connection.execute(
        select(
            round_.c.rubric_version, round_.c.name, round_.c.state, campaign.c.name.label("campaign"), campaign.c.title
        )
        .join(campaign, campaign.c.id == round_.c.campaign_id)
        .where(visible(round_.c.batch_id))
        .order_by(round_.c.id)
    )
    found: dict[str, list[Use]] = {}
    for row in rows:
        use = Use(row.campaign, row.title, row.name, row.state == "open")
        found.setdefault(row.rubric_version, []).append(use)
    return {version: tuple(uses) for version, uses in found.items()}


def _require_designer(connection: Connection, account: Rater) -> None:
    """Versions belong to no campaign: a designer anywhere, or an admin, publishes them."""
    member = tables.campaign_member
    roles = set(account.roles)
    for held in connection.scalars(select(member.c.roles).where(member.c.rater_id == account.id)):
        roles |= set(held)
    if not may(frozenset(roles), Action.PUBLISH_RUBRIC):
        raise NotAllowed(f"{account.name} may not publish rubrics. Ask an admin for the role designer.")
