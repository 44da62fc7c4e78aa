"""Campaigns, their rounds and their members."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, distinct, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.domain import Calibration, Campaign, RankingMode, RaterKind, Role, Round, RoundPurpose, RoundRules, utc_now
from app.errors import AlreadyExists, InvalidInput
from app.services import events
from app.services.lookup import campaign_of, find_account, find_campaign, find_round, round_of, rounds_of, rules_to_dict
from app.services.queueing import Waiting, enqueue, sort_key
from app.stats.exam import ExamPlan
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible
from rubrics.model import Rubric

MAIN_ROUND = "main"
RANKING_ROUND = "ranking"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class RoundProgress:
    """How far a round is: comparisons waiting, begun and with full overlap, and judgments given."""

    round: Round
    n_comparisons: int
    n_begun: int
    n_complete: int
    n_judgments: int


@dataclass(frozen=True)
class CampaignOverview:
    """What `steelyard campaign show` prints."""

    campaign: Campaign
    n_comparisons: int
    n_gold: int
    n_raters: int
    rounds: tuple[RoundProgress, ...]


def publish_rubric(connection: Connection, rubric: Rubric, *, actor: str, source_yaml: str | None = None) -> str:
    """Make a rubric version known; publishing the same version again changes nothing. Returns the version hash."""
    known = connection.scalar(
        select(tables.rubric_version.c.version).where(tables.rubric_version.c.version == rubric.version)
    )
    if known is None:
        row = {
            "version": rubric.version,
            "key": rubric.key,
            "title": rubric.title,
            "content": rubric.to_dict(),
            "source_yaml": source_yaml,
            "published_at": utc_now(),
        }
        connection.execute(insert(tables.rubric_version), row)
        events.record(connection, actor=actor, action="rubric.published", subject=f"rubric {rubric.key}", detail=row)
    return rubric.version


def create_campaign(
    store: Store,
    name: str,
    *,
    rubric: Rubric,
    title: str | None = None,
    counted_kinds: Sequence[RaterKind] = (RaterKind.HUMAN,),
    rules: RoundRules | None = None,
    actor: str = "system",
    source_yaml: str | None = None,
) -> Campaign:
    """Create a campaign with its main round (pairs). A ranking round is added when rankings are imported.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: the name is not one short word, a kind list is empty, or a rule is out of range.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidInput(f"Campaign name {name!r}: use letters, digits, '.', '_' and '-', at most 64 of them.")
    if not counted_kinds:
        raise InvalidInput("A campaign counts at least one kind of rater: human, model, program or simulated.")
    row = {
        "name": name,
        "title": title or name,
        "counted_kinds": [kind.value for kind in dict.fromkeys(counted_kinds)],
        "state": "open",
        "created_at": utc_now(),
    }
    with store.write() as connection:
        publish_rubric(connection, rubric, actor=actor, source_yaml=source_yaml)
        try:
            stored = connection.execute(insert(tables.campaign).returning(tables.campaign), row).one()
        except IntegrityError as error:
            raise AlreadyExists(f"There is a campaign {name!r} already: choose another name.") from error
        campaign = campaign_of(stored)
        events.record(
            connection,
            actor=actor,
            action="campaign.created",
            subject=f"campaign {name}",
            campaign_id=campaign.id,
            detail={"counted_kinds": row["counted_kinds"], "rubric_version": rubric.version},
        )
        add_round(connection, campaign, name=MAIN_ROUND, rubric=rubric, rules=rules or RoundRules(), actor=actor)
    return campaign


def open_round(
    store: Store,
    campaign_name: str,
    *,
    name: str,
    rubric: Rubric,
    mode: RankingMode = RankingMode.PAIR,
    purpose: RoundPurpose = RoundPurpose.MAIN,
    rules: RoundRules | None = None,
    actor: str = "system",
    among: Collection[str] | None = None,
) -> Round:
    """Open a further round in a campaign; every comparison of its mode that is no gold waits in it.

    With `rules.sample` a sample of that size waits; `among` names the comparisons from which it is drawn (None: all).

    Raises:
        AlreadyExists: the campaign has a round of this name.
        InvalidInput: a blank name, a k-way round with a rubric that has `preference_scale` criteria, or a rule out of
            range.
    """
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        publish_rubric(connection, rubric, actor=actor)
        return add_round(
            connection,
            campaign,
            name=name,
            rubric=rubric,
            mode=mode,
            purpose=purpose,
            rules=rules or RoundRules(),
            actor=actor,
            among=among,
        )


