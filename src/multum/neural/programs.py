"""A trained network as a program: it has a size, gives data a code length, and makes new data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from multum.bits.lengths import CodeLength
from multum.neural.exact import ExactProgram
from multum.neural.generation import Settings, draw_tokens
from multum.neural.loading import Loaded, load
from multum.neural.sources import Source
from multum.neural.windows import check_windows, measure_bits

# Tokens are turned into bytes this many at a time; a piece is what a reader sees at once.
_PIECE_TOKENS = 16


@dataclass(frozen=True)
class NeuralProgram:
    """A causal network and how it is read; made by `open_neural`.

    window, overlap: tokens, see neural.windows. batch: windows of one step, None for as
    many as fit.
    """

    source: Source
    loaded: Loaded
    window: int
    overlap: int
    batch: int | None = None

    @property
    def name(self) -> str:
        """How the program was asked for."""
        return self.source.name

    @property
    def size_bits(self) -> int:
        """Bits of the weight files."""
        return 8 * self.source.size_bytes

    def measure_code(
        self, data: bytes, *, per_byte: bool = False, progress: Callable[[int, int | None], None] | None = None
    ) -> CodeLength:
        """Return the code length of `data`, estimated from the program's probabilities in float32.

        An arithmetic coder comes within 0.01 % and a byte of it. progress: called with
        (bytes done, bytes in all). Raises UsageError for data that the vocabulary cannot hold.
        """
        tokens = self.loaded.vocabulary.encode(data)
        told = None
        if progress is not None:
            ends, tell = tokens.lengths.cumsum(), progress

            def told(done: int) -> None:
                tell(int(ends[done - 1]), len(data))

        bits = measure_bits(self.loaded, tokens.ids, self.window, self.overlap, self.batch, told)
        spread = tokens.spread(bits) if per_byte else None
        return CodeLength(float(bits.sum()), len(tokens.ids), spread, tokens.stray_bytes)

    @cached_property
    def exact(self) -> ExactProgram:
        """The same program in integers: its codes decode everywhere. Raises FormatError for a family without them."""
        from multum.neural.integers import make_integers

        return ExactProgram(make_integers(self.loaded, window=self.window), self.loaded.vocabulary)

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` after `prompt` under the program in integers."""
        return self.exact.condense(data, prompt)

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what `code` decodes to after `prompt` under the program in integers."""
        return self.exact.expand(code, size_bytes, prompt)

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield pieces of `size_bytes` new bytes that go on after `prompt`.

        It ends before when the program says that its text is at an end.
        """
        vocabulary = self.loaded.vocabulary
        ids = vocabulary.encode(prompt).ids.tolist()
        left, waiting = size_bytes, b""
        settings = Settings(temperature, top_p)
        if left == 0:
            return
        for count, token in enumerate(draw_tokens(self.loaded, ids, self.window, settings, seed), 1):
            waiting = (waiting + vocabulary.pieces[token])[:left]
            if len(waiting) == left:
                break
            if count % _PIECE_TOKENS == 0:
                yield waiting
                left, waiting = left - len(waiting), b""
        yield waiting


def open_neural(
    source: Source,
    device: str = "auto",
    window: int | None = None,
    overlap: int | None = None,
    batch: int | None = None,
) -> NeuralProgram:
    """Return the program of `source`, loaded. Raises FormatError, UsageError, MissingExtra; see `load`."""
    loaded = load(source, device)
    return NeuralProgram(source, loaded, *check_windows(window, overlap, loaded.longest), batch)
