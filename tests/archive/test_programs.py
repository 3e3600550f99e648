"""Archives with a trained program: carried or by reference, mixed or alone, over bytes or tokens."""

import io
import os
from pathlib import Path

import pytest

import multum
from multum.archive import coding, spelling
from multum.archive.programs import HeldProgram, decode_pieces, encode_pieces, hold
from tests.archive.samples import text
from tests.archive.streams import one_byte_stream
from tests.small_programs import byte_program, text_program, typical

TYPICAL = typical(byte_program(), 700)
MIXTURE = b"of the action " * 30 + bytes(range(256)) * 2 + "a 文 in the night\n".encode() * 20 + b"\xff\0end"


def pack(data: bytes, program: HeldProgram | None = None, level: int = 1, **options: object) -> bytes:
    target = io.BytesIO()
    multum.pack(io.BytesIO(data), target, level, program=program or byte_program(), **options)  # type: ignore[arg-type]
    return target.getvalue()


def listed(archive: bytes) -> multum.Listing:
    return multum.list_archive(io.BytesIO(archive))


@pytest.mark.parametrize(("alone", "method"), [(False, "guided"), (True, "tokens")])
def test_a_program_over_bytes_codes_what_it_finds_likely(alone: bool, method: str) -> None:
    archive = pack(TYPICAL, alone=alone)
    listing = listed(archive)
    assert [part.method for part in listing.parts] == [method]
    assert listing.coded_bytes < len(multum.pack_bytes(TYPICAL, 9))
    assert multum.unpack_bytes(archive) == TYPICAL
    with multum.open(io.BytesIO(archive)) as file:
        assert file.read() == TYPICAL
    back = io.BytesIO()
    multum.unpack(one_byte_stream(archive), back)
    assert back.getvalue() == TYPICAL


@pytest.mark.parametrize("data", [b"", b"a", os.urandom(200), MIXTURE, text(500)])
@pytest.mark.parametrize("program", [byte_program(), text_program(), text_program(forgets=True)])
def test_any_bytes_come_back(program: HeldProgram, data: bytes) -> None:
    archive = pack(data, program)
    assert multum.unpack_bytes(archive, 1) == multum.unpack_bytes(archive, 3) == data
    assert archive == pack(data, program, threads=1)


def test_bytes_that_are_no_text_go_another_way() -> None:
    program = text_program()
    data = typical(program, 600) + bytes(range(128, 256)) * 3 + typical(program, 600)
    archive = pack(data, program, alone=True)
    block = listed(archive).parts[0]
    assert block.method == "tokens"
    assert multum.unpack_bytes(archive) == data


def test_every_byte_is_counted_once_in_the_ledger() -> None:
    listing = listed(pack(TYPICAL))
    report = multum.pack(io.BytesIO(TYPICAL), io.BytesIO(), 1, program=byte_program())
    assert listing.archive_bytes == listing.program_bytes + listing.coded_bytes + listing.container_bytes
    assert (report.program_bytes, report.program) == (listing.program_bytes, listing.program)
    assert listing.ledger.program_bits == 8 * listing.program_bytes
    assert listing.ledger.total_bits == 8 * listing.archive_bytes
    assert 0.5 * byte_program().size_bytes < listing.program_bytes < 1.1 * byte_program().size_bytes


def test_a_program_by_reference_is_named_and_not_carried() -> None:
    archive = pack(TYPICAL, reference=True)
    listing = listed(archive)
    assert listing.program is not None
    assert (listing.program.name, listing.program.carried) == ("bytes-1", False)
    assert listing.program.digest == byte_program().digest.hex() == byte_program().network.digest.hex()
    assert listing.program.size_bytes == byte_program().size_bytes
    assert listing.program_bytes < 100
    assert multum.unpack_bytes(archive, program=byte_program()) == TYPICAL
    with multum.open(io.BytesIO(archive), program=byte_program()) as file:
        assert file.read() == TYPICAL


def test_a_missing_program_is_refused_with_its_digest() -> None:
    archive = pack(TYPICAL, reference=True)
    wanted = f"needs program 'bytes-1' of digest {byte_program().digest.hex()} and does not carry it"
    for read in (multum.unpack_bytes, lambda data: multum.test(io.BytesIO(data)), lambda d: multum.open(io.BytesIO(d))):
        with pytest.raises(multum.ProgramMismatch, match=wanted):
            read(archive)


@pytest.mark.parametrize("reference", [True, False])
def test_another_program_is_refused_with_both_digests(reference: bool) -> None:
    archive = pack(TYPICAL, reference=reference)
    one, other = (byte_program(seed).digest.hex() for seed in (1, 2))
    with pytest.raises(multum.ProgramMismatch, match=f"'bytes-1' of digest {one}; 'bytes-2' has {other}"):
        multum.unpack_bytes(archive, program=byte_program(2))


