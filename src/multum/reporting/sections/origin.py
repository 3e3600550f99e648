"""Where all this is from: what was given, the commands that make it again, the machine, and versions."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator

from multum.reporting.content import Material, Section, Table

KINDS = ()
_PACKAGES = ("multum", "numpy", "numba", "torch", "transformers")


def show(material: Material) -> Section | None:
    """Return the sources, commands, machine and versions."""
    rows = tuple((one.place, one.kind) for one in material.documents)
    made_by = tuple(dict.fromkeys(_list_commands(material)))
    tables = (
        Table(("source", "what it is"), rows, "What was given"),
        Table(("machine", "on which this page was made"), tuple(_describe_machine()), "Machine and versions"),
        *_tabulate_versions(material),
    )
    lead = "What was given, and where the page was made."
    if made_by:
        lead = "The commands below make it again, in the folders where they were given."
    return Section("origin", "How this was made", lead, tables=tables, commands=made_by, notes=material.notes)


def _list_commands(material: Material) -> Iterator[str]:
    """Yield the commands that runs recorded, and that of the page."""
    for document in material.documents:
        command = document.fields.get("command")
        if isinstance(command, str):
            yield command
    if material.command:
        yield material.command


def _describe_machine() -> Iterator[tuple[str, str]]:
    """Yield what this machine is, and the versions of what computes on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield "processor", f"{_name_processor()}, {os.cpu_count()} cores"
    yield "memory", f"{memory:.0f} GiB"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "Python", platform.python_version()
    for package in _PACKAGES:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue


def _name_processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # only Linux has it
    return platform.processor() or platform.machine()


def _tabulate_versions(material: Material) -> Iterator[Table]:
    """Yield what the runs say of where they were made."""
    rows = [
        (document.name, ", ".join(f"{name} {version}" for name, version in versions.items()))
        for document in material.take("fit")
        if isinstance(versions := document.fields.get("versions"), dict)
    ]
    if rows:
        yield Table(("fit", "made with"), tuple(rows), "Versions of the fits")
