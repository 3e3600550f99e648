"""Hot loops: marked here, compiled once on a machine, then loaded without the compiler.

A kernel is Python over integers and flat arrays. Its first call compiles it with numba
(multum.bits.compiling) and keeps the machine code in a file; later processes only link
that file, which takes a tenth of the time of importing numba. Kernels release the GIL.
With NUMBA_DISABLE_JIT=1 they run as plain Python: slow, and the same bits.

Invariant: a file of machine code is used only while the sources of the kernel and of
all its parts, the linker and the processor are those it was made with.
"""

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
_SUFFIX = ".kernel"
_DIGEST_BYTES = 32
_linked: list[Any] = []  # engines own the code that is running: they live as long as the process
_listeners: list[Callable[[], None]] = []


def watch_compiling(listener: Callable[[], None]) -> None:
    """Have `listener` called before a kernel is compiled, which takes seconds, in whatever thread that is."""
    _listeners[:] = [listener]


class Part:
    """A function that kernels may call; inlined there, so that its arguments cost nothing, or compiled once."""

    def __init__(self, function: Callable[..., Any], inlined: bool = True) -> None:
        self.function, self.inlined = function, inlined
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        """Return what the part makes of `arguments`, compiled for them alone: for tests."""
        return self.function(*arguments) if INTERPRETED else self.compiled(*arguments)

    @cached_property
    def compiled(self) -> Any:
        """The part as numba knows it."""
        from multum.bits.compiling import compile_part

        return compile_part(self.function, self.inlined)

    @property
    def _numba_type_(self) -> Any:
        """What numba takes a part for where a kernel names it."""
        return self.compiled._numba_type_


class Kernel:
    """A function that is compiled for the types of its first arguments, which stay the only ones."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> int:
        """Return the whole number that the kernel returns. Raises TypeError for other types than the first call's."""
        if INTERPRETED:
            return int(self.function(*arguments))
        layout, words = flatten(arguments)
        with self._lock:
            run = self._link(layout, arguments)
        result = ctypes.c_int64()
        run(ctypes.byref(result), None, words.ctypes.data)
        return result.value

    def bind(self, *arguments: Any) -> Any:
        """Return this kernel with its arguments as one more argument for other kernels, which `invoke` it.

        So code that is long to compile is compiled by itself. The caller keeps the arguments alive.
        """
        if INTERPRETED:
            return partial(self.function, *arguments)
        layout, words = flatten(arguments)
        with self._lock:
            run = self._link(layout, arguments)
        address = ctypes.cast(run, ctypes.c_void_p).value
        return np.concatenate([np.array([address], np.int64), words])

    @cached_property
    def _paths(self) -> list[Path]:
        """Where machine code may lie: beside the sources, else in the user's cache folder."""
        name = f"{self.function.__name__}-{self._stamp[:24]}{_SUFFIX}"
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return [Path(__file__).parent / "__pycache__" / name, home / "multum" / name]

    @cached_property
    def _stamp(self) -> str:
        """A digest of everything that the machine code depends on."""
        import llvmlite
        from llvmlite import binding

        digest = hashlib.sha256()
        for path in sorted(list_sources(self.function)):
            digest.update(Path(path).read_bytes())
        machine = (llvmlite.__version__, binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
        digest.update(repr(machine).encode())
        return digest.hexdigest()

    def _link(self, layout: str, arguments: tuple[Any, ...]) -> Any:
        """Return the machine code as a callable, compiled now if need be."""
        known = vars(self).get("_entry")
        if known is None:
            known = self._entry = self._load() or self._compile(layout, arguments)
        if known[0] != layout:
            raise TypeError(f"{self.function.__name__} takes {known[0]}, not {layout}")
        return known[1]

    def _load(self) -> tuple[str, Any] | None:
        for path in self._paths:
            with suppress(OSError):
                content = path.read_bytes()
                digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
                if digest == hashlib.sha256(body).digest():  # a file cut short is compiled anew
                    layout, name, code = body.split(b"\n", 2)
                    return layout.decode(), link_object(code, name.decode())
        return None

    def _compile(self, layout: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
        for listener in _listeners:
            listener()
        from multum.bits.compiling import compile_kernel

        name, code = compile_kernel(self.function, arguments)
        body = f"{layout}\n{name}\n".encode() + code
        for path in self._paths:
            if _write_whole(path, hashlib.sha256(body).digest() + body):
                break
        return layout, link_object(code, name)


def kernel(function: Callable[..., Any]) -> Any:
    """Return `function` as a kernel; it returns a whole number."""
    return Kernel(function)


def part(function: Callable[..., Any]) -> Any:
    """Return `function` as a part of kernels, inlined wherever it is called."""
    return Part(function)


def routine(function: Callable[..., Any]) -> Any:
    """Return `function` as a part of kernels that is compiled once: for long ones that are called in many places."""
    return Part(function, inlined=False)


def flatten(arguments: tuple[Any, ...]) -> tuple[str, NDArray[np.int64]]:
    """Return (layout, words) of arguments: whole numbers, contiguous arrays, and tuples of these.

    A number is one word; an array its address and the lengths of its axes.
    Raises TypeError for anything else.
    """
    words: list[int] = []
    layout = ",".join(_flatten_one(argument, words) for argument in arguments)
    return layout, np.array(words, np.int64)


def _flatten_one(argument: Any, words: list[int]) -> str:
    if isinstance(argument, tuple):
        return "(" + ",".join(_flatten_one(a, words) for a in argument) + ")"
    if isinstance(argument, np.ndarray) and argument.flags.c_contiguous and argument.flags.writeable:
        words += [argument.__array_interface__["data"][0], *argument.shape]
        return f"{argument.dtype.str}[{argument.ndim}]"
    if isinstance(argument, bool):
        words.append(argument)
        return "bool"
    if isinstance(argument, int | np.integer):
        words.append(int(argument))
        return "int"
    raise TypeError(f"a kernel takes whole numbers and contiguous arrays, not {type(argument).__name__}")


def link_object(code: bytes, name: str) -> Any:
    """Return the function `name` of an object file, callable with (result, None, words)."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _linked.append(engine)
    prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return prototype(engine.get_function_address(name))


def list_sources(function: Callable[..., Any]) -> set[str]:
    """Return the files of `function` and of every part it calls, those beside them, and those of the compiler.

    Files beside them may hold numbers that become part of the machine code.
    """
    folders = {Path(__file__).parent} | {Path(f.__code__.co_filename).parent for f in _walk_parts(function, set())}
    return {str(path) for folder in folders for path in folder.glob("*.py")} | {function.__code__.co_filename}


def _walk_parts(function: Any, seen: set[Any]) -> Iterator[Any]:
    seen.add(function)
    yield function
    for name in function.__code__.co_names:
        inner = function.__globals__.get(name)
        if isinstance(inner, Part) and inner.function not in seen:
            yield from _walk_parts(inner.function, seen)


def _write_whole(path: Path, content: bytes) -> bool:
    """Write the file whole or not at all; return whether it could be written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        return False
    return True


def invoke(bound: Any) -> None:
    """Run a kernel with the arguments that `Kernel.bind` gave it; for use in kernels."""
    bound()


def prefetch(array: Any, index: Any) -> None:
    """Ask for the cache line of array[index], which must be inside; changes nothing."""


def wrapping() -> AbstractContextManager[Any]:
    """Return a context in which integers wrap around without a warning, as they do in compiled code."""
    return np.errstate(over="ignore") if INTERPRETED else nullcontext()
