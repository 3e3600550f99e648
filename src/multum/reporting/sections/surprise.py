"""Text coloured by surprise: what each program found hard in it, byte by byte, and how its rate went on the way."""

import re
from itertools import accumulate
from typing import Any

from multum.reporting.accounts import Account, stack_accounts, tabulate_accounts
from multum.reporting.charts import hover, layer, picked, quantity, series, trace
from multum.reporting.content import Cell, Figure, Material, Panel, Reading, Section, Table

KINDS = ()
# Of the text so many bytes are shown, its last ones: by then a program that learns has learnt something.
SHOWN_BYTES = 5000
_PLACES = 160
# Words in the table, and how much of one is shown.
_WORDS, _LONGEST_WORD = 10, 40
_WORD = re.compile(rb"\S+")


def show(material: Material) -> Section | None:
    """Return the end of a text in the colours of each program's surprise, and rates along all of it."""
    readings = material.readings
    if not readings:
        return None
    first = readings[0]
    panels = tuple(Panel(one.program, "", _describe(one), _cut_cells(one)) for one in readings)
    lead = (
        f"{first.text}: {len(first.data):,} bytes were read, and the last {min(SHOWN_BYTES, len(first.data)):,} are"
        " shown. The stronger a character's colour, the more bits it took. Point at one, or go through them with the"
        " arrow keys."
    )
    return Section(
        "surprise",
        "Surprise",
        lead,
        (_draw_rates(readings), _draw_accounts(readings)),
        (_list_words(readings),),
        panels,
    )


def _rate(reading: Reading) -> float:
    return sum(reading.byte_bits) / len(reading.data)


def _describe(reading: Reading) -> str:
    """Return a program's rate, with the bytes that it has itself."""
    size = (
        f"and {reading.program_bytes:,} bytes of its own"
        if reading.program_bytes
        else "and no bytes of its own: it learns while it reads"
    )
    return f"{reading.program}: {_rate(reading):.3f} bits per byte, {size}."


def _cut_cells(reading: Reading) -> dict[str, Any]:
    """Return the characters that are shown, and the bits of each; those of several bytes add theirs up."""
    start = _find_start(reading.data)
    text = reading.data[start:].decode("utf-8", "surrogateescape")
    marks, bits, place = [], [], start
    for character in text:
        width = len(character.encode("utf-8", "surrogateescape"))
        bits.append(round(sum(reading.byte_bits[place : place + width]), 2))
        marks.append(_show_character(character))
        place += width
    return {"characters": marks, "bits": bits, "start": start}


def _find_start(data: bytes) -> int:
    """Return where what is shown begins: not within a character, of which at most three bytes go on one before."""
    start = max(0, len(data) - SHOWN_BYTES)
    inside = re.match(rb"[\x80-\xbf]{0,3}", data[start : start + 3])
    return start + (len(inside[0]) if inside and start else 0)


def _show_character(character: str) -> str:
    """Return a character as it is, or what stands for one that cannot be seen."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 and character not in "\n\t":
        return chr(0x2400 + code)
    return character if character.isprintable() or character in "\n\t " else "\N{REPLACEMENT CHARACTER}"


def _draw_rates(readings: tuple[Reading, ...]) -> Figure:
    """Return the rate of all bytes so far, by how many they are."""
    rows, cells = [], []
    for reading in readings:
        sums = list(accumulate(reading.byte_bits))
        size = len(sums)
        places = sorted({max(1, size * number // _PLACES) for number in range(1, _PLACES + 1)})
        rows += [{"series": reading.program, "bytes": place, "rate": sums[place - 1] / place} for place in places]
        cells += [(reading.program, end, round(sums[end - 1] / end, 4)) for end in _list_milestones(size)]
    told = f"Bits per byte of all bytes so far, {len(readings)} programs: " + "; ".join(
        f"{one.program} ends at {_rate(one):.3f}" for one in readings
    )
    lines = trace(
        rows,
        hover(("series", "program", None), ("bytes", "bytes read", ",.0f"), ("rate", "bits per byte", ".4f")),
        x=quantity("bytes", "bytes read"),
        y=quantity("rate", "bits per byte so far", zero=True, form=".1f"),
        color=series(),
        opacity=picked(),
    )
    table = Table(("program", "bytes read", "bits per byte so far"), tuple(cells))
    return Figure("rates", "Rate against bytes", f"{told}.", layer(*lines, pickable=True), table)


def _list_milestones(size: int) -> list[int]:
    """Return places for a table: doubling, and the end."""
    return [*(1 << power for power in range(8, size.bit_length()) if 1 << power < size), size]


def _draw_accounts(readings: tuple[Reading, ...]) -> Figure:
    """Return program and code of each on this text, the least total first."""
    accounts = [Account(one.program, one.program_bytes, sum(one.byte_bits) / 8, 0, measured=False) for one in readings]
    accounts.sort(key=lambda one: one.total)
    told = f"Bytes of {len(accounts)} programs and of the text's code under each; {accounts[0].name} takes least."
    title = "Program and code on this text"
    return Figure("text-accounts", title, told, stack_accounts(accounts), tabulate_accounts(accounts))


def _list_words(readings: tuple[Reading, ...]) -> Table:
    """Return the words that took the first program most bits each time, with what they took the others."""
    bits = [_sum_words(reading) for reading in readings]
    most = sorted(bits[0], key=lambda word: bits[0][word][1] / bits[0][word][0], reverse=True)[:_WORDS]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (word, bits[0][word][0], *(round(one[word][1] / one[word][0], 1) for one in bits)) for word in most
    )
    head = ("word", "times", *(f"bits under {reading.program}" for reading in readings))
    return Table(head, rows, f"What surprised {readings[0].program} most, each time")


def _sum_words(reading: Reading) -> dict[str, tuple[int, float]]:
    """Return how often each word of a text is there, and the bits that all of these took."""
    sums = [0.0, *accumulate(reading.byte_bits)]
    words: dict[str, tuple[int, float]] = {}
    for match in _WORD.finditer(reading.data):
        word = "".join(map(_show_character, match[0].decode("utf-8", "surrogateescape")))[:_LONGEST_WORD]
        count, bits = words.get(word, (0, 0.0))
        words[word] = (count + 1, bits + sums[match.end()] - sums[match.start()])
    return words
