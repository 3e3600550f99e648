"""Makes the hostile archives of this folder: `python -m tests.hostile.forge`.

Each is well-formed but for the one thing its name says, checksums included,
so that it reaches the check it is meant for. Archives found by fuzzing lie
beside them under the names they were found by; this script leaves those alone.
"""

import hashlib
import io
import json
import struct
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

from multum.archive.bases import BaseRecord, encode_base
from multum.archive.frames import (
    BASE,
    BLOCK,
    END,
    INDEX,
    MAGIC,
    PROGRAM,
    RECIPE,
    BlockHeader,
    End,
    Entry,
    Header,
    Metadata,
    crc32_bytes,
    encode_block_header,
    encode_end,
    encode_frame,
    encode_header,
    encode_index,
)
from multum.archive.records import ProgramRecord, Section, encode_record
from multum.archive.varints import encode_varint
from multum.mixing import encode, preset
from multum.mixing.recipe import FAMILIES
from tests.inference.conftest import make_network

FOLDER = Path(__file__).parent
MANIFEST = FOLDER / "manifest.json"
DATA = b"much in little"
HEADER = Header(level=5, block_bytes=len(DATA), memory_bytes=1 << 20, tar=False, metadata=None)
PLAIN = encode_header(HEADER)
ANNOUNCED = encode_header(replace(HEADER, memory_bytes=1 << 23, program=True))
SOUND = make_network(seed=1, vocabulary=256).to_bytes()


def describe(data: bytes) -> BlockHeader:
    """Return the header of a stored block of `data`."""
    return BlockHeader(len(data), len(data), 0, b"", 0, zlib.crc32(data), zlib.crc32(data))


def block(data: bytes = DATA, header: BlockHeader | None = None) -> bytes:
    """Return a BLOCK frame and its payload `data`."""
    return encode_frame(BLOCK, encode_block_header(header or describe(data))) + data


def end(data: bytes = DATA, index: bytes = b"") -> bytes:
    """Return index, END frame and tail for content `data`."""
    return index + encode_end(End(len(data), hashlib.sha256(data).digest()), len(index))


def entry(data: bytes = DATA) -> Entry:
    """Return the index line of a stored block of `data`."""
    return Entry(len(block(data)), len(data))


def index(*entries: Entry) -> bytes:
    """Return an INDEX frame."""
    return encode_frame(INDEX, encode_index(list(entries)))


def header(body: bytes) -> bytes:
    """Return a header with any body, its checksum right."""
    start = MAGIC + b"\x01" + encode_varint(len(body)) + body
    return start + crc32_bytes(start)


def whole(data: bytes, tar: bool = False) -> bytes:
    """Return a sound archive of one stored block."""
    start = encode_header(replace(HEADER, block_bytes=len(data), tar=tar))
    return start + block(data) + end(data)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return a tar member without content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info


