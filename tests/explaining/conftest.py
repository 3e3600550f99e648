"""The tables and the network that programs are judged on, and small images."""

from pathlib import Path

import numpy as np
import pytest

from tests.judging.conftest import alone, network, tables

__all__ = ["alone", "network", "tables"]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images.npz and a classifier of them that nobody trained."""
    from multum.data.labelled import read_labelled
    from multum.neural.small_classifiers import make_image_classifier

    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    np.savez(folder / "images.npz", x=generator.integers(0, 255, (6, 12, 12)).astype(np.uint8), y=np.arange(6) % 3)
    data = read_labelled(folder / "images.npz")
    assert isinstance(data.inputs, np.ndarray)
    classifier = make_image_classifier(data.inputs, data.classes)
    (folder / "network").mkdir()
    classifier.save(classifier.module, folder / "network")
    return folder
