"""What only a process of its own can show: signals, pipes, terminals, starting up."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import multum

COMMAND = [sys.executable, "-m", "multum"]
OLD = b"what was there before"
PATIENCE_S = 60


def start(*words: str, **named: int) -> subprocess.Popen[bytes]:
    """Start the command with pipes for what is not named."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, *words], **(pipes | named))  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def packing(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start to pack a stream over an existing target; the stream stays open."""
    (tmp_path / "target").write_bytes(OLD)
    process = start("pack", "-1", "-f", "-o", str(tmp_path / "target"))
    assert process.stdin is not None
    process.stdin.write(b"the first of many bytes")
    process.stdin.flush()
    wait_for_temporary(tmp_path)
    yield process
    process.kill()
    process.communicate()


def wait_for_temporary(folder: Path) -> Path:
    """Return the temporary file once it is there."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        for path in folder.glob(".multum-*.tmp"):
            return path
        time.sleep(0.02)
    raise TimeoutError("no temporary file came")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_dies_by_the_signal_and_leaves_only_the_old_target(
    packing: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    packing.send_signal(number)
    _, talk = packing.communicate(timeout=PATIENCE_S)
    assert packing.returncode == -number
    assert talk == b""
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [OLD]


def test_kill_leaves_the_old_target(packing: subprocess.Popen[bytes], tmp_path: Path) -> None:
    temporary = wait_for_temporary(tmp_path)
    assert temporary.stat().st_mode & 0o777 == 0o600
    packing.kill()
    packing.communicate(timeout=PATIENCE_S)
    assert packing.returncode == -signal.SIGKILL
    assert (tmp_path / "target").read_bytes() == OLD


# The command with a coder that takes forever, as level 9 may on a large block.
SLOW_CODER = """
import sys, threading
from multum.archive import coding
coding.encode_block = lambda *_: threading.Event().wait()
from multum.cli import main
main()
"""


def test_a_signal_while_a_block_is_coded_is_answered_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    words = [sys.executable, "-c", SLOW_CODER, "pack", str(tmp_path / "a")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_temporary(tmp_path)
    time.sleep(0.2)  # until the block is with the coder
    process.terminate()
    assert process.communicate(timeout=PATIENCE_S) == (b"", b"")
    assert process.returncode == -signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_being_unpacked_disappears_with_the_process(tmp_path: Path) -> None:
    source = tmp_path / "d"
    source.mkdir()
    (source / "a").write_bytes(os.urandom(1 << 20))
    multum.pack(source, level=1)
    data = (tmp_path / "d.mtm").read_bytes()
    (tmp_path / "inner").mkdir()
    process = start("unpack", "-o", str(tmp_path / "inner" / "back"))
    assert process.stdin is not None
    process.stdin.write(data[:-20])
    process.stdin.flush()
    wait_for_temporary(tmp_path / "inner")
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGTERM
    assert list((tmp_path / "inner").iterdir()) == []


def test_a_closed_pipe_is_silent(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(1 << 20))
    multum.pack(tmp_path / "a", level=1)
    process = start("cat", str(tmp_path / "a.mtm"))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize("words", [["list", "a.mtm"], ["cat", "a.mtm"], ["pack", "-q", "-c", "a"], ["--version"]])
def test_a_full_device_as_standard_output_is_an_error(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    multum.pack(tmp_path / "a", level=1)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *words], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def on_terminal(words: list[str], folder: Path, patience_s: float = PATIENCE_S) -> tuple[int, str]:
    """Return exit code and screen of the command with all its streams on a terminal."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [*COMMAND, *words])
    screen, end_s = b"", time.monotonic() + patience_s
    while time.monotonic() < end_s and select.select([master], [], [], patience_s)[0]:
        try:
            piece = os.read(master, 4096)
        except OSError:  # Linux says EIO when the other side has gone
            break
        screen += piece
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("words", [["pack", "-c", "a"], ["pack", "-o", "-", "a"]])
def test_compressed_data_is_not_written_to_a_terminal(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    code, screen = on_terminal(words, tmp_path)
    assert code == 1
    assert "compressed data is not written to a terminal" in screen


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_no_input_on_a_terminal_is_a_usage_error(tmp_path: Path) -> None:
    code, screen = on_terminal(["pack"], tmp_path)
    assert code == 1
    assert "no input; name files, or - for standard input" in screen


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in on_terminal(["test", "missing"], tmp_path)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(["test", "missing"], tmp_path)[1]


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    line = f"trap '' HUP; kill -HUP $$; exec {sys.executable} -c 'import os, signal, sys; sys.argv = sys.argv[1:];"
    line += " from multum.cli.signals import die_by_signals; die_by_signals();"
    line += " os.kill(os.getpid(), signal.SIGHUP); print(1)'"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert done.stdout == b"1\n"


def test_overview_and_listing_load_no_engine(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    multum.pack(tmp_path / "a", level=1)
    code = (
        "import sys; from multum.cli.app import run; run(['--help']); run(['list', 'a.mtm']);"
        "heavy = {'numba', 'numpy', 'rich'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_c_locale_packs_names_of_any_bytes(tmp_path: Path) -> None:
    name = b"\xc3\xa4\xff"
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"hello")
    environment = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    words = [os.fsencode(word) for word in COMMAND]
    subprocess.run([*words, b"pack", b"-q", name], cwd=tmp_path, env=environment, check=True)
    listed = subprocess.run(
        [*words, b"list", b"-v", name + b".mtm"], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    assert b"packed from" in listed.stdout


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("cat a.mtm >&-", 1, "standard output is closed"),
        ("list a.mtm >&-", 1, "standard output: not writable"),
        ("pack - <&-", 1, "standard input is closed"),
        ("pack <&-", 1, "no input"),
        ("test a.mtm 2>&-", 0, ""),
    ],
)
def test_closed_streams_are_told_and_lose_nothing(tmp_path: Path, line: str, code: int, said: str) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    multum.pack(tmp_path / "a", level=1)
    shell = f"{sys.executable} -m multum {line}"
    done = subprocess.run(shell, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
