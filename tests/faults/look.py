"""Everything that a recorder's API says about a stream, and every unit that can be read back through it."""

import io

import av

from tests.faults.oracle import Found, Span
from tests.faults.synthetic import number_of
from tests.support.vst_running import Running
from vedette.kernel.clock import from_iso, to_iso

_TRIES = 5
_FOR_EVER_US = 32_503_680_000_000_000


async def look(vst: Running, stream_id: str, since_us: int) -> Found:
    """What the API lists of a stream from an instant on, and every unit in it, decoded.

    Footage may be aged out while it is read; then it is looked at again.
    """
    found = Found()
    for _ in range(_TRIES):
        found = await _read(vst, stream_id, await states(vst, stream_id, since_us))
        if _recorded(await states(vst, stream_id, since_us)) == _recorded(found.spans):
            break
    return found


def _recorded(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.state == "recorded"]


async def _read(vst: Running, stream_id: str, spans: list[Span]) -> Found:
    found = Found(spans=spans)
    for span in _recorded(spans):
        where = f"startTime={to_iso(span.start_us)}&endTime={to_iso(span.end_us)}"
        reply = await vst.ask("GET", f"/storage/file/{stream_id}?{where}")
        if reply.status != 200:
            found.unplayable.append(f"{where}: {reply.status} {reply.body[:200]!r}")
            continue
        try:
            found.clips.append(read_clip(reply.body))
        except (av.error.FFmpegError, ValueError) as error:
            found.unplayable.append(f"{where}: {error}")
    return found


async def states(vst: Running, stream_id: str, since_us: int) -> list[Span]:
    """What the ledger says of every second of a stream from `since_us` on."""
    where = f"startTime={to_iso(since_us)}&endTime={to_iso(_FOR_EVER_US)}"
    reply = await vst.ask("GET", f"/record/{stream_id}/coverage?{where}")
    if reply.status != 200:
        raise RuntimeError(f"coverage: {reply.status} {reply.body[:300]!r}")
    return [Span(from_iso(item["startTime"]), from_iso(item["endTime"]), item["state"]) for item in reply.json["spans"]]


def read_clip(content: bytes) -> list[tuple[int, int] | None]:
    """(camera, number) of every unit of an MP4; ValueError when not each of them becomes a picture."""
    numbers: list[tuple[int, int] | None] = []
    pictures = 0
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            if packet.size:
                numbers.append(number_of(bytes(packet)))
            pictures += len(packet.decode())
    if pictures != len(numbers):
        raise ValueError(f"{pictures} pictures out of {len(numbers)} units")
    return numbers
