"""Archives as programs: a trained one that is carried inside, or the recipe that coded the data."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from multum.archive.packing import pack
from multum.archive.programs import HeldProgram, open_record
from multum.archive.walking import Walker
from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.evaluation.online import RecipeProgram, Sink, open_recipe
from multum.neural.exact import ExactProgram
from multum.neural.vocabulary import Vocabulary, byte_vocabulary

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class CarriedProgram:
    """A trained program inside an archive, which codes further data as `pack` does with it.

    level: of the archive. size_bits: what carrying it costs.
    """

    name: str
    held: HeldProgram
    level: int
    size_bits: int

    @property
    def exact(self) -> ExactProgram:
        """The program alone, without the mixing network."""
        pieces = self.held.pieces
        vocabulary = byte_vocabulary(self.name) if pieces is None else Vocabulary(self.name, list(pieces))
        return ExactProgram(self.held.network, vocabulary, can_split=pieces is None)

    def measure_code(self, data: bytes, *, per_byte: bool = False, progress: Progress | None = None) -> CodeLength:
        """Return the length of the payload of an archive of `data` with this program, which is made and dropped.

        What bytes took is under the program alone. Raises UsageError, LimitExceeded.
        """
        spread = self.exact.measure_code(data, per_byte=True).byte_bits if per_byte else None
        target = io.BufferedWriter(Sink())
        source = io.BytesIO(data)
        report = pack(source, target, self.level, metadata=False, program=self.held, reference=True, progress=progress)
        return CodeLength(8 * report.coded_bytes, len(data), spread)

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` after `prompt` under the program alone. Raises UsageError."""
        return self.exact.condense(data, prompt)

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what `code` decodes to after `prompt` under the program alone. Raises UsageError."""
        return self.exact.expand(code, size_bytes, prompt)

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield new bytes that random bits decode to after `prompt`. Raises UsageError for a temperature or top_p."""
        if temperature != 1 or top_p != 1:
            raise UsageError(
                f"'{self.name}' is exact: it draws as it predicts, with temperature 1 and top-p 1; for others give the"
                " directory or file that it was made of"
            )
        code = np.random.default_rng(seed).bytes(2 * size_bytes + 16)
        yield self.exact.expand(code, size_bytes, prompt)


def open_archived(path: str) -> CarriedProgram | RecipeProgram:
    """Return the program of the archive at `path`: the trained one that it carries, else its recipe.

    Raises UsageError when it has neither, FormatError, OSError.
    """
    with open(path, "rb") as stream:
        walker = Walker(stream)
        record = walker.read_record()
        if record is None:
            return open_recipe(path)
        if record.sections is None:
            raise UsageError(f"'{path}' names program '{record.name}' and does not carry it; give the program itself")
        held = replace(open_record(record, None), name=path)
        return CarriedProgram(path, held, walker.header.level, 8 * walker.program_bytes)
