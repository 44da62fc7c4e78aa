"""Whether the votes of a snapshot to be were given under several rubric versions, and what then has to be said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from app.domain import RaterKind
from app.errors import InvalidInput
from app.policy import Action
from app.services.lookup import rubric_of
from app.services.permission import require_in
from app.services.sessions import Person
from app.services.snapshot_mapping import keys_by_version, unnamed
from app.store import tables
from app.store.engine import Store
from app.store.queries import newest_version
from app.store.visibility import visible
from rubrics.model import Rubric


@dataclass(frozen=True)
class VersionShare:
    """The judgments of one round under one version."""

    version: str
    round: str
    n_judgments: int


@dataclass(frozen=True)
class MixedVersions:
    """Votes under several versions; a snapshot holds one, the newest.

    Attributes:
        rubrics: version -> rubric.
        target: the newest version.
        shares: judgments by version and round, the oldest round first.
        to_name: criteria of older versions that are not those of the newest: each becomes one of its criteria, or is
            left out.
        same: criteria of older versions that mean the same in the newest.
    """

    rubrics: Mapping[str, Rubric]
    target: Rubric
    shares: tuple[VersionShare, ...]
    to_name: tuple[str, ...]
    same: tuple[str, ...]


def mixed_versions(
    store: Store,
    person: Person,
    campaign_name: str,
    *,
    round_name: str | None = None,
    kinds: Collection[RaterKind] = (),
) -> MixedVersions | None:
    """What has to be said of the versions of some votes; None where they were all given under one.

    Args:
        store: the database.
        person: who asks.
        campaign_name: the campaign.
        round_name: only votes of this round; of all by default.
        kinds: kinds of rater; the campaign's counted kinds by default.

    Raises:
        NotAllowed: the person may not build snapshots of the campaign.
    """
    campaign = require_in(person, Action.BUILD_SNAPSHOT, campaign_name)
    judgment, assignment, rater, round_ = tables.judgment, tables.assignment, tables.rater, tables.round_
    query = (
        select(judgment.c.rubric_version, round_.c.name, func.count(assignment.c.id.distinct()).label("n"))
        .select_from(judgment)
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(round_, round_.c.id == assignment.c.round_id)
        .join(rater, rater.c.id == assignment.c.rater_id)
        .where(round_.c.campaign_id == campaign.id, visible(judgment.c.batch_id))
        .where(rater.c.kind.in_([kind.value for kind in kinds or campaign.counted_kinds]))
        .group_by(judgment.c.rubric_version, round_.c.name, round_.c.id)
        .order_by(round_.c.id, judgment.c.rubric_version)
    )
    if round_name is not None:
        query = query.where(round_.c.name == round_name)
    with store.read() as connection:
        shares = tuple(VersionShare(row.rubric_version, row.name, row.n) for row in connection.execute(query))
        versions = {share.version for share in shares}
        if len(versions) < 2:
            return None
        rubrics = {version: rubric_of(connection, version) for version in versions}
        target = rubrics[newest_version(connection, versions)]
    older = {key for version, rubric in rubrics.items() if version != target.version for key in rubric.criterion_keys}
    to_name = unnamed(rubrics, target, {})
    return MixedVersions(rubrics, target, shares, tuple(to_name), tuple(sorted(older - set(to_name))))


def whole_mapping(
    mixed: MixedVersions | None, said: Mapping[str, str | None], *, is_wanted: bool
) -> dict[str, str] | None:
    """The mapping that a build takes; None where one version was judged by.

    Args:
        mixed: what has to be said.
        said: criterion of an older version -> criterion of the newest, empty to leave it out, None where nothing is
            said yet.
        is_wanted: whether the versions are to stand together at all.

    Raises:
        InvalidInput: they are not, nothing is said of a criterion (the message leads to where it is said), or two
            become one.
    """
    if mixed is None:
        return None
    silent = [key for key in mixed.to_name if said.get(key) is None]
    if silent or not is_wanted:
        what = f"say under “Criteria of older versions” what becomes of {', '.join(silent)}" if silent else (
            "tick “Count them together” under “Criteria of older versions”"
        )  # fmt: skip
        raise InvalidInput(
            f"These votes were given under {len(mixed.rubrics)} rubric versions, and a snapshot holds one: {what}, or "
            "choose a single round."
        )
    named = {key: str(said[key]) for key in mixed.to_name}
    keys_by_version(mixed.rubrics, mixed.target, named)
    return named
