"""Distributing work: policies on real votes, what waits for a review, crowds on both databases, killed and not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import distinct, func, insert, select, update

from app.domain import Campaign, OverlapPolicy, ReviewLevel, Role, RoundRules, utc_now
from app.services import review_queue, reviewing
from app.services.campaigns import add_member, create_campaign
from app.services.database import Store
from app.services.importing import import_file
from app.services.lookup import find_campaign, rounds_of
from app.services.people import add_account
from app.stats.overlap import ASK, curtailed_cost, decide_overlap
from app.stats.planning import drawn_crowd, simulate_policies
from app.stats.reports import votes_from_native
from app.stats.stopping import GoldVote, fit_stopping
from app.store import tables
from rubrics.loader import load_library
from tests.bench.ledger import _postgres, write_comparisons
from tests.conftest import ROOT, new_postgres_store, prepared

DATA = ("llmfao", "ukp_arguments", "pandalm")
OVERLAP = 3
N_DRAWS = 20
N_KILLS = 20
SIZES = {"sqlite": (300, 1_000, 16), "postgres": (3_300, 10_000, 64)}
"""Database -> raters, comparisons, connections."""


def measurements() -> Iterator[dict[str, Any]]:
    """Curtailment on real votes, posterior stopping, reviews, crowds on both databases, a crowd under kills."""
    for name in DATA:
        yield curtailment(name)
    yield from stopping()
    yield from posterior_on_data("ukp_arguments")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(_postgres(folder))
        for database, size in SIZES.items():
            yield finding_an_attempt(folder, server, database)
            yield crowd(folder, server, database, *size)
            yield crowd(folder, server, database, *size, n_kills=N_KILLS)


# --- policies ----------------------------------------------------------------------------------------------------


def real_votes(name: str) -> list[np.ndarray]:
    """Class codes of the overall verdicts on every comparison of a public set."""
    with (ROOT.parent / "shared" / "data" / f"{name}.jsonl").open() as file:
        votes = votes_from_native(json.loads(one) for one in file)
    groups = votes[votes["criterion"] == "overall"].groupby("comparison_id", observed=True)["outcome"]
    return [group.cat.codes.to_numpy() for _, group in groups]


def curtailment(name: str) -> dict[str, Any]:
    """Votes saved by curtailment at overlap 3, and how many decisions are those of all three votes."""
    labels = [codes for codes in real_votes(name) if len(codes) >= OVERLAP]
    rng = np.random.default_rng(1)
    saved, same, n = [], 0, 0
    for _ in range(N_DRAWS):
        votes = np.stack([rng.choice(codes, OVERLAP, replace=False) for codes in labels])
        cost = curtailed_cost(votes)
        saved.append(1 - cost.mean() / OVERLAP)
        same += int((decided(votes, cost) == decided(votes, np.full(len(votes), OVERLAP))).sum())
        n += len(votes)
    low, high = np.percentile(saved, [2.5, 97.5])
    return {
        "name": f"curtailed majority, {name}: share of votes saved",
        "n": len(labels),
        "median": round(float(np.median(saved)), 4),
        "interval_of_draws": [round(float(low), 4), round(float(high), 4)],
        "unit": "share",
        "identical_decisions": f"{same} of {n}",
    }


def decided(votes: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """The answer after so many votes of each comparison; -1 where it is contested."""
    asked = np.arange(votes.shape[1])[None, :] < cost[:, None]
    counts = np.stack([((votes == k) & asked).sum(axis=1) for k in range(int(votes.max()) + 1)], axis=1)
    made = decide_overlap(counts, largest=votes.shape[1])
    assert (made.action != ASK).all(), "curtailment stopped where a vote might have changed the decision"
    return np.where(made.action == "stop", made.leader, -1)


def stopping() -> Iterator[dict[str, Any]]:
    """Posterior stopping beside a fixed overlap 5: cost, and the share of all comparisons that are labelled right."""
    for mean in (0.7, 0.8, 0.9):
        rows = simulate_policies(
            drawn_crowd(60, mean=mean, spread=0.08, seed=2), overlaps=(5,), audit_share=0.0, n=20_000
        )
        fixed, curtailed, posterior = rows
        yield {
            "name": f"posterior stopping, simulated raters of accuracy {mean}, overlap 5: votes beside fixed",
            "n": 20_000,
            "median": round(posterior.votes_per_comparison / fixed.votes_per_comparison, 4),
            "unit": "share",
            "curtailed": round(curtailed.votes_per_comparison / fixed.votes_per_comparison, 4),
            "right_labels": {one.policy: round((one.accuracy.value or 0.0) * one.settled_share, 4) for one in rows},
            "accuracy": {one.policy: one.accuracy.to_json() for one in rows},
            "note": posterior.note,
        }


def posterior_on_data(name: str) -> Iterator[dict[str, Any]]:
    """Stated against realised accuracy on real votes: the reference is the majority of all votes on a comparison."""
    with (ROOT.parent / "shared" / "data" / f"{name}.jsonl").open() as file:
        frame = votes_from_native(json.loads(one) for one in file)
    frame = frame[(frame["criterion"] == "overall") & frame["outcome"].isin(["first", "second", "tie", "both_bad"])]
    codes = {"first": 0, "second": 1, "tie": 2, "both_bad": 3}
    votes = []
    for unit, group in frame.groupby("comparison_id", observed=True):
        counts = Counter(group["outcome"].astype(str))
        (best, n), *_ = counts.most_common(1)
        if len(group) >= 4 and 2 * n > len(group):
            votes += [
                GoldVote(str(unit), str(rater), codes[said], (codes[best],))
                for rater, said in zip(group["rater_id"], group["outcome"].astype(str), strict=True)
            ]
    for threshold in (0.8, 0.9, 0.95):
        model = fit_stopping(votes, largest=5, threshold=threshold)
        held_out = model.held_out
        confidence = held_out["confidence"]
        yield {
            "name": f"posterior stopping, {name}, threshold {threshold}: realised accuracy where it stopped",
            "n": held_out["n_stopped_by_posterior"],
            "median": confidence["realised"]["value"],
            "interval": [confidence["realised"]["low"], confidence["realised"]["high"]],
            "unit": "share",
            "stated": confidence["stated"],
            "votes_per_comparison": round(held_out["votes_per_comparison"], 3),
            "accuracy": held_out["accuracy"],
            "majority": held_out["majority"],
            "temperature": model.temperature,
            "is_used": model.is_usable,
        }


# --- reviews -----------------------------------------------------------------------------------------------------


def finding_an_attempt(folder: Path, server: str, database: str) -> dict[str, Any]:
    """What a reviewer's page asks: what they hold, what is next, how much waits; a fifth of 60,000 judgments does."""
    path = folder / f"{database}-reviews.db"
    store = new_postgres_store(server) if database == "postgres" else prepared(Store(f"sqlite:///{path}"))
    rules = RoundRules(overlap=OVERLAP, gold_rate=0.0, policy=OverlapPolicy.FIXED, review_share=0.2)
    create_campaign(store, "bench", rubric=load_library("minimal"), rules=rules)
    judgments = {f"w{n}": {"preferred": "a", "shown": ["a", "b"]} for n in range(OVERLAP)}
    lines = [
        {"id": f"x{n}", "prompt": f"p{n}", "completions": [{"id": key, "text": f"{key}{n}"} for key in "ab"],
         "judgments": [{"rater": name} | said for name, said in judgments.items()]}
        for n in range(20_000)
    ]  # fmt: skip
    file = folder / f"{database}-reviews.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    import_file(store, "bench", file)
    add_account(store, "rea")
    add_member(store, "bench", "rea", roles=[Role.REVIEWER])
    with store.write() as connection:  # as if they had been given here: what a file brings is not reviewed
        for table in (tables.judgment, tables.assignment):
            connection.execute(update(table).values(batch_id=None))
        campaign = find_campaign(connection, "bench")
        review_queue.refill(connection, campaign, rounds_of(connection, campaign.id)[0])
    store.refresh_statistics()
    seconds = []
    for _ in range(100):
        start = time.perf_counter()
        reviewing.waiting(store, "rea", "bench")
        reviewing.next_attempt(store, "rea", "bench", level=ReviewLevel.REVIEW)
        seconds.append(time.perf_counter() - start)
    store.close()
    values = np.array(seconds) * 1000
    return {
        "name": f"a reviewer's next attempt and what waits, {database}, 60,000 judgments",
        "n": len(values),
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "unit": "ms",
    }


