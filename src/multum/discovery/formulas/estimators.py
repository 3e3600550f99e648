"""The search as a scikit-learn estimator: fit a table, predict with the shortest formula found.

scikit-learn is asked for when an estimator is made, not when this module is loaded.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from multum.discovery.formulas.finder import discover_formula
from multum.errors import MissingExtra

if TYPE_CHECKING:
    from multum.discovery.formulas.reports import FormulaReport


def _make_class() -> type:
    """Return the estimator's class. Raises MissingExtra."""
    try:
        from sklearn.base import BaseEstimator, RegressorMixin
        from sklearn.utils.validation import check_is_fitted, validate_data
    except ImportError as error:
        raise MissingExtra("estimators need scikit-learn; pip install 'multum[discover]'") from error

    class FormulaRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        """Regression by the shortest formula. Options as of `multum.discover_formula`; time_s is a fit's.

        After fit: report_, what was found; formula_, as sympy reads it, in x0, x1, ... or the names of the columns.
        """

        def __init__(
            self,
            time_s: float = 60.0,
            noise: "str | float" = "auto",
            operators: "str | None" = None,
            seed: int = 0,
            threads: "int | None" = None,
        ) -> None:
            self.time_s = time_s
            self.noise = noise
            self.operators = operators
            self.seed = seed
            self.threads = threads

        def fit(self, X: Any, y: Any) -> "FormulaRegressor":  # noqa: N803 - scikit-learn's name
            """Return self, with the formula of y, float64[rows], from X, float64[rows, columns]."""
            X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=10)  # noqa: N806
            names = list(getattr(self, "feature_names_in_", [f"x{place}" for place in range(X.shape[1])]))
            target = "y"
            while target in names:
                target += "_"
            table = dict(zip(names, np.asarray(X, float).T, strict=True)) | {target: np.asarray(y, float)}
            self.report_: FormulaReport = discover_formula(
                table,
                target=target,
                inputs=names,
                time_s=self.time_s,
                noise=self.noise,
                operators=self.operators,
                seed=self.seed,
                threads=self.threads,
            )
            self.formula_ = self.report_.formula
            return self

        def predict(self, X: Any) -> Any:  # noqa: N803
            """Return the formula's values, float64[rows]."""
            check_is_fitted(self, "report_")
            X = validate_data(self, X, reset=False)  # noqa: N806
            places = {name: place for place, name in enumerate(self._list_names(X.shape[1]))}
            columns = {name: X[:, places[name]] for name in self.report_.inputs}
            found = self.report_.predict(columns)
            return np.broadcast_to(found, (len(X),)).copy() if len(found) != len(X) else found

        def _list_names(self, width: int) -> list[str]:
            return list(getattr(self, "feature_names_in_", [f"x{place}" for place in range(width)]))

    return FormulaRegressor


def __getattr__(name: str) -> Any:
    """Return the class, made on first use. Raises AttributeError, MissingExtra."""
    if name != "FormulaRegressor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = _make_class()
    found.__module__, found.__qualname__ = __name__, name  # so that it can be pickled
    return found
