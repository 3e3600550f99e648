"""What an import and a base install cost and need."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# Refuses every top-level module that is neither in the standard library nor in argv[1], then packs and unpacks.
ROUND_TRIP_WITHOUT_EXTRAS = """
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

allowed = set(sys.argv[1].split(",")) | set(sys.stdlib_module_names)

class OnlyBase(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, OnlyBase())
import multum

folder = Path(sys.argv[2])
(folder / "plain").write_bytes(b"much in little " * 50)
for level in (1, 5, 9):
    multum.pack(folder / "plain", folder / f"{level}.mtm", level=level)
    multum.unpack(folder / f"{level}.mtm", folder / f"{level}.back")
    assert (folder / f"{level}.back").read_bytes() == (folder / "plain").read_bytes()
foreign = {name.partition(".")[0] for name in sys.modules} - allowed - {"__main__"}
print(",".join(sorted(name for name in foreign if not name.startswith("_"))))
"""


def run_python(code: str, *arguments: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("heavy", ["torch", "matplotlib", "numba", "numpy", "rich", "click"])
def test_import_multum_does_not_load(heavy: str) -> None:
    assert run_python(f"import multum, sys; print({heavy!r} in sys.modules)") == "False"


def test_asking_for_the_public_names_does_not_load_torch() -> None:
    code = "import multum, sys; [getattr(multum, n) for n in multum.__all__]; print('torch' in sys.modules)"
    assert run_python(code) == "False"


def test_base_install_packs_and_unpacks(tmp_path: Path) -> None:
    """A subprocess sees only the standard library and what the base dependencies bring."""
    base = list_base_modules("multum")
    assert {"multum", "numpy", "numba"} <= base
    assert not base & {"torch", "pytest", "zstandard", "brotli"}
    foreign = run_python(ROUND_TRIP_WITHOUT_EXTRAS, ",".join(sorted(base)), str(tmp_path))
    # An editable install leaves its own import hook behind, and NumPy's Cython parts a module
    # that no import asked for; neither is a dependency.
    strangers = [name for name in foreign.split(",") if name not in ("", "cython_runtime")]
    assert [name for name in strangers if "editable" not in name] == []


def list_base_modules(distribution: str) -> set[str]:
    """Return the top-level modules of `distribution` and of all it requires without extras."""
    wanted, seen = [distribution], set()
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name not in seen:
            seen.add(name)
            wanted += [r.name for r in map(Requirement, importlib.metadata.requires(name) or []) if _is_needed(r)]
    owners = importlib.metadata.packages_distributions()
    owned = {top for top, names in owners.items() if seen & {n.lower().replace("_", "-") for n in names}}
    return owned | {"multum"}


def _is_needed(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
