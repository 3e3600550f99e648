"""Small networks run alone here, and texts whose label one word tells."""

from pathlib import Path

import numpy as np
import pytest

from tests.reviews import write_reviews
from tests.small_networks import alone

__all__ = ["alone"]


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with train.csv, test.csv and other.csv."""
    folder = tmp_path_factory.mktemp("tables")
    for seed, (name, count) in enumerate({"train": 120, "test": 40, "other": 30}.items()):
        write_reviews(folder / f"{name}.csv", count, seed)
    return folder


@pytest.fixture(scope="session")
def network(tables: Path) -> Path:
    """Return a classifier of texts that nobody trained."""
    from multum.data.labelled import read_labelled
    from multum.neural.small_classifiers import make_text_classifier

    known = read_labelled(tables / "train.csv")
    assert not isinstance(known.inputs, np.ndarray)
    classifier = make_text_classifier(known.inputs, known.classes, 64)
    (tables / "network").mkdir()
    classifier.save(classifier.module, tables / "network")
    return tables / "network"
