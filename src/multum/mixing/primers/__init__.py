"""Texts that a network reads before the data, so that small files do not start cold.

They were written for Multum. Archives depend on their bytes: a primer is never
edited, only added to the end of the list, and its digest is checked when it is read.
"""

import hashlib
from functools import cache
from importlib.resources import files

from multum.errors import MultumError

ENGLISH, MARKUP, CODE, CHINESE = range(4)
# (file name, SHA-256)
PRIMERS = (
    ("english.txt", "2ef11cbe1444cfa4a10136e0fb5c0787e0aab2a4cb564bbfb76216382cd36b20"),
    ("markup.txt", "f8792996bf11e8c720e90090ad0ba3d30a33bc28153748a146c0cb2d8b02b3ee"),
    ("code.txt", "ae4850b81c95607585c4dc134896d994e31675e3a0ea6de3473592e72612584e"),
    ("chinese.txt", "1462e6d3ef597b0bdf6d9c9656e1cdb682765fb71a4e38b8c948518c138e3855"),
)


@cache
def read_primer(number: int) -> bytes:
    """Return the bytes of primer `number`. Raises MultumError when the installed file is not the frozen one."""
    name, digest = PRIMERS[number]
    data = files(__package__).joinpath(name).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise MultumError(f"the installed primer {name} is damaged: its SHA-256 is not {digest}; reinstall multum")
    return data
