"""What a search for a formula found, for people and machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.programs import Program
from multum.errors import UsageError


@dataclass(frozen=True)
class FrontierEntry:
    """A formula that no shorter one beats. error: root mean square of what it leaves."""

    formula: str
    program_bits: float
    residual_bits: float
    error: float


@dataclass(frozen=True)
class FormulaReport:
    """The shortest description found of a column.

    formula: as sympy reads it, in `symbols`, of which symbols[i] is the column inputs[i]. exact: every row agrees, the
    held-out ones too. proof: how that is known: "rational" arithmetic of what is written, or "digits", or "". program_
    bits, residual_bits, raw_bits: the formula, the column given it, the column alone. error, size: root mean square of
    what is left, and of the column. checked_rows, held_out_rows: that
    it was computed on, and of these the ones the search did not see. stage: of the search that found it.
    """

    target: str
    inputs: tuple[str, ...]
    symbols: tuple[str, ...]
    formula: str
    latex: str
    python: str
    exact: bool
    proof: str
    program_bits: float
    residual_bits: float
    raw_bits: float
    error: float
    size: float
    checked_rows: int
    held_out_rows: int
    frontier: tuple[FrontierEntry, ...]
    stage: str
    tried: int
    time_s: float
    notes: tuple[str, ...]
    program: Program

    @property
    def found(self) -> bool:
        """Whether the formula describes the column in fewer bits than the column takes alone."""
        return self.program_bits + self.residual_bits < self.raw_bits

    def predict(self, columns: Mapping[str, Any]) -> Array:
        """Return the formula's values, float64[rows]. columns: by name, those that it needs. Raises UsageError."""
        needed = [self.inputs[place] for place in sorted(self.program.variables)]
        missing = [name for name in needed if name not in columns]
        if missing:
            raise UsageError(f"the formula needs the columns {', '.join(needed)}; {', '.join(missing)} is missing")
        lengths = {len(np.atleast_1d(columns[name])) for name in needed}
        if len(lengths) > 1:
            raise UsageError(f"columns must be equally long; these have {sorted(lengths)} rows")
        rows = lengths.pop() if lengths else 1
        values = np.zeros((len(self.inputs), rows))
        for place, name in enumerate(self.inputs):
            if name in needed:
                values[place] = np.asarray(columns[name], float)
        return self.program.evaluate(values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        fields = {name: value for name, value in vars(self).items() if name not in ("program", "frontier")}
        return fields | {"frontier": [vars(one) for one in self.frontier]}

    def __str__(self) -> str:
        """Return a few lines for people."""
        if self.exact:
            held = f"{self.checked_rows:,} rows agree, {self.held_out_rows:,} of them held out"
        else:
            held = f"not exact: off by {self.error:.3g}, {self.error / self.size:.2%} of the column's size"
        lines = [f"{self.target} = {self.formula}", held]
        saved = self.raw_bits - self.program_bits - self.residual_bits
        lines.append(
            f"{self.raw_bits:,.0f} bits alone; formula {self.program_bits:,.0f}, what it leaves"
            f" {self.residual_bits:,.0f}; {max(saved, 0):,.0f} saved"
        )
        return "\n".join(lines)
