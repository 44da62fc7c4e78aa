"""Calibration, seeded: errors and length of the exam; false alarms and delay of the watch, without and with peers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from app.stats.drift import BAD, GOOD, STOP_AT, WARN_AT, cusum
from app.stats.exam import ExamPlan, fixed_plan, next_class, score_exam
from app.stats.intervals import wilson
from app.stats.watch import RECENT, path_of, peer_steps, peer_threshold

N_RATERS = 10_000
POOL = {"a": 100, "b": 100, "tie": 50}
PLANS = (ExamPlan(0.70, 0.85, 100), ExamPlan(0.65, 0.85, 60))
N_DROPS = 1_000
N_STEADY = 1_000_000
GOLD_RATES = (0.05, 0.10, 0.20)
BASELINE = 0.829
"""Agreement of a rater of accuracy .85 with two peers of .85 who agree: (.85 * .7225 + .15 * .0225) / .745."""


def measurements() -> Iterator[dict[str, Any]]:
    """The exam over 10,000 simulated raters at p0 and p1, then the watch."""
    for plan in PLANS:
        yield from exam_lines(plan)
    yield from gold_lines()
    for rate in GOLD_RATES:
        yield from peer_lines(rate)
        yield peer_alarm_line(rate)


def exam_lines(plan: ExamPlan, *, n: int = N_RATERS) -> Iterator[dict[str, Any]]:
    """False passes at p0, false fails at p1, mean items, the minimum per class included."""
    n_fixed, _ = fixed_plan(plan.p0, plan.p1)
    for accuracy, wrong in ((plan.p0, "pass"), (plan.p1, "fail")):
        rng = np.random.default_rng(7)
        sittings = [sit(plan, accuracy, rng) for _ in range(n)]
        errors = wilson(sum(verdict == wrong for verdict, _ in sittings), n)
        items = float(np.mean([length for _, length in sittings]))
        yield {
            "name": f"exam {plan.p0}/{plan.p1} cap {plan.max_items}: false {wrong} at {accuracy}",
            "n": n,
            "value": errors.value,
            "low": errors.low,
            "high": errors.high,
            "nominal": 0.05,
            "mean_items": round(items, 2),
            "of_fixed_plan": round(items / n_fixed, 3),
        }


def sit(plan: ExamPlan, accuracy: float, rng: np.random.Generator) -> tuple[str | None, int]:
    """One exam of a simulated rater: verdict and items."""
    left, answers = dict(POOL), []
    score = score_exam(plan, answers, classes=POOL)
    while score.verdict is None and (name := next_class(plan, score, left)) is not None:
        left[name] -= 1
        answers.append((name, bool(rng.random() < accuracy)))
        score = score_exam(plan, answers, classes=POOL)
    return score.verdict, score.n


def gold_lines() -> Iterator[dict[str, Any]]:
    """Gold alone: answers until the stop after a drop from .85 to .65, and alarms of steady raters."""
    rng = np.random.default_rng(11)
    delays = [int(np.argmax(cusum(rng.random(2_000) < BAD).path >= STOP_AT)) + 1 for _ in range(N_DROPS)]
    low, high = np.quantile(delays, [0.1, 0.9])
    yield {"name": "drop .85 to .65, gold answers until the stop", "n": N_DROPS, "median": float(np.median(delays)),
           "p10": float(low), "p90": float(high)}  # fmt: skip
    right = rng.random(N_STEADY) < GOOD
    for threshold, name in ((STOP_AT, "stops"), (WARN_AT, "warnings")):
        n_alarms = count_alarms(np.where(right, np.log(BAD / GOOD), np.log((1 - BAD) / (1 - GOOD))), threshold)
        rate = wilson(n_alarms, N_STEADY)
        yield {"name": f"false {name} per 1,000 gold answers of a steady rater (.85)", "n": N_STEADY,
               "value": 1000 * rate.value, "low": 1000 * rate.low, "high": 1000 * rate.high}  # fmt: skip


def count_alarms(steps: np.ndarray, threshold: float) -> int:
    """Alarms of a CUSUM that begins again at 0 after each."""
    level, n_alarms = 0.0, 0
    for step in steps.tolist():
        level = max(0.0, level + step)
        if level >= threshold:
            level, n_alarms = 0.0, n_alarms + 1
    return n_alarms


def peer_lines(rate: float) -> Iterator[dict[str, Any]]:
    """Tasks until the stop, gold alone and with the agreement of two peers of accuracy .85 who decide .745 of tasks."""
    rng = np.random.default_rng(13)
    alone, together = [], []
    for _ in range(300):
        is_gold, right, task = stream(rng, 3_000, rate, BAD)
        for found, use_peers in ((alone, False), (together, True)):
            found.append(first_stop(is_gold, right, task, use_peers=use_peers))
    yield {"name": f"drop .85 to .65, tasks until the stop at {rate:.0%} gold", "n": 300,
           "gold_alone": float(np.median(alone)), "with_peers": float(np.median(together)),
           "ratio": round(float(np.median(together) / np.median(alone)), 3)}  # fmt: skip


def peer_alarm_line(rate: float) -> dict[str, Any]:
    """Stops of a steady rater by gold and peers together, per 1,000 gold answers; either alarm begins both anew."""
    rng = np.random.default_rng(17)
    is_gold, right, _ = stream(rng, 400_000, rate, GOOD)
    gold = np.where(right, np.log(BAD / GOOD), np.log((1 - BAD) / (1 - GOOD)))
    alone = np.where(is_gold, gold, 0.0).tolist()
    together = np.where(is_gold, gold, peer_steps(right, BASELINE)).tolist()
    limits = thresholds(is_gold)
    level = both = 0.0
    n_alarms = 0
    for one, other, limit in zip(alone, together, limits.tolist(), strict=True):
        level, both = max(0.0, level + one), max(0.0, both + other)
        if level >= STOP_AT or both >= limit:
            level, both, n_alarms = 0.0, 0.0, n_alarms + 1
    found = wilson(n_alarms, int(is_gold.sum()))
    return {"name": f"false stops with peers per 1,000 gold answers at {rate:.0%} gold", "n": found.n,
            "value": 1000 * found.value, "low": 1000 * found.low, "high": 1000 * found.high}  # fmt: skip


def thresholds(is_gold: np.ndarray) -> np.ndarray:
    """`peer_threshold` after each answer: it looks at the latest `RECENT` only."""
    total = np.r_[0, np.cumsum(is_gold)]
    at = np.arange(1, len(total))
    first = np.maximum(at - RECENT, 0)
    known: dict[tuple[int, int], float] = {}
    for n_gold, n in zip((total[at] - total[first]).tolist(), (at - first).tolist(), strict=True):
        if (n_gold, n) not in known:
            known[n_gold, n] = peer_threshold(np.arange(n) < n_gold)
    return np.array(
        [known[one] for one in zip((total[at] - total[first]).tolist(), (at - first).tolist(), strict=True)]
    )


def stream(rng: np.random.Generator, n: int, rate: float, accuracy: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(is gold, is right or agrees, number of the task) of the tasks that say something."""
    is_gold = rng.random(n) < rate
    peers = rng.random((n, 2)) < GOOD
    own = rng.random(n) < accuracy
    decided = peers[:, 0] == peers[:, 1]
    right = np.where(is_gold, own, own == peers[:, 0])
    used = is_gold | decided
    return is_gold[used], right[used], np.flatnonzero(used)


def first_stop(is_gold: np.ndarray, right: np.ndarray, task: np.ndarray, *, use_peers: bool) -> int:
    """The task at which the watch first stops; the last one where it never does."""
    gold = np.where(right, np.log(BAD / GOOD), np.log((1 - BAD) / (1 - GOOD)))
    stopped = path_of(np.where(is_gold, gold, 0.0)) >= STOP_AT
    if use_peers:
        together = path_of(np.where(is_gold, gold, peer_steps(right, BASELINE)))
        stopped |= together >= thresholds(is_gold)
    at = int(np.argmax(stopped)) if stopped.any() else len(task) - 1
    return int(task[at]) + 1
