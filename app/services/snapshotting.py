"""Freezing a campaign: consensus, adjudications and explicit filters -> an immutable, documented snapshot directory.

The layout is that of `reward.contract`. Everything that is left out is counted with its reason. The same votes give
the same hash: rows are sorted, files are deterministic, and the time of writing stays outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from app.domain import Campaign, utc_now
from app.errors import InvalidInput, JobCancelled
from app.services import events
from app.services.lookup import find_campaign, find_round
from app.services.snapshot_card import card_text
from app.services.snapshot_directory import move_into_place, partial_directory, refuse_foreign
from app.services.snapshot_files import PairFiles, sync, write_judgments, write_pool
from app.services.snapshot_manifest import SnapshotFacts, manifest_content, pseudonymised
from app.services.snapshot_material import Material, Options, gather
from app.services.snapshot_rows import pool_rows, stored_pairs
from app.store import tables
from app.store.engine import Store
from reward.contract import MANIFEST_NAME, Manifest, file_hash, write_manifest
from rubrics.loader import dump_rubric

CHUNK = 500
"""Comparisons between two looks at whether the work was cancelled."""


def build(
    store: Store,
    campaign_name: str,
    output_directory: Path | str,
    *,
    kinds: Collection[str] | None = None,
    round: str | None = None,
    min_judgments: int = 1,
    split_by: str = "prompt",
    exclude_gold: bool = False,
    aggregation: str = "vote_share",
    split_shares: Sequence[float] = (0.8, 0.1, 0.1),
    mapping: Mapping[str, str] | None = None,
    actor: str = "system",
    progress: Callable[[int, int], None] = lambda n_done, n_all: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Freeze a campaign into a snapshot directory.

    The directory is written beside its place and renamed at the end; a build that is killed leaves nothing there.
    Where the same snapshot stands already, nothing changes.

    Args:
        store: the database.
        campaign_name: the campaign.
        output_directory: where; it must not exist, or be empty, or hold the same snapshot.
        kinds: kinds of rater that count; by default those of the campaign.
        round: only the judgments of this round; by default of all.
        min_judgments: votes that a pair needs.
        split_by: "prompt", or "meta.KEY".
        exclude_gold: leave comparisons with a gold key out; the keys themselves are never in a snapshot.
        aggregation: vote_share, majority or one_coin.
        split_shares: of train, validation and test.
        mapping: where judgments were made under several rubric versions: criterion of an older one -> criterion of the
            newest, or empty to leave it out; criteria that mean the same need no entry. None refuses such a snapshot.
        actor: who asked.
        progress: called with comparisons written and to write.
        is_cancelled: asked after each chunk of comparisons.

    Returns:
        The manifest of the snapshot in `output_directory`.

    Raises:
        NotFound: no such campaign or round.
        InvalidInput: nothing to write, or an option out of range; the message says why.
        Conflict: judgments under several rubric versions without a whole mapping, or something else in the way.
        JobCancelled: `is_cancelled` said so; nothing was written.
    """
    target = Path(output_directory).absolute()
    refuse_foreign(target)
    if min_judgments < 1:
        raise InvalidInput(f"min_judgments is {min_judgments}: a pair needs at least 1 vote.")
    with partial_directory(target) as partial:
        with store.read(settled=True) as connection:
            campaign = find_campaign(connection, campaign_name)
            options = Options(
                kinds=tuple(sorted(str(kind) for kind in kinds or campaign.counted_kinds)),
                rounds=None if round is None else (find_round(connection, campaign, round).name,),
                min_judgments=min_judgments,
                split_by=split_by,
                split_shares=tuple(split_shares),
                exclude_gold=exclude_gold,
                aggregation=aggregation,
                mapping=mapping,
            )
            material = gather(connection, campaign, options)
            content = _write_files(connection, partial, material, progress=progress, is_cancelled=is_cancelled)
        manifest = write_manifest(partial, content=content, written_at=utc_now().isoformat())
        sync(partial / MANIFEST_NAME)
        manifest = move_into_place(partial, target, manifest)
    _register(store, campaign, target, manifest, actor=actor)
    return manifest


def _write_files(
    connection: Connection,
    partial: Path,
    material: Material,
    *,
    progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """Write every file but the manifest, and return the manifest's content."""
    facts = SnapshotFacts()
    with PairFiles(partial) as files:
        for n_done, stored, rows in stored_pairs(connection, material):
            for row in rows:
                files.add(*row)
            facts.note(stored)
            if n_done % CHUNK == 0:
                progress(n_done, material.n_written)
                if is_cancelled():
                    raise JobCancelled("The snapshot was cancelled; nothing was written.")
    write_judgments(partial / "judgments.parquet", pseudonymised(connection, material))
    n_pool = write_pool(partial / "pool.parquet", pool_rows(connection, material))
    (partial / "rubric.yaml").write_text(dump_rubric(material.rubric), encoding="utf-8")
    content = manifest_content(connection, material, facts=facts, row_counts=files.counts, n_pool=n_pool)
    (partial / "README.md").write_text(card_text(content, material.rubric), encoding="utf-8")
    for name in ("rubric.yaml", "README.md"):
        sync(partial / name)
    paths = sorted(path for path in partial.rglob("*") if path.is_file())
    return {**content, "files": {path.relative_to(partial).as_posix(): file_hash(path) for path in paths}}


def _register(store: Store, campaign: Campaign, target: Path, manifest: Manifest, *, actor: str) -> None:
    """Write down that the snapshot exists; once per campaign, hash and place."""
    table = tables.snapshot
    with store.write() as connection:
        known = connection.scalar(
            select(table.c.id).where(
                table.c.campaign_id == campaign.id, table.c.hash == manifest.hash, table.c.directory == str(target)
            )
        )
        if known is not None:
            return
        counts = manifest.content["counts"]
        event_id = events.record(
            connection,
            actor=actor,
            action="snapshot.built",
            subject=f"snapshot {manifest.hash[:12]}",
            campaign_id=campaign.id,
            detail={"hash": manifest.hash, "directory": str(target), "counts": counts},
        )
        row = {
            "campaign_id": campaign.id,
            "hash": manifest.hash,
            "directory": str(target),
            "event_id": event_id,
            "counts": counts,
            "created_at": utc_now(),
        }
        connection.execute(insert(table), row)
