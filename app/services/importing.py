"""Files in: comparisons, and judgments where the file has them.

Lines are read in chunks, one transaction each, under a batch that becomes visible when it is complete. A bad line is
refused with its number, field and reason; the good ones are kept. Importing a file twice changes nothing.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from app.domain import Campaign, ImportedComparison, RankingMode, RefusedLine
from app.errors import JobCancelled
from app.formats.registry import detect_format, format_named
from app.services import batches
from app.services.importing_comparisons import ComparisonWriter, Fingerprinted, fingerprint
from app.services.importing_judgments import JudgmentWriter
from app.services.lookup import find_campaign
from app.store.engine import Store

CHUNK = 1000
"""Lines in one transaction."""

CHUNK_CHARACTERS = 16_000_000
"""Text in one transaction, about: long responses make shorter chunks, so that memory stays flat."""

SMALL = 1_000_000
"""A file of fewer bytes is read before the garbage collector has gone through everything often enough to matter."""

GROWTH = frozenset(4**power for power in range(8))
"""After these chunks a database has grown enough to look at its tables anew."""

KEPT = 10_000
"""Refused lines and warnings that the summary carries in full; beyond that they are only counted."""


@dataclass
class ImportSummary:
    """What an import did.

    Attributes:
        n_lines: lines read.
        n_comparisons: comparisons that are new.
        n_comparisons_known: comparisons that were there with the same content.
        n_judgments: judgments that are new.
        n_judgments_known: judgments that were there.
        n_adjudications: decisions that are new.
        n_questions: questions that are new, with their answers.
        n_reviews: reviews of new judgments.
        n_refused: lines refused.
        n_warnings: findings that refuse nothing.
        refused: the first refused lines, with place and reason.
        warnings: the first findings, as "line n: ...".
        n_same_content: comparisons whose content stands under another id too; reported, never merged.
        event_id: the event that made everything visible.
    """

    n_lines: int = 0
    n_comparisons: int = 0
    n_comparisons_known: int = 0
    n_judgments: int = 0
    n_judgments_known: int = 0
    n_adjudications: int = 0
    n_questions: int = 0
    n_reviews: int = 0
    n_refused: int = 0
    n_warnings: int = 0
    n_same_content: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    event_id: int | None = None

    def refuse(self, line: RefusedLine) -> None:
        """Count a refused line, and keep it while there are not too many."""
        self.n_refused += 1
        if len(self.refused) < KEPT:
            self.refused.append(line)

    def warn(self, line: int, finding: str) -> None:
        """Count a finding, and keep it while there are not too many."""
        self.n_warnings += 1
        if len(self.warnings) < KEPT:
            self.warnings.append(f"line {line}: {finding}")

    def counts(self) -> dict[str, int]:
        """The counts alone, for the event and for `--json`."""
        return {name: value for name, value in vars(self).items() if name.startswith("n_")}


def import_file(
    store: Store,
    campaign_name: str,
    path: Path | str,
    *,
    format_name: str = "auto",
    actor: str = "system",
    progress: Callable[[int], None] = lambda n_lines: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ImportSummary:
    """Import one file into a campaign.

    Args:
        store: the database.
        campaign_name: the campaign.
        path: a file, a dataset directory, or a hub id of the `datasets` format.
        format_name: a key of `FORMATS`, or "auto".
        actor: who asked.
        progress: called after each chunk with the number of lines read.
        is_cancelled: asked after each chunk.

    Raises:
        NotFound: no such campaign.
        InvalidInput: no such file, an unknown format, or a file that cannot be read as a whole.
        Conflict: another import into the campaign is running.
        JobCancelled: `is_cancelled` said so; nothing was imported.
    """
    name = detect_format(Path(path)) if format_name == "auto" else format_name
    lines = iter(format_named(name).read(Path(path)))
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
    batch_id = batches.begin(store, campaign, source=os.path.basename(path), format_name=name)
    summary = ImportSummary()
    try:
        with _all_else_uncollected(Path(path)):
            _import_lines(store, campaign, lines, batch_id, summary, actor=actor, progress=progress, stop=is_cancelled)
        if summary.n_lines >= CHUNK:
            store.refresh_statistics(roughly=True)
        summary.event_id = batches.complete(store, campaign, batch_id, actor=actor, counts=summary.counts())
    except BaseException:
        batches.abandon(store, campaign, batch_id)
        raise
    if summary.n_lines >= CHUNK:
        store.refresh_statistics()  # now that its comparisons are open: a planner that thinks none is looks at all
    return summary


@contextmanager
def _all_else_uncollected(path: Path) -> Iterator[None]:
    """Let the garbage collector look for cycles in what an import makes, not again and again in all that was there.

    With the libraries of this process there already, that took a tenth of a long import's time. To ask whether
    somebody did so already, for longer, counts every object: a small file gains less than that takes.
    """
    if (path.is_file() and path.stat().st_size < SMALL) or gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _import_lines(
    store: Store,
    campaign: Campaign,
    lines: Iterator[ImportedComparison | RefusedLine],
    batch_id: int,
    summary: ImportSummary,
    *,
    actor: str,
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        ahead = _ReadAhead(lines, thread)
        for number, chunk in enumerate(ahead, start=1):
            if stop():
                raise JobCancelled(f"The import into {campaign.name!r} was cancelled; nothing of it was kept.")
            good = []
            for line in chunk:
                if isinstance(line, RefusedLine):
                    summary.refuse(line)
                else:
                    good.append(line)
            _import_chunk(store, campaign, good, batch_id, summary, actor=actor, read_on=ahead.read_on)
            summary.n_lines += len(chunk)
            if number in GROWTH:
                store.refresh_statistics(roughly=True)
            progress(summary.n_lines)


@dataclass
class _ReadAhead:
    """Every chunk of a file; a thread reads the next one from when it is told to, or else from when it is asked for."""

    lines: Iterator[ImportedComparison | RefusedLine]
    thread: ThreadPoolExecutor
    following: Future[list[Fingerprinted | RefusedLine]] | None = None

    def read_on(self) -> Future[list[Fingerprinted | RefusedLine]]:
        """Read the next chunk now: while the database works, not while this thread needs the interpreter itself."""
        self.following = self.following or self.thread.submit(_next_chunk, self.lines)
        return self.following

    def __iter__(self) -> Iterator[list[Fingerprinted | RefusedLine]]:
        while chunk := self.read_on().result():
            self.following = None
            yield chunk


def _next_chunk(lines: Iterator[ImportedComparison | RefusedLine]) -> list[Fingerprinted | RefusedLine]:
    """The next lines, as many as fit one transaction; none at the end."""
    chunk: list[Fingerprinted | RefusedLine] = []
    n_characters = 0
    for line in islice(lines, CHUNK):
        if isinstance(line, RefusedLine):
            chunk.append(line)
            continue
        chunk.append(Fingerprinted(line, fingerprint(line.comparison)))
        n_characters += sum(len(message.content) for message in line.comparison.prompt)
        n_characters += sum(len(completion.text) for completion in line.comparison.completions)
        n_characters += sum(len(judgment.justification) for judgment in line.judgments)
        if n_characters >= CHUNK_CHARACTERS:
            break
    return chunk


def _import_chunk(
    store: Store,
    campaign: Campaign,
    read: list[Fingerprinted],
    batch_id: int,
    summary: ImportSummary,
    *,
    actor: str,
    read_on: Callable[[], object],
) -> None:
    """One transaction: decide line by line what is acceptable, then write in bulk, while the next chunk is read."""
    lines = [one.line for one in read]
    with store.write(is_flushed=False) as connection:  # the commit that completes the batch flushes this one, too
        batches.beat(connection, batch_id)
        comparisons = ComparisonWriter(connection, campaign, batch_id)
        judgments = JudgmentWriter(connection, campaign, batch_id, actor=actor)
        comparisons.load(read)
        judgments.load(lines, known_ids=comparisons.known_ids)
        accepted = []
        for line in lines:
            refusal = comparisons.refusal(line) or judgments.take(line)
            if refusal is not None:
                summary.refuse(refusal)
                continue
            comparisons.keep(line)
            accepted.append(line)
        for line in accepted:
            for finding in line.warnings:
                summary.warn(line.line, finding)
        _open_ranking_round(accepted, judgments, summary)
        for line_number, finding in comparisons.write(accepted, round_of=judgments.rounds.of_mode, meanwhile=read_on):
            summary.n_same_content += 1
            summary.warn(line_number, finding)
        read_on()  # now, where no comparison was new
        judgments.write(comparisons.ids)
        judgments.count_known(accepted)
        counts = Counter(comparisons.counts) + Counter(judgments.counts)
    for name, count in counts.items():
        setattr(summary, name, getattr(summary, name) + count)


def _open_ranking_round(lines: list[ImportedComparison], judgments: JudgmentWriter, summary: ImportSummary) -> None:
    """See that comparisons of three or more responses have a round to wait in; where they cannot, each line says so."""
    rankings = [line.line for line in lines if line.comparison.mode is RankingMode.KWAY]
    reason = judgments.rounds.open_for_rankings() if rankings else None
    if reason is not None:
        for number in rankings:
            summary.warn(number, f"nobody will be asked to rank this: {reason}")
