"""The rounds of an import chunk: those of the campaign, and those that a file's judgments need."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete

from app.domain import Campaign, Comparison, RankingMode, Round, RoundRules
from app.errors import InvalidInput, NotFound
from app.formats.base import Refusal
from app.services.campaigns import RANKING_ROUND, add_round
from app.services.lanes import remove_lanes
from app.services.lookup import rounds_of, rubric_of
from app.store import tables


class RoundBook:
    """The rounds in which a chunk's judgments, questions and decisions stand; opened where a line needs one."""

    def __init__(self, connection: Connection, campaign: Campaign, batch_id: int, *, actor: str) -> None:
        self._connection = connection
        self._campaign = campaign
        self._batch_id = batch_id
        self._actor = actor
        self._rounds = {round_.name: round_ for round_ in rounds_of(connection, campaign.id, batch_id=batch_id)}

    @property
    def names(self) -> frozenset[str]:
        """The rounds that there are."""
        return frozenset(self._rounds)

    def of_mode(self, mode: RankingMode) -> list[Round]:
        """The rounds in whose queues a comparison of this mode waits; none where no rubric of the campaign suits it."""
        return [round_ for round_ in self._rounds.values() if round_.mode is mode]

    def open_for_rankings(self) -> str | None:
        """Open the round in which rankings wait, if none is there; the reason where the rubric forbids it."""
        if not self.of_mode(RankingMode.KWAY):
            try:
                self._open(RANKING_ROUND, RankingMode.KWAY, None, "")
            except Refusal as refusal:
                return refusal.reason
        return None

    def find(self, comparison: Comparison, name: str | None, version: str | None, place: str) -> Round:
        """The round that a judgment names, or the first of the comparison's mode; opened where there is none.

        Raises:
            Refusal: the round is for other comparisons, or the rubric does not suit it.
        """
        mode = comparison.mode
        if name is None:
            fitting = self.of_mode(mode)
            if fitting:
                return next((round_ for round_ in fitting if round_.state == "open"), fitting[0])
            return self._open(RANKING_ROUND, mode, version, place)
        if name not in self._rounds:
            return self._open(name, mode, version, place)
        round_ = self._rounds[name]
        if round_.mode is not mode:
            raise Refusal(
                f"{place}.round", f"round {name!r} is for {round_.mode.value} comparisons, this one is {mode.value}"
            )
        return round_

    def _open(self, name: str, mode: RankingMode, version: str | None, place: str) -> Round:
        if name in self._rounds:
            raise Refusal(f"{place}.round", f"is missing, and round {name!r} is not for {mode.value} comparisons")
        main = next(iter(self._rounds.values()))
        try:
            rubric = rubric_of(self._connection, version or main.rubric_version)
            round_ = add_round(
                self._connection,
                self._campaign,
                name=name,
                rubric=rubric,
                mode=mode,
                rules=RoundRules(overlap=main.rules.overlap, gold_rate=main.rules.gold_rate, policy=main.rules.policy),
                actor=self._actor,
                batch_id=self._batch_id,
            )
        except (InvalidInput, NotFound) as error:
            raise Refusal(f"{place}.round", str(error)) from error
        self._rounds[name] = round_
        return round_

    def close(self, names: Collection[str]) -> None:
        """Take back the rounds that a refused line opened."""
        for name in names:
            round_id = self._rounds.pop(name).id
            self._connection.execute(delete(tables.queue_item).where(tables.queue_item.c.round_id == round_id))
            remove_lanes(self._connection, [round_id])
            self._connection.execute(delete(tables.round_).where(tables.round_.c.id == round_id))
