"""Segments that are no longer what they were: reading them fails with a sentence, or finds what is left."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips, elementary
from vedette.kernel.errors import Fault
from vedette.media import fmp4, mp4
from vedette.media.fmp4_writer import fragmented

UNITS = elementary.interleaved(clips.encode(40, gop=20), elementary.encode_aac(1.3))
WHOLE = b"".join(fragmented(UNITS, audio=next(u.parameters for u in UNITS if u.parameters.is_audio)))
HEADER = WHOLE.index(b"mdat")


def read(data: bytes) -> int:
    """How many pictures are found, 0 when it is refused."""
    try:
        tables = fmp4.read_tables(io.BytesIO(data))
    except Fault:
        return 0
    for table in tables:
        assert len({len(column) for column in (table.offset, table.size, table.dts, table.duration, table.shift)}) == 1
        assert len(table) == 0 or min(table.size.min(), table.offset.min(), table.duration.min()) >= 0
    return len(tables[0])


def test_what_is_whole_is_read() -> None:
    assert read(WHOLE) == 40


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, HEADER), octets=st.binary(min_size=1, max_size=8))
def test_any_spoilt_header_is_refused_or_read(at: int, octets: bytes) -> None:
    assert read(WHOLE[:at] + octets + WHOLE[at + len(octets) :]) >= 0


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, len(WHOLE)), tail=st.binary(max_size=40))
def test_any_torn_file_is_refused_or_read(cut: int, tail: bytes) -> None:
    assert read(WHOLE[:cut] + tail) <= 40


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    assert read(data) == 0


def test_a_fragment_that_claims_four_billion_samples_takes_no_memory() -> None:
    [track] = mp4.parse_moov(dict(mp4.boxes(b"".join(fragmented(clips.encode(1)))))[b"moov"])[:1]

    def box(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(payload), kind) + payload

    tfhd = box(b"tfhd", struct.pack(">II", 0, track.number))
    tfdt = box(b"tfdt", struct.pack(">II", 0, 0))
    bare = box(b"traf", tfhd + tfdt + box(b"trun", struct.pack(">II", 0, 0xFFFF_FFFF)))
    with pytest.raises(ValueError, match="more samples"):
        mp4.tables_of([track], [(0, bare)])
    rows = box(b"traf", tfhd + tfdt + box(b"trun", struct.pack(">II", 0x200, 0xFFFF_FFFF)))
    with pytest.raises(ValueError, match="buffer"):
        mp4.tables_of([track], [(0, rows)])
    negative = box(b"traf", tfhd + tfdt + box(b"trun", struct.pack(">III", 0x200, 1, 0xFFFF_FFFF)))
    with pytest.raises(ValueError, match="cannot be"):
        mp4.tables_of([track], [(0, negative)])
