"""Classification by code length, and features of programs, as scikit-learn estimators over texts.

scikit-learn is asked for when an estimator is made, not when this module is loaded.
"""

from typing import Any

import numpy as np

from multum.archive.limits import count_threads
from multum.errors import MissingExtra, UsageError
from multum.similarity.extraction import measure_items
from multum.similarity.programs import ClassPrograms, calibrate

# Parts of the texts that are told by programs which have read the others.
_FOLDS = 5


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


def _make_classes() -> dict[str, type]:
    """Return the estimators' classes by name. Raises MissingExtra."""
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
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

    class ProgramFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
        """What a program makes of texts as numbers, see `multum.features`; or the bits under a program of each class.

        program: a directory, archive, hub model or level; None for programs of the classes that `fit` is given. kind:
        mean, last, max or bits. layer: of hidden states. threads: 0 for all cores; never changes the numbers.
        The bits of texts that class programs have read themselves say nothing of other texts: `fit_transform` has each
        text told by programs that have read four fifths of the others.
        After fit: classes_, for class programs.
        """

        def __init__(self, program: "str | None" = None, kind: str = "mean", layer: int = -1, threads: int = 0) -> None:
            self.program = program
            self.kind = kind
            self.layer = layer
            self.threads = threads

        def fit(self, X: Any, y: Any = None) -> "ProgramFeatures":  # noqa: N803
            """Return self; class programs have read the texts X, str or bytes, with labels y."""
            texts = _encode(X)
            if self.program is None:
                self._programs = ClassPrograms(texts, self._number(texts, y), None, count_threads(self.threads))
            self.fitted_ = True
            return self

        def fit_transform(self, X: Any, y: Any = None) -> Any:  # noqa: N803
            """Return the numbers of X; bits under class programs are of programs that have not read the text."""
            self.fit(X, y)
            return self.transform(X) if self.program is not None else self._tell_held_out(_encode(X), y)

        def transform(self, X: Any) -> Any:  # noqa: N803
            """Return float32[texts, columns]."""
            check_is_fitted(self, "fitted_")
            if self.program is None:
                return self._programs.count_bits(_encode(X)).astype(np.float32)
            return measure_items(self.program, _encode(X), [self.kind], self.layer, self.threads)[0]

        def _number(self, texts: Any, y: Any) -> Any:
            """Return labels as positions in classes_. Raises UsageError for none, or too few of a class."""
            if y is None:
                raise UsageError("class programs need labels; give y, or name a program")
            y = column_or_1d(y, warn=True)
            check_consistent_length(texts, y)
            self.classes_, labels = np.unique(y, return_inverse=True)
            if np.bincount(labels).min() < 2 or len(self.classes_) < 2:
                raise UsageError("class programs need two classes with two texts each; give more")
            return labels

        def _tell_held_out(self, texts: Any, y: Any) -> Any:
            labels, threads = self._number(texts, y), count_threads(self.threads)
            place = np.empty(len(texts), np.int64)  # of a text among those of its class
            for c in range(len(self.classes_)):
                place[labels == c] = np.arange((labels == c).sum())
            bits = np.empty((len(texts), len(self.classes_)), np.float32)
            for fold in range(_FOLDS):
                kept, told = np.flatnonzero(place % _FOLDS != fold), np.flatnonzero(place % _FOLDS == fold)
                if len(told):
                    programs = ClassPrograms([texts[row] for row in kept], labels[kept], None, threads)
                    bits[told] = programs.count_bits([texts[row] for row in told])
            return bits

        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array, tags.input_tags.string = False, True
            return tags

    return {"CodeLengthClassifier": CodeLengthClassifier, "ProgramFeatures": ProgramFeatures}


def __getattr__(name: str) -> Any:
    """Return a class, made on first use. Raises AttributeError, MissingExtra."""
    if name not in ("CodeLengthClassifier", "ProgramFeatures"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for known, made in _make_classes().items():
        made.__module__, made.__qualname__ = __name__, known  # so that it can be pickled
        globals()[known] = made
    return globals()[name]
