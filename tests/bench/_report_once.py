"""Make one agreement report from a file of votes; print seconds and peak memory as JSON (a process of its own)."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    start = time.perf_counter()
    from app.services.reporting import file_report

    file_report("agreement", Path(sys.argv[1])).to_json()
    seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss // 1024}
    print(json.dumps(found))
