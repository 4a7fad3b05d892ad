"""Segments that are no longer what they were: reading them fails with a sentence, or finds what is left."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import clips, elementary
from vedette.kernel.errors import Fault
from vedette.media import fmp4, h264, mp4, mp4_index
from vedette.media.fmp4_writer import SegmentWriter, fragmented, seal

UNITS = elementary.interleaved(clips.encode(40, gop=20), elementary.encode_aac(1.3))
WHOLE = b"".join(fragmented(UNITS, audio=next(u.parameters for u in UNITS if u.parameters.is_audio)))
AUDIO = next(u.parameters for u in UNITS if u.parameters.is_audio)


def sealed() -> bytes:
    """The same as a recorder writes it: parts with seals, and the index."""
    writer = SegmentWriter(UNITS[0].parameters, audio=AUDIO, header=b"{}")
    parts = [part for unit in UNITS if (part := writer.write(unit)) is not None]
    return b"".join(part + seal(0, bytes(16)) for part in [*parts, writer.close()[0]])


SEALED = sealed()
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


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 4000), octets=st.binary(min_size=1, max_size=8))
def test_any_spoilt_index_is_refused_or_read(at: int, octets: bytes) -> None:
    at = len(SEALED) - 1 - at % (len(SEALED) - len(WHOLE))
    assert 0 <= read(SEALED[:at] + octets + SEALED[at + len(octets) :]) <= 40


def test_the_index_says_what_the_fragments_say() -> None:
    indexed, walked = (fmp4.read_tables(io.BytesIO(data)) for data in (SEALED, SEALED[:-1]))
    window = fmp4._Window(io.BytesIO(SEALED))
    assert mp4_index.tables_in(fmp4._index(window), fmp4._tracks(window)) is not None
    for left, right in zip(indexed, walked, strict=True):
        assert left.track is right.track
        for name in ("offset", "size", "dts", "duration", "shift", "is_keyframe"):
            assert np.array_equal(getattr(left, name), getattr(right, name)), name
    assert len(indexed[0]) == 40
    sizes = [(int(a), int(b)) for a, b in zip(indexed[0].offset, indexed[0].size, strict=True)]
    assert [h264.avcc_to_annexb(SEALED[at : at + size]) for at, size in sizes] == [
        unit.data for unit in UNITS if not unit.parameters.is_audio
    ]


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
