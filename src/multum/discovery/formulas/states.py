"""A search on disk, so that it can be stopped at any time and taken up again."""

import json
import os
from typing import Any

from multum.archive.targets import whole_file
from multum.discovery.formulas.frontier import Frontier
from multum.discovery.formulas.numbers import Constant
from multum.discovery.formulas.operators import CONSTANT, FIRST_VARIABLE, OPERATORS
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program
from multum.discovery.formulas.refining import account
from multum.discovery.formulas.running import Outcome
from multum.errors import FormatError, UsageError

FORMAT = "multum discover formula 1"


def state_path(target: str) -> str:
    """Return where the search for `target` is kept meanwhile."""
    return target + ".discover"


def save_state(target: str, digest: str, outcome: Outcome) -> None:
    """Write the search beside `target`, whole or not at all."""
    fields = {
        "format": FORMAT,
        "digest": digest,
        "done": outcome.done,
        "tried": outcome.frontier.tried,
        "programs": [write_program(entry.program) for entry in outcome.frontier],
    }
    with whole_file(state_path(target), True, None) as file:
        file.write(json.dumps(fields, indent=1).encode() + b"\n")


def load_state(target: str, digest: str, problem: Problem) -> Outcome:
    """Return the search for `target`. Raises UsageError when there is none or it was for other data, FormatError."""
    path = state_path(target)
    if not os.path.exists(path):
        raise UsageError(f"there is no search to resume: '{path}' does not exist; start one without --resume")
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read())
        if fields["format"] != FORMAT:
            raise FormatError(f"its format is not '{FORMAT}'")
        found, programs = str(fields["digest"]), [read_program(one, len(problem.columns)) for one in fields["programs"]]
        done, tried = list(map(str, fields["done"])), int(fields["tried"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"'{path}' is no state of a search: {error}; remove it and start anew") from error
    if found != digest:
        raise UsageError(f"'{path}' is of a search on other data or with other options; remove it, or name another -o")
    frontier = Frontier()
    for program in programs:
        frontier.offer(account(problem, program))
    frontier.tried = tried
    return Outcome(frontier, done=done)


def remove_state(target: str) -> None:
    """Remove the search's file, which may be missing."""
    if os.path.exists(state_path(target)):
        os.unlink(state_path(target))


def write_program(program: Program) -> dict[str, Any]:
    """Return plain values."""
    return {"codes": list(program.codes), "constants": [vars(one) for one in program.constants]}


def read_program(fields: dict[str, Any], variables: int) -> Program:
    """Return the program of plain values. Raises FormatError unless it leaves one value, KeyError, TypeError."""
    codes = tuple(int(code) for code in fields["codes"])
    constants = tuple(_read_constant(one) for one in fields["constants"])
    height = 0
    for code in codes:
        if not 0 <= code < FIRST_VARIABLE + variables:
            raise FormatError(f"there is no instruction {code}")
        arity = OPERATORS[code].arity if code < CONSTANT else 0
        if height < arity:
            raise FormatError("a program takes more values than it has")
        height += 1 - arity
    if height != 1 or codes.count(CONSTANT) != len(constants):
        raise FormatError("a program does not leave one value")
    return Program(codes, constants)


def _read_constant(fields: dict[str, Any]) -> Constant:
    fraction = fields["fraction"]
    return Constant(
        float(fields["value"]),
        None if fraction is None else (int(fraction[0]), int(fraction[1])),
        int(fields["pi_power"]),
        int(fields["radicand"]),
        int(fields["e_power"]),
        int(fields["digit_bits"]),
    )