def test_an_archive_is_a_program_for_further_data(tmp_path: Path) -> None:
    first = tmp_path / "first.mtm"
    first.write_bytes(pack(b""))
    held = hold(first)
    assert held is not None
    assert held.digest == byte_program().digest
    again = multum.pack(io.BytesIO(TYPICAL), tmp_path / "again.mtm", 1, program=first, reference=True)
    assert again.coded_bytes == listed(pack(TYPICAL)).coded_bytes
    assert multum.unpack_bytes((tmp_path / "again.mtm").read_bytes(), program=first) == TYPICAL


def test_archives_that_carry_no_program_are_none(tmp_path: Path) -> None:
    plain, named = tmp_path / "plain.mtm", tmp_path / "named.mtm"
    plain.write_bytes(multum.pack_bytes(b"x"))
    named.write_bytes(pack(b"", reference=True))
    with pytest.raises(multum.UsageError, match="holds no program; give an archive that was packed with --program"):
        hold(plain)
    with pytest.raises(multum.UsageError, match="holds only the digest of 'bytes-1'"):
        hold(named)
    with pytest.raises(multum.UsageError, match="carries weights that are integers already; leave bits out"):
        hold(plain, 4)


def test_a_carried_program_over_tokens_cannot_split_text(tmp_path: Path) -> None:
    path = tmp_path / "text.mtm"
    path.write_bytes(pack(b"", text_program()))
    with pytest.raises(multum.UsageError, match="is carried without what splits text into its tokens"):
        multum.pack(io.BytesIO(b"some text"), io.BytesIO(), program=path)


@pytest.mark.parametrize("option", [{"reference": True}, {"alone": True}, {"bits": 4}])
def test_options_of_a_program_need_one(option: dict[str, bool]) -> None:
    with pytest.raises(multum.UsageError, match="reference, alone and bits are of a program; name one"):
        multum.pack(io.BytesIO(b""), io.BytesIO(), **option)  # type: ignore[arg-type]


def test_blocks_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "_BYTE_BLOCK", (300, 200))
    archive = pack(TYPICAL)
    assert [part.raw_bytes for part in listed(archive).parts] == [300, 200, 200]
    assert archive == pack(TYPICAL, threads=1)
    with multum.open(io.BytesIO(archive)) as file:
        for start in (550, 290, 10):
            file.seek(start)
            assert file.read(100) == TYPICAL[start : start + 100]


def test_thorough_levels_learn_in_one_block_where_one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "_BYTE_BLOCK", (900, 200))
    monkeypatch.setattr(coding, "_THOROUGH_BYTE_BLOCK", (900, 901))
    found = {
        (level, alone): [part.raw_bytes for part in listed(pack(TYPICAL, level=level, alone=alone)).parts]
        for level, alone in ((5, False), (7, False), (7, True))
    }
    assert found == {(5, False): [350, 350], (7, False): [700], (7, True): [350, 350]}


def test_packing_decodes_every_block_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "decode_block", lambda *_: b"other")
    with pytest.raises(multum.MultumError, match="does not decode to itself"):
        pack(TYPICAL)


def test_the_header_states_memory_for_the_program() -> None:
    archive = pack(TYPICAL)
    assert listed(archive).memory_bytes > byte_program().network.memory_bytes(1)
    with pytest.raises(multum.LimitExceeded, match="unpacking needs"):
        multum.unpack_bytes(archive, memory_limit=1 << 16)


def test_every_truncation_and_flip_is_refused() -> None:
    archive = pack(TYPICAL[:60], reference=True, alone=True)
    for position in range(len(archive)):
        flipped = bytearray(archive)
        flipped[position] ^= 0x40
        for bad in (archive[:position], bytes(flipped)):
            with pytest.raises(multum.MultumError):
                multum.unpack_bytes(bad, program=byte_program())


def test_streams_grow_with_the_block_and_never_with_the_machine() -> None:
    sizes = [1, 1 << 14, (1 << 14) + 1, 1 << 16, 1 << 20, 1 << 30]
    assert [spelling.plan_streams(size) for size in sizes] == [(1, 1), (1, 1), (2, 1), (2, 2), (2, 16), (2, 16)]


def test_pieces_of_tokens_come_back() -> None:
    pieces = (b"", b"a", bytes(300), b"the")
    assert decode_pieces(encode_pieces(pieces), 4) == pieces
    with pytest.raises(multum.FormatError, match="pieces has 4 bytes too many"):
        decode_pieces(encode_pieces(pieces), 3)
