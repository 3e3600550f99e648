"""A search on disk, so that it can be stopped at any time and taken up again."""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from multum.archive.recipes import KeptRecipe
from multum.archive.targets import whole_file
from multum.errors import FormatError, UsageError
from multum.finding.candidates import Account
from multum.finding.search import SearchState, Trial
from multum.mixing import Recipe

FORMAT = "multum find 1"


@dataclass
class Saved:
    """A search and what was measured besides. digest: SHA-256 of the data. time_s: spent before."""

    digest: str
    seed: int
    search: SearchState = field(default_factory=SearchState)
    accounts: dict[str, Account] = field(default_factory=dict)
    winner: str | None = None
    time_s: float = 0


def state_path(target: str) -> str:
    """Return where the search for `target` is kept meanwhile."""
    return target + ".find"


def save_state(target: str, saved: Saved) -> None:
    """Write the search beside `target`, whole or not at all."""
    state = saved.search
    fields = {
        "format": FORMAT,
        "digest": saved.digest,
        "seed": saved.seed,
        "time_s": saved.time_s,
        "step": state.step,
        "trials": state.trials,
        "sample_bytes": state.sample_bytes,
        "row_bytes": state.row_bytes,
        "attempts": state.attempts,
        "successes": state.successes,
        "seen": sorted(state.seen),
        "pending": None if state.pending is None else _to_plain(state.pending),
        "elites": [{"name": t.name, "total_bits": t.total_bits, **_to_plain(t.kept)} for t in state.elites],
        "accounts": [asdict(account) for account in saved.accounts.values()],
        "winner": saved.winner,
    }
    with whole_file(state_path(target), True, None) as file:
        file.write(json.dumps(fields, indent=1).encode() + b"\n")


def load_state(target: str, digest: str) -> Saved:
    """Return the search for `target`. Raises UsageError when there is none or it was for other data, FormatError."""
    path = state_path(target)
    if not os.path.exists(path):
        raise UsageError(f"there is no search to resume: '{path}' does not exist; start one without --resume")
    try:
        with open(path, "rb") as file:
            saved = _from_plain(json.loads(file.read()))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"'{path}' is no state of a search: {error}; remove it and start anew") from error
    if saved.digest != digest:
        raise UsageError(f"'{path}' is of a search on other data; remove it, or name another target with -o")
    return saved


def remove_state(target: str) -> None:
    """Remove the search's file, which may be missing."""
    if os.path.exists(state_path(target)):
        os.unlink(state_path(target))


def _to_plain(kept: KeptRecipe) -> dict[str, str]:
    return {"transforms": kept.transforms.hex(), "recipe": kept.recipe.to_bytes().hex()}


def _kept(fields: dict[str, Any]) -> KeptRecipe:
    return KeptRecipe(bytes.fromhex(fields["transforms"]), Recipe.from_bytes(bytes.fromhex(fields["recipe"])))


def _from_plain(fields: dict[str, Any]) -> Saved:
    if fields["format"] != FORMAT:
        raise FormatError(f"its format is not '{FORMAT}'")
    state = SearchState(
        step=fields["step"],
        trials=fields["trials"],
        sample_bytes=fields["sample_bytes"],
        row_bytes=fields["row_bytes"],
        elites=[Trial(one["name"], _kept(one), one["total_bits"]) for one in fields["elites"]],
        attempts=fields["attempts"],
        successes=fields["successes"],
        seen=set(fields["seen"]),
        pending=None if fields["pending"] is None else _kept(fields["pending"]),
    )
    accounts = [Account(**one) for one in fields["accounts"]]
    named = {account.name: account for account in accounts}
    return Saved(fields["digest"], fields["seed"], state, named, fields["winner"], fields["time_s"])
