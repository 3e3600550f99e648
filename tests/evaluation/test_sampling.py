"""`sample` checks what it is asked for, and gives bytes of any program."""

from pathlib import Path
from typing import Any

import pytest

import multum
from multum.errors import UsageError
from multum.evaluation.sampling import choose_seed
from tests.neural.samples import save_byte_llama, save_text_llama


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"size_bytes": -1}, "a sample of -1 bytes is not allowed; allowed is 0 to"),
        ({"temperature": -0.1}, "temperature -0.1 is not allowed; allowed is 0"),
        ({"temperature": float("nan")}, "temperature nan is not allowed"),
        ({"temperature": float("inf")}, "temperature inf is not allowed"),
        ({"top_p": 0}, "top-p 0 is not allowed; allowed is more than 0, up to 1"),
        ({"top_p": 1.5}, "top-p 1.5 is not allowed"),
        ({"seed": -1}, "seed -1 is not allowed; allowed is 0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multum.sample("level:1", **asked)


@pytest.mark.parametrize("save", [save_byte_llama, save_text_llama])
def test_a_trained_program_gives_as_many_bytes_as_asked(tmp_path: Path, save: Any) -> None:
    save(tmp_path)
    options: dict[str, Any] = {"temperature": 0.8, "top_p": 0.9, "seed": 7, "device": "cpu"}
    first = multum.sample(tmp_path, 50, b"the ", **options)
    assert len(first) == 50
    assert multum.sample(tmp_path, 50, b"the ", **options) == first
    assert multum.sample(tmp_path, 20, b"the ", **options) == first[:20]


def test_a_prompt_changes_what_comes(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    one, two = (multum.sample(tmp_path, 50, prompt, seed=1, device="cpu") for prompt in (b"a", b"b"))
    assert one != two


def test_seeds_are_new_each_time_unless_given() -> None:
    assert choose_seed(5) == 5
    assert len({choose_seed(None) for _ in range(5)}) > 1
