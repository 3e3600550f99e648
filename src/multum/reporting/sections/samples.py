"""Samples: what trained programs write when random bits are decoded with them."""

from multum.reporting.content import Drawn, Material, Panel, Section

KINDS = ()


def show(material: Material) -> Section | None:
    """Return a panel for each sample."""
    if not material.samples:
        return None
    lead = "A generator is a decompressor: random bits, decoded, are data as the program expects them."
    return Section("samples", "Samples", lead, panels=tuple(map(_make_panel, material.samples)))


def _make_panel(drawn: Drawn) -> Panel:
    text = drawn.data.decode("utf-8", "backslashreplace")
    return Panel(drawn.program, text, f"{drawn.program}: {len(drawn.data):,} bytes, seed {drawn.seed}.")
