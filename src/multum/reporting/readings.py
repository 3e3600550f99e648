"""What programs make of a text, and what they write themselves: the part of a report that is computed, not read."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from multum.archive.models import holds_model
from multum.data.streams import open_stream
from multum.errors import MissingExtra, UsageError
from multum.evaluation.programs import open_program
from multum.reporting.content import Drawn, Reading
from multum.reporting.documents import Document, read_number

# Of a text so much is read, unless it is said otherwise; a language model takes a minute for it.
TEXT_BYTES = 1 << 16
# Of a sample; and what makes it the same each time.
SAMPLE_BYTES = 400
SEED = 0
# Beside a trained program stands what learns while it codes, at its default level.
_RIVAL = "level:5"

Progress = Callable[[str, float], None]


def choose_programs(asked: Sequence[str], documents: Sequence[Document]) -> list[str]:
    """Return the programs that are asked for, or else the best fit of bytes among the documents, if there is one."""
    if asked:
        return list(dict.fromkeys(asked))
    fits = [one for one in documents if one.kind == "fit" and one.fields["task"] == "bytes" and _has_weights(one)]
    best = min(fits, key=lambda one: one.read(lambda fit: read_number(fit.fields["law"]["bpb"])), default=None)
    return [] if best is None else [str(best.path)]


def list_models(documents: Sequence[Document]) -> list[str]:
    """Return the archives among the documents that hold a model, which can read a text. Raises FormatError, OSError."""
    archives = [str(one.path) for one in documents if one.kind == "archive" and one.path is not None]
    return [path for path in archives if holds_model(path)]


def _has_weights(document: Document) -> bool:
    return document.path is not None and any(document.path.glob("model*.safetensors"))


def read_text(
    text: "str | os.PathLike[str]", programs: Sequence[str], text_bytes: int, progress: Progress | None = None
) -> list[Reading]:
    """Return what each program, and one that learns while it codes, makes of the first `text_bytes` of a text.

    Raises UsageError for an empty text, MissingExtra, FormatError, OSError.
    """
    if text_bytes < 1:
        raise UsageError(f"{text_bytes} bytes of a text cannot be shown; give 1 or more")
    stream = open_stream(os.fspath(text))
    data = stream.read(0, min(len(stream), text_bytes)).tobytes()
    if not data:
        raise UsageError(f"'{os.fspath(text)}' is empty; give a text with something to be surprised by")
    names = list(dict.fromkeys([*programs, _RIVAL]))
    readings = []
    for number, name in enumerate(names):
        if progress is not None:
            progress(f"reading with {name}", number / len(names))
        program = open_program(name)
        length = program.measure_code(data, per_byte=True)
        assert length.byte_bits is not None, "they were asked for"
        bits = length.byte_bits.tolist()
        readings.append(Reading(_shorten(name, names), Path(text).name, data, bits, -(-program.size_bits // 8)))
    return readings


def draw_samples(
    programs: Sequence[str], size_bytes: int, progress: Progress | None = None
) -> tuple[list[Drawn], list[str]]:
    """Return a sample of each trained program, and why there is none of others.

    A level knows nothing before it has read something, so that it has none. Raises UsageError, FormatError, OSError.
    """
    drawn, notes = [], []
    for number, name in enumerate(one for one in programs if not one.startswith("level:")):
        if progress is not None:
            progress(f"sampling from {name}", number / len(programs))
        try:
            pieces = open_program(name).sample(size_bytes, seed=SEED)
            drawn.append(Drawn(_shorten(name, programs), b"".join(pieces), SEED))
        except MissingExtra as missing:
            notes.append(f"no sample of {name}: {missing}")
    return drawn, notes


def _shorten(name: str, names: Sequence[str]) -> str:
    """Return how the page calls a program: a path by its last part, where no other of `names` ends so."""
    last = Path(name).name
    alone = sum(Path(one).name == last for one in names) == 1
    return last if alone and os.path.exists(name) else name
