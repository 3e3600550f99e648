"""One fit by one peer, in the peer's own Python: `python formula_peer.py NAME FOLDER SECONDS`; prints a line of JSON.

FOLDER holds x.npy and fresh.npy, float64[rows, variables], and y.npy, float64[rows]; predictions for fresh rows are
written to predicted.npy there. Sizes are set so that a fit takes about the seconds that are given.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> int:
    """Fit, predict, print."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    x, y, fresh = (np.load(folder / f"{one}.npy") for one in ("x", "y", "fresh"))
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    model = {"gplearn": fit_gplearn, "pyoperon": fit_pyoperon}[name](x, y, seconds)
    spent = {"time_s": time.perf_counter() - begun_s, "cpu_s": time.process_time() - begun_cpu_s}
    np.save(folder / "predicted.npy", np.asarray(model.predict(fresh), float))
    print(json.dumps({"peer": name, **spent}))
    return 0


def fit_gplearn(x: Any, y: Any, seconds: float) -> Any:
    """Return gplearn's regressor; generations are added while there is time."""
    from gplearn.genetic import SymbolicRegressor

    functions = ("add", "sub", "mul", "div", "sqrt", "log", "inv", "sin", "cos")
    model = SymbolicRegressor(
        population_size=1000, generations=1, function_set=functions, warm_start=True, random_state=0
    )
    begun_s = time.perf_counter()
    model.fit(x, y)
    while time.perf_counter() - begun_s < seconds:
        model.set_params(generations=model.generations + 1)
        model.fit(x, y)
    return model


def fit_pyoperon(x: Any, y: Any, seconds: float) -> Any:
    """Return Operon's regressor, with its own limit of time."""
    from pyoperon.sklearn import SymbolicRegressor

    symbols = "add,sub,mul,div,sqrt,log,exp,sin,cos,square,constant,variable"
    model = SymbolicRegressor(
        allowed_symbols=symbols,
        time_limit=int(seconds),
        generations=10**6,
        max_evaluations=10**9,
        n_threads=1,
        random_state=0,
    )
    return model.fit(x, y)


if __name__ == "__main__":
    sys.exit(main())
