"""`make bench`: one JSON line a measurement (name, n, median, p95, unit, ratio where there is a peer).

`make bench ARGS="ledger"` runs the modules named; all of them by default. Each module of this package has a function
`measurements()` that yields the lines as dicts.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys

import tests.bench


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all; returns the exit status."""
    known = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if not module.name.startswith("_")]
    known.remove("timing")
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"error: no benchmark {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted or known:
        for line in importlib.import_module(f"tests.bench.{name}").measurements():
            print(json.dumps(line, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
