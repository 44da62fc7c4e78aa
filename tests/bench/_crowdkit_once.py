"""Run crowd-kit's Dawid-Skene once on saved arrays and print the seconds of the call (in crowd-kit's environment)."""

import sys
import time

import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene

if __name__ == "__main__":
    saved = np.load(sys.argv[1])
    frame = pd.DataFrame({"task": saved["unit"], "worker": saved["rater"], "label": saved["label"]})
    model = DawidSkene(n_iter=int(sys.argv[2]), tol=-1e9)
    start = time.perf_counter()
    model.fit(frame)
    print(time.perf_counter() - start)
