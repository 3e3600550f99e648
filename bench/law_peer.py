"""Fit Chinchilla's law with the package `chinchilla`; run by the Python that has it, see bench.law.

Run as `PYTHON bench/law_peer.py FOLDER LOSS`: FOLDER has its df.csv (C, N, D, loss); LOSS is `default`, its own
asymmetric loss, or `huber`, that of the paper. Prints JSON: parameters, and CPU seconds of the fit alone.
"""

import functools
import json
import resource
import sys

import numpy as np
from chinchilla import Chinchilla
from chinchilla._metrics import log_huber

# Three values of each parameter between the ends that its documentation shows: 243 starts.
GRID = {
    "E": np.linspace(1, 2, 3),
    "a": np.linspace(1, 10, 3),
    "b": np.linspace(1, 10, 3),
    "alpha": np.linspace(0.1, 0.7, 3),
    "beta": np.linspace(0.1, 0.7, 3),
}


def count_cpu_s() -> float:
    """Return the user and system time of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Fit and print."""
    folder, loss = sys.argv[1:]
    options = {} if loss == "default" else {"loss_fn": functools.partial(log_huber, delta=1e-3)}
    model = Chinchilla(folder, param_grid=GRID, log_level=50, **options)
    begun_s = count_cpu_s()
    model.fit(parallel=False)
    spent_s = count_cpu_s() - begun_s
    fitted = {name: float(getattr(model, name)) for name in ("E", "A", "alpha", "B", "beta")}
    print(json.dumps({"parameters": fitted, "cpu_s": spent_s}))


if __name__ == "__main__":
    main()