# --- crowds ------------------------------------------------------------------------------------------------------


def crowd(
    folder: Path, server: str, database: str, n_raters: int, n_comparisons: int, n_connections: int, *, n_kills: int = 0
) -> dict[str, Any]:
    """Raters at work in threads of a process that is killed so many times; what the ledger then holds."""
    place = folder / f"{database}-{n_kills}.db"
    store = new_postgres_store(server) if database == "postgres" else prepared(Store(f"sqlite:///{place}"))
    bring(store, folder, n_raters, n_comparisons)
    url = store.url.render_as_string(hide_password=False)
    began, told, seconds = time.perf_counter(), set(), []
    chance = np.random.default_rng(3)
    for kill in range(n_kills + 1):
        is_last = kill == n_kills
        lines = work_in_a_process(url, n_raters, n_connections, None if is_last else float(chance.uniform(2.0, 6.0)))
        told.update(int(one["judgment"]) for one in lines)
        seconds += [one["seconds"] for one in lines]
    took = time.perf_counter() - began
    facts = check(store, told)
    store.close()
    values = np.array(seconds) * 1000
    killed = f", killed {n_kills} times" if n_kills else ""
    return {
        "name": f"crowd, {database}: {n_raters:,} raters, {n_comparisons:,} comparisons, overlap {OVERLAP}, "
        f"{n_connections} connections{killed}: next + submit",
        "n": len(seconds),
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "unit": "ms",
        "votes_per_second": round(len(seconds) / took, 1),
        **facts,
    }


