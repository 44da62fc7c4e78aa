"""Import one file into a new database and print the peak memory of doing so, in MiB (a process of its own)."""

from __future__ import annotations

import sys

from app.services.campaigns import create_campaign
from app.services.database import Store
from app.services.importing import import_file
from rubrics.loader import load_library
from tests.bench.ledger import peak_memory_mib
from tests.conftest import prepared

if __name__ == "__main__":
    store = prepared(Store(f"sqlite:///{sys.argv[1]}"))
    create_campaign(store, "bench", rubric=load_library("minimal"))
    import_file(store, "bench", sys.argv[2])
    print(peak_memory_mib())
