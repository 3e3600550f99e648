"""What a result must say about where and from what it came: machine, software, commit."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from bench.corpus import ROOT


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory and system: rows are comparable only where these agree."""
    return {
        "processor": _read_field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numba": importlib.metadata.version("numba"),
        "numpy": importlib.metadata.version("numpy"),
    }


def describe_commit() -> str:
    """Return the short hash of the commit, with "+" when the sources differ from it; "unknown" outside git."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        return "unknown"
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--", "src"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() + ("+" if changed.stdout.strip() else "")


def tell_date() -> str:
    """Return today's date, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _read_field(path: str, key: str) -> str:
    if not Path(path).is_file():
        return ""
    lines = Path(path).read_text("utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