def folder(*members: tarfile.TarInfo) -> bytes:
    """Return an archive whose content is a tar stream of `members`."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for one in members:
            tar.addfile(one)
    return whole(stream.getvalue(), tar=True)


def forge_headers() -> dict[str, tuple[bytes, str]]:
    """Return archives with a wrong header and the message each must give."""
    rest = block() + end()
    meta = header(b"\x02\x05\x0e\x00" + b"\x04a/..\x00\x00")
    dots = header(b"\x02\x05\x0e\x00" + b"\x02..\x00\x00")
    return {
        "not_an_archive": (b"PK\x03\x04" + bytes(60), "not a Multum archive"),
        "line_ends_converted": (b"\x8dMTM\n\x1a\x01" + rest, "line ends were converted"),
        "version_2": (MAGIC + b"\x02" + PLAIN[8:] + rest, "format version 2, this program reads 1"),
        "header_checksum": (PLAIN[:-1] + b"\0" + rest, "header does not match its checksum"),
        "header_too_long": (MAGIC + b"\x01\xff\xff\x7f" + rest, "length of header is 2097151"),
        "header_bytes_left": (header(b"\x00\x05\x0e\x00\x00") + rest, "header has 1 bytes too many"),
        "header_too_short": (header(b"\x00\x05\x0e") + rest, "memory need needs 1 bytes"),
        "flags_unknown": (header(b"\x10\x05\x0e\x00") + rest, "flags 0x10"),
        "level_0": (header(b"\x00\x00\x0e\x00") + rest, "level is 0, allowed are 1 to 9"),
        "level_10": (header(b"\x00\x0a\x0e\x00") + rest, "level is 10, allowed are 1 to 9"),
        "block_size_huge": (
            header(b"\x00\x05" + encode_varint(1 << 40) + b"\x00") + rest,
            "block size is 1099511627776, the largest allowed is 1073741824",
        ),
        "varint_padded": (header(b"\x00\x05\x8e\x00\x00") + rest, "not written in the shortest form"),
        "varint_endless": (header(b"\x00\x05" + b"\xff" * 12) + rest, "more than 63 bits"),
        "name_with_slash": (meta + rest, "is not a plain file name"),
        "name_dots": (dots + rest, "is not a plain file name"),
        "mode_setuid": (
            encode_header(replace(HEADER, metadata=Metadata(b"a", 0o4755, 0))) + rest,
            "mode is 2541, the largest allowed is 511",
        ),
        "memory_huge": (
            encode_header(replace(HEADER, memory_bytes=1 << 60)) + rest,
            "unpacking needs 1099511627776 MiB of memory",
        ),
    }


def forge_frames() -> dict[str, tuple[bytes, str]]:
    """Return archives with a wrong frame and the message each must give."""
    two = end(DATA * 2, index(entry(), entry()))
    recipe = encode_frame(RECIPE, b"recipe")
    return {
        "empty_file": (b"", "truncated: header"),
        "only_a_header": (PLAIN, "truncated: frame"),
        "frame_unknown": (PLAIN + encode_frame(b"X", b"") + end(), "0x58 does not start a frame"),
        "frame_checksum": (PLAIN + block()[:12] + b"\xff" + block()[13:] + end(), "frame B does not match"),
        "frame_too_long": (PLAIN + b"B" + encode_varint(1 << 50), "length of frame is 1125899906842624"),
        "recipe_empty": (PLAIN + encode_frame(RECIPE, b"") + block() + end(), "recipe is empty or written twice"),
        "recipe_twice": (PLAIN + recipe * 2 + block() + end(), "recipe is empty or written twice"),
        "end_missing": (PLAIN + block(), "truncated: frame"),
        "end_twice": (PLAIN + block() + end()[:-4] * 2 + end()[-4:], "tail does not point"),
        "end_too_short": (PLAIN + block() + encode_frame(END, b"\x0eshort"), "digest needs 32 bytes"),
        "index_missing": (PLAIN + block() * 2 + end(DATA * 2), "an index stands in archives of two blocks"),
        "index_needless": (PLAIN + block() + end(DATA, index(entry())), "an index stands in archives of two"),
        "index_wrong": (
            PLAIN + block() * 2 + end(DATA * 2, index(entry(), Entry(entry().frame_bytes + 1, 13))),
            "index does not agree",
        ),
        "index_count_huge": (
            PLAIN + block() * 2 + end(DATA * 2, encode_frame(INDEX, encode_varint(1 << 40))),
            "number of frames is 1099511627776",
        ),
        "block_after_index": (PLAIN + block() * 2 + index(entry(), entry()) + block(), "frame B is not allowed here"),
        "content_length": (PLAIN + block() + end(DATA + b"!"), "content length does not agree"),
        "digest": (PLAIN + block() + end(DATA[::-1]), "content does not match its digest"),
        "tail": (PLAIN + block() + end()[:-4] + struct.pack("<I", 1), "tail does not point"),
        "tail_before_start": (PLAIN + block() + end()[:-4] + b"\xff" * 4, "tail does not point"),
        "trailing_garbage": (PLAIN + block() * 2 + two + b"\0", "data after the end"),
        "archive_twice": (whole(DATA) * 2, "data after the end"),
    }


def forge_blocks() -> dict[str, tuple[bytes, str]]:
    """Return archives with a wrong block and the message each must give."""
    good = describe(DATA)

    def forged(change: BlockHeader, payload: bytes = DATA) -> bytes:
        return PLAIN + block(payload, change) + end()

    return {
        "block_empty": (PLAIN + block(b"") + end(b""), "a block of no bytes"),
        "block_over_header": (forged(replace(good, raw_bytes=15)), "block length is 15, the largest allowed is 14"),
        "block_coded_longer": (forged(replace(good, coded_bytes=15)), "coded length is 15"),
        "block_method": (forged(replace(good, method=99)), "method is 99"),
        "block_stored_short": (forged(replace(good, coded_bytes=13), DATA[:13]), "a stored block has a length"),
        "block_recipe_unknown": (forged(replace(good, method=1, recipe=1)), "refers to recipe 1, 0 came before"),
        "block_transforms_long": (
            PLAIN + encode_frame(BLOCK, b"\x0e\x0e\x01\x00\xff\xff\x01") + end(),
            "length of transforms is 32767",
        ),
        "block_payload": (forged(good, DATA[::-1]), "payload does not match its checksum"),
        "block_data": (forged(replace(good, raw_crc=0)), "does not decode to the data that was packed"),
        "block_truncated": (PLAIN + block()[:-1], "truncated: payload needs 14 bytes, 13 are there"),
    }


def mixed(recipe: bytes, code: bytes, transforms: bytes = b"", memory_bytes: int = 1 << 23) -> bytes:
    """Return an archive whose one block of 14 bytes is `code` under `recipe`."""
    one = replace(describe(DATA), coded_bytes=len(code), method=1, recipe=1, transforms=transforms)
    one = replace(one, code_crc=zlib.crc32(code))
    start = encode_header(replace(HEADER, memory_bytes=memory_bytes))
    return start + encode_frame(RECIPE, recipe) + block(code, one) + end()


def forge_recipes() -> dict[str, tuple[bytes, str]]:
    """Return archives with a block that no network can decode and the message each must give."""
    good = preset(1, "text").scaled(len(DATA))
    code = encode(DATA, good) or b""
    wide = replace(good, family=FAMILIES.index("record"), width=2, stride=1, record_bytes=1)
    return {
        "recipe_nonsense": (mixed(b"\xff" * 40, code), "recipe ends after 40 bytes"),
        "recipe_short": (mixed(good.to_bytes()[:-1], code), "recipe ends after"),
        "recipe_long": (mixed(good.to_bytes() + b"\0", code), "bytes after its end"),
        "recipe_hungry": (mixed(replace(good, slot_bits=26).to_bytes(), code), "the header states 8388608"),
        "recipe_oversized": (mixed(replace(good, slot_bits=40).to_bytes(), code), "slot_bits 40"),
        "recipe_field_past_stride": (mixed(wide.to_bytes(), code), "width 2; allowed is 1 to 1"),
        "transform_unknown": (mixed(good.to_bytes(), code, b"\x63"), "transform 99"),
        "code_wrong": (mixed(good.to_bytes(), b"\x55" * len(code)), "does not decode to the data"),
    }


def program(record: ProgramRecord | None = None, body: bytes | None = None) -> bytes:
    """Return a PROGRAM frame of `record`, by reference if none is given, or of any body."""
    named = ProgramRecord("name", hashlib.sha256(b"network").digest(), 7, 0, None)
    return encode_frame(PROGRAM, encode_record(record or named) if body is None else body)


def carried(network: bytes, digest: bytes | None = None, section: Section | None = None) -> bytes:
    """Return a PROGRAM frame that carries `network` as it is, or as `section` says."""
    sections = (section or Section(0, b"", network), Section(0, b"", b""))
    return program(ProgramRecord("name", digest or hashlib.sha256(network).digest(), len(network), 0, sections))


def spelled(payload: bytes) -> bytes:
    """Return an archive with a sound program over bytes, and one block of 14 bytes by method 2."""
    one = replace(describe(DATA), coded_bytes=len(payload), method=2, code_crc=zlib.crc32(payload))
    return ANNOUNCED + carried(SOUND) + block(payload, one) + end()


def forge_programs() -> dict[str, tuple[bytes, str]]:
    """Return archives with a wrong program, or blocks that do not go with it, and the message each must give."""
    rest = block() + end()
    good, reference = describe(DATA), encode_record(ProgramRecord("n", bytes(32), 7, 0, None))
    long_name = reference[:-2] + encode_varint(5000) + bytes(5000)
    hungry = ProgramRecord("n", bytes(32), 1 << 40, 0, None)
    wrong_method, wrong_length = Section(3, b"r", b"network"), Section(0, b"", b"net")
    head = bytes([1, 1, 14, 1])  # a lane, a stream, tokens, runs
    return {
        "program_missing": (ANNOUNCED + rest, "frame B is not allowed here, a program was announced"),
        "program_unannounced": (PLAIN + program() + rest, "frame P is not allowed here"),
        "program_twice": (ANNOUNCED + carried(SOUND) * 2 + rest, "frame P is not allowed here"),
        "program_kind": (ANNOUNCED + program(body=b"\7" + reference[1:]) + rest, "kind of program is 7"),
        "program_name_long": (ANNOUNCED + program(body=long_name) + rest, "length of the program's name is 5000"),
        "program_bytes_left": (ANNOUNCED + program(body=reference + b"x") + rest, "program has 1 bytes too many"),
        "program_hungry": (ANNOUNCED + program(hungry) + rest, "needs more memory than the header states"),
        "program_not_given": (ANNOUNCED + program() + rest, "and does not carry it; give it with --program"),
        "program_digest": (ANNOUNCED + carried(SOUND, bytes(32)) + rest, "does not match its digest"),
        "program_nonsense": (ANNOUNCED + carried(b"network") + rest, "a network"),
        "program_method": (ANNOUNCED + carried(b"network", None, wrong_method) + rest, "coded by no method"),
        "program_stored_short": (ANNOUNCED + carried(b"network", None, wrong_length) + rest, "coded by no method"),
        "tokens_without_program": (PLAIN + block(DATA, replace(good, method=2)) + end(), "the archive has none"),
        "guided_without_program": (PLAIN + block(DATA, replace(good, method=3)) + end(), "the archive has none"),
        "tokens_runs_short": (spelled(head + b"\1\x0d\0"), "the runs of a block do not add up to its 14 bytes"),
        "tokens_no_lane": (spelled(b"\0" + head[1:] + b"\1\x0e\0"), "or have no lane to go in"),
        "tokens_too_many": (spelled(b"\1\1\x1d\1\1\x0e\0"), "number of tokens is 29"),
        "tokens_too_few": (spelled(b"\1\1\x0d\1\1\x0e\0"), "stand for 13 bytes; its runs have 14"),
        "tokens_kind_of_run": (spelled(head + b"\3\x0e\0"), "kind of run is 3"),
        "tokens_bytes_missing": (spelled(b"\1\1\0\1\0\x0e\1x"), "1 bytes that are no text are there, 14 are needed"),
        "tokens_wrong": (spelled(head + b"\1\x0e\0\x55\x55"), "does not decode to the data"),
    }


def rows(method: int, payload: bytes) -> bytes:
    """Return an archive of one block of 60 zeros by a method for rows of tensors."""
    raw = bytes(60)
    one = BlockHeader(60, len(payload), method, b"", 0, zlib.crc32(raw), zlib.crc32(payload))
    return encode_header(replace(HEADER, block_bytes=60)) + block(payload, one) + end(raw)


def repeating(payload: bytes, original: bytes) -> bytes:
    """Return an archive of the block `original`, of DATA, and one of the same length that repeats another one."""
    again = block(payload, replace(describe(DATA), coded_bytes=len(payload), method=6, code_crc=zlib.crc32(payload)))
    return PLAIN + original + again + end(DATA * 2, index(Entry(len(original), 14), Entry(len(again), 14)))


def sheet(rows: int, columns: int, width: int = 2, mantissa: int = 7, manner: int = 0, count: int = 1) -> bytes:
    """Return the head of a sheet with the shape of one matrix."""
    return struct.pack("<BBBIII", width, mantissa, manner, count, rows, columns)


def forge_tensors() -> dict[str, tuple[bytes, str]]:
    """Return archives with a wrong block of rows of tensors, or a wrong base, and the message each must give."""
    rest, based = block() + end(), encode_header(replace(HEADER, base=True))
    base = encode_base(BaseRecord("b", bytes(32), 7))
    recipe = encode_frame(RECIPE, b"recipe") + block(DATA, replace(describe(DATA), method=4, recipe=1))
    return {
        "tensor_head_short": (rows(4, b"\2\7\0"), "the head of a block of tensors is cut short"),
        "tensor_kind": (rows(4, sheet(5, 6, mantissa=9)), "elements of 2 bytes and 9 bits of mantissa"),
        "tensor_count": (rows(4, sheet(5, 6, count=0)), "has 0 matrices"),
        "tensor_count_huge": (rows(4, sheet(5, 6, count=1 << 31)), "has 2147483648 matrices"),
        "tensor_shape": (rows(4, sheet(1 << 31, 1 << 31)), "have 9223372036854775808 bytes; the block has 60"),
        "tensor_no_rows": (rows(4, sheet(0, 30)), "have 0 bytes; the block has 60"),
        "tensor_fraction": (rows(4, sheet(5, 6, manner=4)), "levels have 4 bits of fraction"),
        "tensor_part_short": (rows(4, sheet(5, 6) + b"\xff" * 4), "needs 4294967299 bytes, 4 are there"),
        "tensor_table_short": (rows(4, sheet(1, 60, 1, 0) + b"\0\0\1"), "a table is cut short"),
        "tensor_table_full": (rows(4, sheet(1, 60, 1, 0) + b"\0\0\1\xff\xff"), "add up to 32767"),
        "tensor_code_short": (rows(4, sheet(1, 60, 1, 0) + b"\0\0\1\1"), "a code of 1 lanes is 4 bytes"),
        "tensor_recipe": (PLAIN + recipe + end(), "has transforms or a recipe"),
        "grid_shape": (rows(5, struct.pack("<II", 1 << 31, 1 << 31)), "has 2147483648 rows of 2147483648 values"),
        "grid_short": (rows(5, b"\1\0"), "the shape of a block on a grid is cut short"),
        "repeat_of_nothing": (rows(6, b"\0"), "a block repeats block 0, 0 came before"),
        "repeat_of_itself": (repeating(b"\1", block()), "a block repeats block 1, 1 came before"),
        "repeat_of_stored": (repeating(b"\0", block()), "that cannot be repeated"),
        "repeat_too_long": (repeating(b"\0\0", block()), "payload of a repeat has 1 bytes too many"),
        "difference_without_base": (rows(7, b"\0"), "a block is told by its differences from a base"),
        "base_missing": (based + rest, "frame B is not allowed here, a base was announced"),
        "base_unannounced": (PLAIN + encode_frame(BASE, base) + rest, "frame A is not allowed here"),
        "base_not_given": (based + encode_frame(BASE, base) + rest, "was made with base 'b' of digest 0000"),
        "base_bytes_left": (based + encode_frame(BASE, base + b"x") + rest, "base has 1 bytes too many"),
    }


def forge_folders() -> dict[str, tuple[bytes, str]]:
    """Return archives whose tar stream attacks the target's surroundings."""
    link = tarfile.SYMTYPE
    return {
        "tar_dotdot": (folder(member("../x")), "'../x' does not stay inside"),
        "tar_dotdot_inside": (folder(member("a/../../x")), "does not stay inside"),
        "tar_absolute": (folder(member("/tmp/multum-x")), "does not stay inside"),
        "tar_link_absolute": (folder(member("a", link, "/etc/passwd")), "links to '/etc/passwd', outside"),
        "tar_link_climbs": (folder(member("a/b", link, "../../x")), "outside the folder"),
        "tar_link_climbs_later": (folder(member("d", link, "e/../../x")), "outside the folder"),
        "tar_through_link": (folder(member("a", link, "b"), member("a/x")), "over or through another member"),
        "tar_link_over_folder": (folder(member("a/x"), member("a", link, "b")), "over or through another"),
        "tar_twice": (folder(member("a"), member("a")), "over or through another member"),
        "tar_hard_link": (folder(member("a"), member("b", tarfile.LNKTYPE, "a")), "neither a file"),
        "tar_device": (folder(member("a", tarfile.CHRTYPE)), "neither a file"),
        "tar_pipe": (folder(member("a", tarfile.FIFOTYPE)), "neither a file"),
        "tar_huge_extension": (whole(_huge_extension(), tar=True), "member header of"),
        "tar_garbage": (whole(b"x" * 1024, tar=True), "cannot be unpacked"),
        "tar_file_cut": (whole(_cut_member(), tar=True), "cannot be unpacked"),
    }


def _huge_extension() -> bytes:
    """Return a tar stream whose pax header claims 4 GiB."""
    info = member("a", tarfile.XHDTYPE)
    info.size = 1 << 32
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def _cut_member() -> bytes:
    """Return a tar stream that ends within a file."""
    info = member("a")
    info.size = 4096
    return info.tobuf() + bytes(512)


def forge_all() -> dict[str, tuple[bytes, str, str]]:
    """Return every forged archive: name -> bytes, verb, message."""
    tested = forge_headers() | forge_frames() | forge_blocks() | forge_recipes() | forge_programs() | forge_tensors()
    made = {name: (data, "test", message) for name, (data, message) in tested.items()}
    return made | {name: (data, "unpack", message) for name, (data, message) in forge_folders().items()}


def main() -> None:
    """Write the files and their lines in the manifest; lines of other files stay."""
    manifest = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    for name, (data, verb, message) in forge_all().items():
        (FOLDER / f"{name}.mtm").write_bytes(data)
        manifest[f"{name}.mtm"] = {"verb": verb, "message": message}
    MANIFEST.write_text(json.dumps(dict(sorted(manifest.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
