"""From a kernel to machine code, by numba: loaded only when something has to be compiled.

A kernel becomes one function of one argument, the address of the words that
multum.bits.kernels.flatten makes of its arguments. Invariant: that function refers to
nothing outside itself, neither Python nor numba, so that a linker alone can load it.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.typeof import typeof
from numba.extending import intrinsic, lower_builtin, type_callable
from numba.np.arrayobj import populate_array

from multum.bits.kernels import invoke, prefetch
from multum.bits.vectors import LANES, STEP_BITS, TILE_LANES, TILES, WEIGHT_LIMIT, dot_lanes, train_lanes

_WORD = ir.IntType(64)


def _compile(**options: Any) -> Any:
    """Return numba's decorator for code that counts no references: arrays belong to the caller, none are made."""
    unnamed: dict[str, Any] = {"_nrt": False}  # njit's types leave it out
    return njit(nogil=True, error_model="numpy", **unnamed, **options)


def compile_part(function: Callable[..., Any], inlined: bool) -> Any:
    """Return the numba dispatcher of a part."""
    return _compile(forceinline=inlined)(function)


def compile_kernel(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, bytes]:
    """Return (name, object file) of `function` compiled for the types of `arguments`."""
    inner = _compile()(function)
    unpack = _make_unpack(tuple(typeof(argument) for argument in arguments))

    def enter(words: Any) -> Any:
        return inner(*unpack(words))

    bare: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # they refer to Python
    entry: Any = _compile(**bare)(enter)
    entry.compile((types.int64,))
    (compiled,) = entry.overloads.values()
    code = bytes(compiled.library._get_compiled_object())
    for foreign in (b"NRT_", b"numba_", b"PyErr", b"PyGILState"):
        assert foreign not in code, f"{function.__name__} needs {foreign.decode()} of Python"
    return compiled.fndesc.llvm_func_name, code


def _make_unpack(argument_types: tuple[Any, ...]) -> Any:
    """Return an intrinsic that makes a kernel's arguments from the address of their words."""

    def unpack(typing_context: Any, words: Any) -> Any:
        result = types.Tuple(argument_types)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            reader = _WordReader(context, builder, arguments[0])
            return context.make_tuple(builder, result, [reader.read(t) for t in argument_types])

        return result(words), generate

    return intrinsic(unpack)


class _WordReader:
    """Emits the code that reads one argument after another."""

    def __init__(self, context: Any, builder: Any, address: Any) -> None:
        self.context, self.builder, self.at = context, builder, 0
        self.words = builder.inttoptr(address, _WORD.as_pointer())

    def next_word(self) -> Any:
        word = self.builder.load(cgutils.gep_inbounds(self.builder, self.words, self.at))
        self.at += 1
        return word

    def read(self, kind: Any) -> Any:
        """Return the value of type `kind` that comes next."""
        if isinstance(kind, types.BaseTuple):
            return self.context.make_tuple(self.builder, kind, [self.read(t) for t in kind.types])  # type: ignore[attr-defined]
        if isinstance(kind, types.Array):
            return self._read_array(kind)
        return self.context.cast(self.builder, self.next_word(), types.int64, kind)

    def _read_array(self, kind: Any) -> Any:
        array = self.context.make_array(kind)(self.context, self.builder)
        data = self.builder.inttoptr(self.next_word(), array.data.type)
        shape = [self.next_word() for _ in range(kind.ndim)]
        item = _WORD(self.context.get_abi_sizeof(self.context.get_data_type(kind.dtype)))
        strides = [item]
        for length in reversed(shape[1:]):
            strides.insert(0, self.builder.mul(strides[0], length))
        populate_array(array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None)
        return array._getvalue()


@type_callable(invoke)
def _type_invoke(context: Any) -> Any:
    return lambda bound: types.void


@lower_builtin(invoke, types.Array)
def _lower_invoke(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).data
    pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.IntType(32), [pointer, pointer, pointer])
    entry = builder.inttoptr(builder.load(data), kind.as_pointer())
    result = builder.bitcast(cgutils.alloca_once(builder, _WORD), pointer)
    words = builder.bitcast(builder.gep(data, [_WORD(1)]), pointer)
    builder.call(entry, [result, ir.Constant(pointer, None), words])
    return context.get_dummy_value()


