"""Small networks run alone here; what proposes recipes is an extra."""

import pytest

from tests.small_networks import alone

__all__ = ["alone"]

pytest.importorskip("optuna", reason="the extra multum[auto] is not installed")