def add_round(
    connection: Connection,
    campaign: Campaign,
    *,
    name: str,
    rubric: Rubric,
    rules: RoundRules,
    actor: str,
    mode: RankingMode = RankingMode.PAIR,
    purpose: RoundPurpose = RoundPurpose.MAIN,
    batch_id: int | None = None,
    among: Collection[str] | None = None,
) -> Round:
    """`open_round` inside a transaction of the caller; the rubric is published already.

    A round that an import opens (`batch_id`) appears when the import is complete, and its event is the import's.
    """
    if mode is RankingMode.KWAY and not rubric.suits_kway:
        raise InvalidInput(
            f"Round {name!r} ranks three or more responses, but rubric {rubric.key!r} has preference_scale criteria, "
            "which compare two. Use a rubric with scores, check or ranking criteria."
        )
    if not name.strip():
        raise InvalidInput(f"Round name {name!r}: give it letters or digits.")
    check_rules(rules)
    check_scopes(rules, rubric)
    row = {
        "campaign_id": campaign.id,
        "batch_id": batch_id,
        "name": name,
        "purpose": purpose.value,
        "mode": mode.value,
        "rubric_version": rubric.version,
        "rules": rules_to_dict(rules),
        "state": "open",
        "created_at": utc_now(),
    }
    try:
        round_ = round_of(connection.execute(insert(tables.round_).returning(tables.round_), row).one())
    except IntegrityError as error:
        raise AlreadyExists(f"Campaign {campaign.name!r} has a round {name!r} already: choose another name.") from error
    _enqueue_all(connection, round_, batch_id, among)
    if batch_id is None:
        events.record(
            connection, actor=actor, action="round.opened", subject=f"round {name}", campaign_id=campaign.id, detail=row
        )
    return round_


def check_rules(rules: RoundRules) -> None:
    """Check the collecting rules of a round.

    Raises:
        InvalidInput: a rule is out of its range.
    """
    if not 1 <= rules.overlap <= 100:
        raise InvalidInput(f"overlap is {rules.overlap}: use 1 to 100 votes a comparison.")
    if not (rules.gold_rate >= 0 and rules.repeat_rate >= 0 and rules.gold_rate + rules.repeat_rate <= 0.5):
        raise InvalidInput(
            f"gold_rate {rules.gold_rate} and repeat_rate {rules.repeat_rate}: neither below 0, together at most .5."
        )
    if rules.sample is not None and rules.sample < 1:
        raise InvalidInput(f"sample is {rules.sample}: draw at least one comparison.")
    for name in ("threshold", "audit_share", "max_share", "review_share"):
        value = getattr(rules, name)
        if not 0 <= value <= 1:
            raise InvalidInput(f"{name} is {value}: use a share from 0 to 1.")
    if not 0.5 < rules.threshold < 1:
        raise InvalidInput(f"threshold is {rules.threshold}: a posterior that stops is above .5 and below 1.")
    if rules.max_share == 0:
        raise InvalidInput("max_share is 0: nobody could judge. Use up to 1, which sets no cap.")
    if rules.audit_batch < 0:
        raise InvalidInput(f"audit_batch is {rules.audit_batch}: use 0 for no audits, or a number of comparisons.")
    if not 1 <= rules.expert_votes <= 100:
        raise InvalidInput(f"expert_votes is {rules.expert_votes}: use 1 to 100 further votes.")
    if rules.calibration is not None:
        _check_calibration(rules.calibration)
    if rules.lease_seconds < 10:
        raise InvalidInput(f"lease_seconds is {rules.lease_seconds}: nobody can judge in under 10 seconds.")


