"""The contents of the golden archives, made by integer arithmetic and from frozen texts."""

import multum
from multum.mixing.primers import CHINESE, CODE, ENGLISH, read_primer


def table() -> bytes:
    """Return comma-separated lines whose fields depend on one another."""
    rows = [f"{i},{i * i % 97},name{i % 7},{'yes' if i % 3 else 'no'},{i * 37 % 1000}.{i % 10}" for i in range(120)]
    return "\n".join(["id,square,name,third,price", *rows, ""]).encode()


def image() -> bytes:
    """Return 48 rows of 64 little-endian 16-bit samples of a smooth surface."""
    samples = [1000 + x * y + 3 * x + (x * 7919 + y * 104729) % 5 for y in range(48) for x in range(64)]
    return b"".join(sample.to_bytes(2, "little") for sample in samples)


def genome() -> bytes:
    """Return 3000 letters with a long repeat."""
    letters, state = [], 12345
    for _ in range(2000):
        state = (state * 1103515245 + 12345) % 2**31
        letters.append("ACGT"[state >> 29])
    return "".join(letters + letters[500:1500]).encode()


def calls() -> bytes:
    """Return bytes that look like machine code calling two functions again and again."""
    code = bytearray()
    for i in range(200):
        code += bytes([0x55, 0x48, 0x89, 0xE5, i * 7 % 256, 0xE8])
        code += ((40000 if i % 2 else 90000) - len(code)).to_bytes(4, "little", signed=True)
    return bytes(code)


def noise() -> bytes:
    """Return 6000 bytes that cannot be made shorter."""
    state, out = 1, bytearray()
    for _ in range(6000):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(state >> 56)
    return bytes(out)


def contents() -> dict[str, tuple[bytes, int]]:
    """Return the content and level of each golden archive by name."""
    text = read_primer(ENGLISH)[5000:8000].replace(b"the", b"a")
    made = {f"level{level}": (text, level) for level in range(1, 10)}
    kinds = {"table": table(), "image": image(), "genome": genome(), "calls": calls(), "noise": noise()}
    kinds |= {"cjk": read_primer(CHINESE)[3000:6000], "code": read_primer(CODE)[4000:7000], "empty": b"", "byte": b"m"}
    return made | {f"{name}{level}": (data, level) for name, data in kinds.items() for level in (1, 5, 9)}


def pack_golden(data: bytes, level: int) -> bytes:
    """Return the archive without metadata: nothing in it but the content and the level."""
    return multum.pack_bytes(data, level, 1)
