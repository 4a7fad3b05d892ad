"""Parameters and reply parts that several groups of routes share."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request
from fastapi.routing import APIRoute

from vedette.kernel.clock import from_iso, to_iso
from vedette.kernel.errors import invalid
from vedette.schema.identity import Subject
from vedette.services.vst.model import StreamKind, StreamStatus
from vedette.services.vst.service import Vst

ID_PATTERN = r"^[a-zA-Z0-9_-]+$"
type SensorId = Annotated[str, Path(alias="sensorId", pattern=ID_PATTERN, max_length=100)]
type StreamId = Annotated[str, Path(alias="streamId", pattern=ID_PATTERN, max_length=100)]
type JsonObject = dict[str, Any]


def check_stream_header(request: Request, stream_id: Annotated[str | None, Header(alias="streamId")] = None) -> None:
    """The routing header of NVIDIA's ingress: 400 when it contradicts the path, of no use otherwise."""
    named = request.path_params.get("streamId")
    if stream_id is not None and named is not None and stream_id != named:
        raise invalid("The header streamId contradicts the path. Send one of them, or the same in both.")


ROUTED = Depends(check_stream_header)


def instant(text: str | None) -> int | None:
    """An ISO-8601 parameter in microseconds UTC; epoch milliseconds count, too. Fault 400 otherwise."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and 11 <= len(text) <= 14:
        return int(text) * 1000
    # An unescaped + in a query arrives as a space.
    return from_iso(text[:-6] + "+" + text[-5:] if len(text) > 6 and text[-6] == " " else text)


def span(start_us: int, end_us: int) -> JsonObject:
    """A TimelineEntry."""
    return {"startTime": to_iso(start_us), "endTime": to_iso(end_us)}


def stream_info(status: StreamStatus, url: str) -> JsonObject:
    """A StreamInfo; `url` never holds credentials."""
    facts = status.facts
    return {
        "isMain": status.stream.kind is StreamKind.MAIN,
        "metadata": {
            "bitrate": "",
            "codec": facts.codec,
            "framerate": facts.framerate,
            "govlength": "",
            "resolution": facts.resolution,
        },
        "name": status.name,
        "storageLocation": "Local",
        "streamId": status.stream.stream_id,
        "type": "Rtsp",
        "url": url,
    }


def camera_streams(service: Vst, sensor_ids: Iterable[str]) -> list[JsonObject]:
    """One object a camera, its id the only key, as NVIDIA's clients iterate it; the addresses are the cameras' own."""
    return [{sensor_id: sensor_streams(service, sensor_id)} for sensor_id in sensor_ids]


def sensor_streams(service: Vst, sensor_id: str) -> list[JsonObject]:
    """The streams of one camera, the main one first."""
    return [stream_info(status, status.stream.url) for status in service.sensors.streams_of(sensor_id)]


def sensor_ids(service: Vst, caller: Subject) -> list[str]:
    """Ids of the cameras that the caller may see, the oldest first."""
    return [status.sensor.sensor_id for status in service.sensors.list(caller)]


def stream_ids(service: Vst, caller: Subject) -> list[str]:
    """Ids of the streams that the caller may see, a sensor's main stream first."""
    return [stream.stream_id for key in sensor_ids(service, caller) for stream in service.streams.of(key)]


async def timelines(service: Vst, wanted: Iterable[str]) -> JsonObject:
    """TimelineEntry lists by stream id."""
    found = {key: await service.coverage.timeline(key) for key in dict.fromkeys(wanted)}
    return {key: [span(item.start_us, item.end_us) for item in spans] for key, spans in found.items()}


def routes_of(router: APIRouter) -> list[tuple[str, str]]:
    """(method, path) of every route of a group, for its `help`."""
    found = [route for route in router.routes if isinstance(route, APIRoute)]
    return sorted((method, route.path) for route in found for method in route.methods or ())