def check_scopes(rules: RoundRules, rubric: Rubric) -> None:
    """Check that the scopes of a round cover its rubric, each criterion and the overall verdict once or more.

    Raises:
        InvalidInput: a scope has no name or asks nothing, a criterion is unknown, or something is asked of nobody.
    """
    if not rules.scopes:
        return
    names = [scope.name for scope in rules.scopes]
    if not all(NAME_PATTERN.fullmatch(name) for name in names) or len(set(names)) != len(names):
        raise InvalidInput(f"Scopes {names}: give each a name of its own, letters, digits and . _ -.")
    for scope in rules.scopes:
        unknown = [key for key in scope.criteria if key not in rubric.criterion_keys]
        if unknown:
            known = ", ".join(rubric.criterion_keys) or "none"
            raise InvalidInput(
                f"Scope {scope.name!r}: {unknown[0]!r} is no criterion of {rubric.key!r} (has: {known})."
            )
        if not scope.criteria and not scope.asks_overall:
            raise InvalidInput(f"Scope {scope.name!r} asks nothing: name criteria, or let it ask the overall verdict.")
    asked = {key for scope in rules.scopes for key in scope.criteria}
    missing = [key for key in rubric.criterion_keys if key not in asked]
    if missing or not any(scope.asks_overall for scope in rules.scopes):
        raise InvalidInput(
            f"The scopes ask nobody for {missing[0] if missing else 'the overall verdict'}: add it to one of them."
        )


def _check_calibration(calibration: Calibration) -> None:
    try:
        ExamPlan(calibration.p0, calibration.p1, calibration.max_items, calibration.class_minimum)
    except ValueError as error:
        raise InvalidInput(f"The exam cannot be so: {error}") from error
    if calibration.wait_hours < 0 or calibration.valid_days < 1 or calibration.exposure_cap < 1:
        raise InvalidInput("Calibration: wait_hours from 0, valid_days and exposure_cap from 1 on.")
    if calibration.lesson_level not in range(4):
        raise InvalidInput(f"lesson_level is {calibration.lesson_level}: 0 none, 1 foundation, 2 advanced, 3 expert.")


def set_round_state(store: Store, campaign_name: str, round_name: str, *, is_open: bool, actor: str = "system") -> None:
    """Close a round (nobody gets work from it) or open it again; leases in progress may still be submitted."""
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        round_ = find_round(connection, campaign, round_name)
        state = "open" if is_open else "closed"
        connection.execute(update(tables.round_).where(tables.round_.c.id == round_.id).values(state=state))
        events.record(
            connection, actor=actor, action=f"round.{state}", subject=f"round {round_name}", campaign_id=campaign.id
        )


def set_campaign_state(store: Store, campaign_name: str, *, is_open: bool, actor: str = "system") -> None:
    """Close a campaign (nobody gets work from it) or open it again; leases in progress may still be submitted."""
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        state = "open" if is_open else "closed"
        connection.execute(update(tables.campaign).where(tables.campaign.c.id == campaign.id).values(state=state))
        events.record(
            connection,
            actor=actor,
            action=f"campaign.{state}",
            subject=f"campaign {campaign_name}",
            campaign_id=campaign.id,
        )


def add_member(
    store: Store, campaign_name: str, account_name: str, *, roles: Collection[Role], actor: str = "system"
) -> None:
    """Give an account roles in a campaign, in place of those it had there.

    Raises:
        NotFound: no such campaign or account.
        InvalidInput: no role is named.
    """
    if not roles:
        raise InvalidInput(f"Name at least one role for {account_name}: {', '.join(Role)}.")
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        account = find_account(connection, account_name)
        join_campaign(connection, campaign.id, [account.id], roles=roles)
        events.record(
            connection,
            actor=actor,
            action="member.added",
            subject=f"rater {account_name}",
            campaign_id=campaign.id,
            detail={"roles": sorted(roles)},
        )


