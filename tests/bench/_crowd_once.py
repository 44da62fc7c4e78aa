"""Raters at work in threads until nothing is left: one JSON line for each acknowledged judgment."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from app.domain import OVERALL
from app.errors import Conflict, LeaseLost
from app.services.assigning import next_assignment
from app.services.database import Store
from app.services.judging import Submission, submit
from rubrics.answers import Answer

IDLE_TURNS = 3
"""A rater leaves after so many turns without work."""


def main(url: str, n_raters: int, n_connections: int) -> None:
    """Let every rater judge in turn, so many at a time, until all of them find nothing."""
    store = Store(url, pool_size=n_connections)
    chance, turns, lock = random.Random(), list(range(n_raters)), threading.Lock()
    idle = dict.fromkeys(turns, 0)

    def work() -> None:
        while True:
            with lock:
                if not turns:
                    return
                rater = turns.pop(chance.randrange(len(turns)))
            is_done = _judge_once(store, f"r{rater:04}", chance)
            with lock:
                idle[rater] = 0 if is_done else idle[rater] + 1
                if idle[rater] < IDLE_TURNS:
                    turns.append(rater)

    print("ready", flush=True)
    with ThreadPoolExecutor(n_connections) as pool:
        for future in [pool.submit(work) for _ in range(n_connections)]:
            future.result()


def _judge_once(store: Store, name: str, chance: random.Random) -> bool:
    """Lease, submit, say so; False where nothing is left for this rater."""
    start = time.perf_counter()
    try:
        given = next_assignment(store, name, "bench")
        if given is None:
            return False
        preferred = "ab"[chance.random() < 0.25]
        receipt = submit(store, name, given.id, Submission({OVERALL: Answer(preferred=preferred, strength=1)}))
    except (Conflict, LeaseLost):
        return True
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"judgment": receipt.judgment_id, "seconds": round(seconds, 5)}) + "\n")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
