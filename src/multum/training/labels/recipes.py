"""How each kind of classifier is trained unless asked otherwise."""

from dataclasses import dataclass

from multum.neural.classifiers import Classifier
from multum.neural.features import ImageReader


@dataclass(frozen=True)
class Recipe:
    """Defaults. epochs: passes over the examples when no budget is given; others as in Settings and fit_labels."""

    batch: int
    learning_rate: float
    weight_decay: float
    epochs: float
    warmup: float
    decay: float
    token_dropout: float = 0.0
    label_smoothing: float = 0.0


# A trained encoder is only bent to the task.
ENCODER = Recipe(batch=32, learning_rate=1e-4, weight_decay=0.01, epochs=3, warmup=0.1, decay=0.9)
# Few texts and many weights: hide tokens and doubt labels, and stop early.
BYTES = Recipe(
    batch=32,
    learning_rate=5e-4,
    weight_decay=0.05,
    epochs=6,
    warmup=0.1,
    decay=0.9,
    token_dropout=0.6,
    label_smoothing=0.1,
)
IMAGES = Recipe(batch=128, learning_rate=3e-3, weight_decay=0.05, epochs=10, warmup=0.05, decay=0.8)


def choose_recipe(classifier: Classifier, is_trained: bool) -> Recipe:
    """Return the defaults for `classifier`; is_trained: whether it starts from trained weights."""
    if isinstance(classifier.reader, ImageReader):
        return IMAGES
    return ENCODER if is_trained else BYTES