def join_campaign(
    connection: Connection, campaign_id: int, rater_ids: Sequence[int], *, roles: Collection[Role]
) -> None:
    """Make raters members of a campaign with these roles, replacing the roles they had there."""
    member = tables.campaign_member
    values = sorted(role.value for role in roles)
    known = set(
        connection.scalars(
            select(member.c.rater_id).where(member.c.campaign_id == campaign_id, member.c.rater_id.in_(rater_ids))
        )
    )
    if known:
        connection.execute(
            update(member)
            .where(member.c.campaign_id == campaign_id, member.c.rater_id.in_(sorted(known)))
            .values(roles=values)
        )
    fresh = [rater_id for rater_id in rater_ids if rater_id not in known]
    if fresh:
        joined_at = utc_now()
        connection.execute(
            insert(member),
            [{"campaign_id": campaign_id, "rater_id": i, "roles": values, "joined_at": joined_at} for i in fresh],
        )


def list_campaigns(store: Store) -> list[Campaign]:
    """All campaigns by name."""
    with store.read() as connection:
        rows = connection.execute(select(tables.campaign).order_by(tables.campaign.c.name))
        return [campaign_of(row) for row in rows]


def show_campaign(store: Store, name: str) -> CampaignOverview:
    """Counts and progress of one campaign.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, name)
        comparison = tables.comparison
        here = (comparison.c.campaign_id == campaign.id) & visible(comparison.c.batch_id)
        n_comparisons = connection.scalar(select(func.count()).select_from(comparison).where(here))
        n_gold = connection.scalar(select(func.count()).select_from(tables.gold_key.join(comparison)).where(here))
        submitted = (
            select(func.count(distinct(tables.assignment.c.rater_id)))
            .select_from(tables.assignment.join(tables.round_))
            .where(tables.round_.c.campaign_id == campaign.id, tables.assignment.c.state == "submitted")
            .where(visible(tables.assignment.c.batch_id))
        )
        n_raters = connection.scalar(submitted)
        rounds = tuple(_progress(connection, round_) for round_ in rounds_of(connection, campaign.id))
    return CampaignOverview(campaign, n_comparisons or 0, n_gold or 0, n_raters or 0, rounds)


def _progress(connection: Connection, round_: Round) -> RoundProgress:
    item = tables.queue_item
    n, n_begun, n_incomplete = connection.execute(
        select(
            func.count(distinct(item.c.comparison_id)),
            func.count(distinct(item.c.comparison_id)).filter(item.c.n_taken > 0),
            func.count(distinct(item.c.comparison_id)).filter(item.c.n_taken < item.c.n_slots),
        )
        .select_from(item.join(tables.comparison))
        .where(item.c.round_id == round_.id, visible(tables.comparison.c.batch_id))
    ).one()
    n_judgments = connection.scalar(
        select(func.count())
        .select_from(tables.assignment)
        .where(tables.assignment.c.round_id == round_.id, tables.assignment.c.state == "submitted")
        .where(visible(tables.assignment.c.batch_id))
    )
    return RoundProgress(round_, n, n_begun, n - n_incomplete, n_judgments=n_judgments or 0)


def _enqueue_all(
    connection: Connection, round_: Round, batch_id: int | None, among: Collection[str] | None = None
) -> None:
    """Put every comparison of the round's mode that is no gold, or a sample, into the round's queue, in random order.

    An import's round takes what the import brought so far too, and stays closed until the import is complete.
    """
    comparison = tables.comparison
    is_gold = exists().where(tables.gold_key.c.comparison_id == comparison.c.id)
    waiting = connection.execute(
        select(comparison.c.id, comparison.c.external_id, comparison.c.meta, comparison.c.requires).where(
            comparison.c.campaign_id == round_.campaign_id,
            comparison.c.mode == round_.mode.value,
            or_(visible(comparison.c.batch_id), comparison.c.batch_id == batch_id),
            ~is_gold,
        )
    ).all()
    if among is not None:
        names = set(among)
        waiting = [row for row in waiting if row.external_id in names]
    if round_.rules.sample is not None:
        waiting = sorted(waiting, key=lambda row: sort_key(round_, row.external_id))[: round_.rules.sample]
    enqueue(connection, round_, (Waiting(*row) for row in waiting), is_open=batch_id is None)
