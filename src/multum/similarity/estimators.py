"""Classification by code length as a scikit-learn estimator, over texts.

scikit-learn is asked for when an estimator is made, not when this module is loaded.
"""

from typing import Any

import numpy as np

from multum.archive.limits import count_threads
from multum.errors import MissingExtra, UsageError
from multum.similarity.programs import ClassPrograms, calibrate


def _encode(texts: Any) -> list[bytes]:
    """Return texts as bytes. Raises UsageError for what is no sequence of str or bytes."""
    if isinstance(texts, str | bytes):
        raise UsageError("one text was given; give a list of texts")
    found = []
    for place, text in enumerate(np.asarray(texts, object).ravel() if isinstance(texts, np.ndarray) else texts):
        if not isinstance(text, str | bytes):
            raise UsageError(f"input {place} is {type(text).__name__}; texts are str or bytes")
        found.append(text.encode() if isinstance(text, str) else bytes(text))
    return found


def _make_class() -> type:
    """Return the estimator's class. Raises MissingExtra."""
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
    except ImportError as error:
        raise MissingExtra("estimators need scikit-learn; pip install 'multum[discover]'") from error

    class CodeLengthClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """A program a class; a text is of the class whose program needs the fewest bits for it, but for the prior.

        level: 1 to 9, None for lean networks. threads: 0 for all cores; never changes what is found.
        After fit: classes_; calibration_, how bits become probabilities.
        """

        def __init__(self, level: "int | None" = None, threads: int = 0) -> None:
            self.level = level
            self.threads = threads

        def fit(self, X: Any, y: Any) -> "CodeLengthClassifier":  # noqa: N803 - scikit-learn's name
            """Return self, having read the texts X, str or bytes, with labels y."""
            texts = _encode(X)
            y = column_or_1d(y, warn=True)
            check_consistent_length(texts, y)
            check_classification_targets(y)
            self.classes_, labels = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise UsageError(f"every text has the label {self.classes_[0]!r}; give two classes")
            threads = count_threads(self.threads)
            self.calibration_ = calibrate(texts, labels, self.level, threads)
            self._programs = ClassPrograms(texts, labels, self.level, threads)
            return self

        def code_bits(self, X: Any) -> Any:  # noqa: N803
            """Return float64[texts, classes]: the bits of each text under the program of each class."""
            check_is_fitted(self, "classes_")
            return self._programs.count_bits(_encode(X))

        def predict_log_proba(self, X: Any) -> Any:  # noqa: N803
            """Return float64[texts, classes], natural."""
            return self.calibration_.log_probabilities(self.code_bits(X))

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            """Return float64[texts, classes]."""
            return np.exp(self.predict_log_proba(X))

        def predict(self, X: Any) -> Any:  # noqa: N803
            """Return the likeliest class of each text."""
            return self.classes_[self.predict_log_proba(X).argmax(axis=1)]

        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array, tags.input_tags.string = False, True
            return tags

    return CodeLengthClassifier


def __getattr__(name: str) -> Any:
    """Return the class, made on first use. Raises AttributeError, MissingExtra."""
    if name != "CodeLengthClassifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = _make_class()
    found.__module__, found.__qualname__ = __name__, name  # so that it can be pickled
    return found