@type_callable(prefetch)
def _type_prefetch(context: Any) -> Any:
    return lambda array, index: types.void


@lower_builtin(prefetch, types.Array, types.Integer)
def _lower_prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).data
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    index = context.cast(builder, arguments[1], signature.args[1], types.int64)
    address = builder.bitcast(builder.gep(data, [index]), byte)  # counted over all axes
    declared = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, number, number, number]), "llvm.prefetch.p0"
    )
    # write intent, keep in all levels, data
    builder.call(declared, [address, number(1), number(3), number(1)])
    return context.get_dummy_value()


_LANES_32 = ir.VectorType(ir.IntType(32), LANES)
_LANES_64 = ir.VectorType(ir.IntType(64), LANES)


def _splat(kind: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(kind, [value] * LANES)


def _lanes_at(builder: Any, array: Any, index: Any) -> Any:
    """Return a pointer to the eight int32 from array[index] on."""
    return builder.bitcast(builder.gep(array.data, [index]), _LANES_32.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    value = builder.load(pointer)
    value.align = 4
    return value


def _each_block(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Yield (pointer into x, pointer into w) inside the emitted loop over blocks."""
    x, w = (cgutils.create_struct_proxy(signature.args[k])(context, builder, arguments[k]) for k in (0, 1))
    offset, blocks = (context.cast(builder, arguments[k], signature.args[k], types.int64) for k in (2, 3))
    with cgutils.for_range(builder, blocks) as loop:
        at = builder.mul(loop.index, _WORD(LANES))
        yield _lanes_at(builder, x, at), _lanes_at(builder, w, builder.add(offset, at))


@type_callable(dot_lanes)
def _type_dot_lanes(context: Any) -> Any:
    return lambda x, w, offset, blocks: types.int64


@lower_builtin(dot_lanes, types.Array, types.Array, types.Integer, types.Integer)
def _lower_dot_lanes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    total = cgutils.alloca_once_value(builder, _splat(_LANES_64, 0))
    for x, w in _each_block(context, builder, signature, arguments):
        wide = [builder.sext(_load(builder, pointer), _LANES_64) for pointer in (x, w)]
        builder.store(builder.add(builder.load(total), builder.mul(*wide)), total)
    kind = ir.FunctionType(_WORD, [_LANES_64])
    add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.add.v{LANES}i64")
    return builder.call(add_up, [builder.load(total)])


@type_callable(train_lanes)
def _type_train_lanes(context: Any) -> Any:
    return lambda x, w, offset, blocks, step: types.void


@lower_builtin(train_lanes, types.Array, types.Array, types.Integer, types.Integer, types.Integer)
def _lower_train_lanes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    one = context.cast(builder, arguments[4], signature.args[4], types.int32)
    first = builder.insert_element(ir.Constant(_LANES_32, ir.Undefined), one, ir.IntType(32)(0))
    steps = builder.shuffle_vector(
        first, ir.Constant(_LANES_32, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )
    kind = ir.FunctionType(_LANES_32, [_LANES_32, _LANES_32])
    least = cgutils.get_or_insert_function(builder.module, kind, f"llvm.smin.v{LANES}i32")
    most = cgutils.get_or_insert_function(builder.module, kind, f"llvm.smax.v{LANES}i32")
    for x, w in _each_block(context, builder, signature, arguments):
        product = builder.add(builder.mul(_load(builder, x), steps), _splat(_LANES_32, 1 << STEP_BITS - 1))
        moved = builder.add(_load(builder, w), builder.ashr(product, _splat(_LANES_32, STEP_BITS)))
        clipped = builder.call(least, [moved, _splat(_LANES_32, WEIGHT_LIMIT - 1)])
        builder.store(builder.call(most, [clipped, _splat(_LANES_32, -WEIGHT_LIMIT)]), w).align = 4
    return context.get_dummy_value()


_TILE = ir.VectorType(ir.IntType(32), TILE_LANES)
_TILE_16 = ir.VectorType(ir.IntType(16), 2 * TILE_LANES)
_TILE_32 = ir.VectorType(ir.IntType(32), 2 * TILE_LANES)


def _pick(kind: ir.VectorType, indices: list[int]) -> tuple[ir.Constant, ir.Constant]:
    """Return (nothing, mask): what a shuffle takes to pick `indices` of its first operand."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)
    return ir.Constant(kind, ir.Undefined), mask


def _vector_at(builder: Any, array: Any, index: Any, kind: Any, align: int) -> Any:
    """Return the vector of `kind` that lies from array[index] on."""
    value = builder.load(builder.bitcast(builder.gep(array.data, [index]), kind.as_pointer()))
    value.align = align
    return value


def _multiply_pairs(builder: Any, rows: list[Any], columns: list[Any], sums: list[list[Any]]) -> None:
    """Add to sums[r][v] the products of two neighbours: the shape that processors have an instruction for."""
    for r, row in enumerate(rows):
        for v, column in enumerate(columns):
            products = builder.mul(row, column)
            even = builder.shuffle_vector(products, *_pick(_TILE_32, list(range(0, 2 * TILE_LANES, 2))))
            odd = builder.shuffle_vector(products, *_pick(_TILE_32, list(range(1, 2 * TILE_LANES, 2))))
            builder.store(builder.add(builder.load(sums[r][v]), builder.add(even, odd)), sums[r][v])


def _lower_tile(rows: int, vectors: int) -> Any:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        a, w, c = (cgutils.create_struct_proxy(kinds[k])(context, builder, arguments[k]) for k in (0, 3, 7))
        a_at, a_step, w_at, w_step, pairs, c_at, c_step = (
            context.cast(builder, arguments[k], kinds[k], types.int64) for k in (1, 2, 4, 5, 6, 8, 9)
        )
        item = ir.IntType(kinds[3].dtype.bitwidth)
        zero = ir.Constant(_TILE, [0] * TILE_LANES)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(vectors)] for _ in range(rows)]
        starts = [builder.add(a_at, builder.mul(a_step, _WORD(r))) for r in range(rows)]
        with cgutils.for_range(builder, pairs) as loop:
            twice = builder.mul(loop.index, _WORD(2))
            first = builder.add(w_at, builder.mul(twice, w_step))
            columns = []
            for v in range(vectors):
                at = builder.add(first, _WORD(2 * TILE_LANES * v))
                narrow = _vector_at(builder, w, at, ir.VectorType(item, 2 * TILE_LANES), item.width // 8)
                columns.append(builder.sext(narrow, _TILE_32))
            spread = []
            for start in starts:
                pair = _vector_at(builder, a, builder.add(start, twice), ir.IntType(32), 2)
                one = builder.insert_element(ir.Constant(_TILE, ir.Undefined), pair, ir.IntType(32)(0))
                all_lanes = builder.shuffle_vector(one, *_pick(_TILE, [0] * TILE_LANES))
                spread.append(builder.sext(builder.bitcast(all_lanes, _TILE_16), _TILE_32))
            _multiply_pairs(builder, spread, columns, sums)
        for r in range(rows):
            row = builder.add(c_at, builder.mul(c_step, _WORD(r)))
            for v in range(vectors):
                at = builder.gep(c.data, [builder.add(row, _WORD(TILE_LANES * v))])
                builder.store(builder.load(sums[r][v]), builder.bitcast(at, _TILE.as_pointer())).align = 4
        return context.get_dummy_value()

    return lower


def _type_tile(context: Any) -> Any:
    return lambda a, a_at, a_step, w, w_at, w_step, pairs, c, c_at, c_step: types.void


def _register_tiles() -> None:
    whole = types.Integer
    kinds = (types.Array, whole, whole, types.Array, whole, whole, whole, types.Array, whole, whole)
    for (rows, vectors), tile in TILES.items():
        type_callable(tile)(_type_tile)
        lower_builtin(tile, *kinds)(_lower_tile(rows, vectors))


_register_tiles()
