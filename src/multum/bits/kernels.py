"""How a hot loop is compiled: the decorators of every numba kernel of the house.

Kernels release the GIL, are cached on disk beside the sources (or in the user's
cache folder when that is read-only) and use integers only. With NUMBA_DISABLE_JIT=1
they run as plain Python: slow, and the same bits.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import config, njit
from numba.core import cgutils, types
from numba.extending import intrinsic

_compile = njit(nogil=True, cache=True, error_model="numpy")
_compile_inline = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


def kernel(function: Callable[..., Any]) -> Any:
    """Return `function` compiled on its first call, and cached."""
    return _load_at_once(_watch_parts(_compile(function), function))


def part(function: Callable[..., Any]) -> Any:
    """Return a part of kernels compiled: always inlined, so that its arguments cost nothing."""
    return _watch_parts(_compile_inline(function), function)


def _watch_parts(compiled: Any, function: Callable[..., Any]) -> Any:
    """Make the cached code valid only while the sources of all parts stay as they are.

    numba itself looks at the file of the function alone: after a change of a part
    in another file it would go on with the old code, and so with other bytes.
    """
    cache_file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if cache_file is not None and hasattr(cache_file, "_source_stamp"):
        digest = hashlib.sha256()
        for path in sorted(_find_sources(function, set()) | {__file__}):
            with suppress(OSError):  # imported from an archive: it is as old as the function
                digest.update(Path(path).read_bytes())
        cache_file._source_stamp = digest.hexdigest()
    return compiled


# The releases of numba whose cache is known to load without its typing rules.
_KNOWN_NUMBA = ("0.68.",)


def _load_at_once(compiled: Any) -> Any:
    """Let cached code load without all of numba's typing rules, which only compiling needs.

    numba reads them before it looks into its cache; they are a third of a start. What the
    code itself needs is numba's run-time system. Other releases take numba's own way.
    """
    cache: Any = getattr(compiled, "_cache", None)
    if hasattr(cache, "_load_overload") and numba.__version__.startswith(_KNOWN_NUMBA):
        from numba.core.runtime.nrt import rtsys

        def load_overload(signature: Any, context: Any) -> Any:
            rtsys.initialize(context)
            with cache._guard_against_spurious_io_errors():
                return cache._load_overload(signature, context)

        cache.load_overload = load_overload
    return compiled


def _find_sources(function: Any, seen: set[Any]) -> set[str]:
    """Return the files of `function` and of all compiled functions it calls."""
    seen.add(function)
    files = {function.__code__.co_filename}
    for name in function.__code__.co_names:
        inner = getattr(function.__globals__.get(name), "py_func", None)
        if inner is not None and inner not in seen:
            files |= _find_sources(inner, seen)
    return files


def is_cached(compiled: Any) -> bool | None:
    """Return whether `compiled` will run without being compiled first; None when numba does not tell.

    Reads the index of the cache, nothing more.
    """
    try:
        if compiled.signatures:
            return True
        machine = compiled.targetdescr.target_context.codegen().magic_tuple()
        return any(machine in key for key in compiled._cache._cache_file._load_index())
    except (AttributeError, TypeError, OSError):
        return None


# numba annotates some of its inside and leaves the rest untyped.
_open_struct: Any = cgutils.create_struct_proxy
_declare_function: Any = cgutils.get_or_insert_function


def _borrow(typing_context: Any, array: Any) -> Any:
    """Return `array` without its reference count, for use while the caller holds it.

    Kernels pass arrays to their parts for every bit; counting references there costs
    a locked instruction each, up to a third of the time.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        view = _open_struct(signature.args[0])(context, builder, arguments[0])
        view.meminfo = ir.Constant(view.meminfo.type, None)
        view.parent = ir.Constant(view.parent.type, None)
        return view._getvalue()

    return array(array), generate


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index], which must be inside; changes nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        data = _open_struct(signature.args[0])(context, builder, arguments[0]).data
        byte = ir.PointerType(ir.IntType(8))
        word = ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        declared = _declare_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, word, word, word]), "llvm.prefetch.p0"
        )
        # write intent, keep in all levels, data
        builder.call(declared, [address, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _no_prefetch(array: Any, index: Any) -> None:
    """Stand in for the prefetch where kernels run as plain Python."""


def _same(array: Any) -> Any:
    """Stand in for borrow where kernels run as plain Python."""
    return array


_INTERPRETED = bool(config.DISABLE_JIT)  # type: ignore[attr-defined]

prefetch: Any = _no_prefetch if _INTERPRETED else intrinsic(_prefetch)
borrow: Any = _same if _INTERPRETED else intrinsic(_borrow)


def wrapping() -> AbstractContextManager[Any]:
    """Return a context in which integers wrap around without a warning, as they do in compiled code."""
    return np.errstate(over="ignore") if _INTERPRETED else nullcontext()