def bring(store: Store, folder: Path, n_raters: int, n_comparisons: int) -> None:
    """A campaign that collects a curtailed majority, its comparisons and raters."""
    rules = RoundRules(overlap=OVERLAP, gold_rate=0.0, policy=OverlapPolicy.CURTAILED)
    campaign: Campaign = create_campaign(store, "bench", rubric=load_library("minimal"), rules=rules)
    import_file(store, "bench", write_comparisons(folder / f"{n_comparisons}.jsonl", n_comparisons))
    now = utc_now()
    person = {"namespace": "", "kind": "human", "state": "qualified", "roles": ["rater"], "created_at": now}
    with store.write() as connection:
        names = [{**person, "name": f"r{number:04}"} for number in range(n_raters)]
        ids = connection.scalars(insert(tables.rater).returning(tables.rater.c.id), names).all()
        member = {"campaign_id": campaign.id, "roles": ["rater"], "joined_at": now}
        connection.execute(insert(tables.campaign_member), [{**member, "rater_id": one} for one in ids])
    store.refresh_statistics()


def work_in_a_process(url: str, n_raters: int, n_connections: int, kill_after: float | None) -> list[dict[str, Any]]:
    """What a process acknowledged before it was killed, or until nothing was left to judge."""
    command = [sys.executable, "-m", "tests.bench._crowd_once", url, str(n_raters), str(n_connections)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    if kill_after is not None:
        assert child.stdout.readline() == "ready\n"
        time.sleep(kill_after)
        os.kill(child.pid, signal.SIGKILL)
    lines = child.stdout.readlines()
    status = child.wait()
    assert status == (0 if kill_after is None else -signal.SIGKILL) or kill_after is not None, status
    return [json.loads(one) for one in lines if one.startswith("{") and one.endswith("}\n")]


def check(store: Store, told: set[int]) -> dict[str, Any]:
    """What must hold of the ledger, counted: zero everywhere but in the number of votes."""
    assignment, judgment, item = tables.assignment, tables.judgment, tables.queue_item
    with store.read() as connection:
        stored = set(connection.scalars(select(judgment.c.id)))
        votes = (
            select(func.count().label("n"), func.count(distinct(assignment.c.rater_id)).label("raters"))
            .where(assignment.c.state == "submitted")
            .group_by(assignment.c.comparison_id)
            .subquery()
        )
        n_over = connection.scalar(select(func.count()).select_from(votes).where(votes.c.n > OVERLAP))
        n_twice = connection.scalar(select(func.count()).select_from(votes).where(votes.c.n > votes.c.raters))
        n_open = connection.scalar(select(func.count()).select_from(item).where(item.c.state == "collecting"))
        states: Sequence[Any] = connection.execute(select(item.c.state, func.count()).group_by(item.c.state)).all()
    return {
        "acknowledged": len(told),
        "acknowledged_and_lost": len(told - stored),
        "over_the_overlap": n_over,
        "twice_to_one_rater": n_twice,
        "still_collecting": n_open,
        "states": {row[0]: row[1] for row in states},
    }
