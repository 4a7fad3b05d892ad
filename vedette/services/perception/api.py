"""The control surface, in the words of DeepStream's stream control; contract README §7."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field, model_validator

from vedette.kernel.errors import invalid
from vedette.kernel.http import requires
from vedette.schema.base import Body
from vedette.schema.identity import Action, Subject
from vedette.services.perception.model import Pace, StreamReport, StreamRequest, StreamState
from vedette.services.perception.service import Perception

_Id = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=100)]


class _Loose(Body):
    """Published bodies are snake_case and may carry more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=None)


class StreamValue(_Loose):
    """One camera as it is added or removed."""

    camera_id: _Id
    camera_name: str = Field("", max_length=200)
    camera_url: str = Field("", max_length=2000)
    change: str = ""


class StreamCommand(_Loose):
    """Either shape: `{"key": "sensor", "value": {…}}`, or the envelope of the bus with `event`."""

    key: str = "sensor"
    value: StreamValue | None = None
    event: StreamValue | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "StreamCommand":
        if (self.value is None) == (self.event is None):
            raise ValueError("send the camera under `value` or under `event`")
        return self

    @property
    def camera(self) -> StreamValue:
        """The camera, whichever key it came under."""
        camera = self.value or self.event
        assert camera is not None  # noqa: S101 - the validator saw one
        return camera


class PaceValue(_Loose):
    """Which stream, and how often it is inferred from now on: an interval, or a rate."""

    stream_id: _Id
    interval: int | None = Field(None, ge=0, le=60)
    infer_fps: float | None = Field(None, gt=0, le=120)


class PaceCommand(_Loose):
    """`{"stream": {"stream_id": …, "interval": …}}`; `infer_fps` is our addition."""

    stream: PaceValue


class Done(_Loose):
    """What happened, as DeepStream words it."""

    status: str = "HTTP/1.1 200 OK"
    reason: str


class StreamInfo(_Loose):
    """One watched stream. Costs are seconds of work since it was added."""

    source_id: int
    camera_id: str
    camera_name: str
    state: StreamState
    cause: str
    width: int
    height: int
    interval: int
    infer_fps: float | None
    frames: int
    inferences: int
    dropped: int
    tracks: int
    decode_s: float
    inference_s: float
    tracking_s: float


class StreamInfos(_Loose):
    """The watched streams and their number."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=lambda name: name.replace("_", "-"))

    stream_count: int
    stream_info: list[StreamInfo]


class StreamInfoReply(_Loose):
    """The reply of `get-stream-info`."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=None, populate_by_name=True)

    status: str = "HTTP/1.1 200 OK"
    reason: str = "GET_STREAM_INFO_SUCCESS"
    stream_info: StreamInfos = Field(alias="stream-info")


def build_router(service: Perception) -> APIRouter:
    """All routes of perception."""
    router = APIRouter(prefix="/api/v1")
    _add_control(router, service)
    _add_probes(router, service)
    return router


def _add_control(router: APIRouter, service: Perception) -> None:
    @router.post("/stream/add", tags=["stream"], dependencies=[requires(Action.CONFIGURE)])
    async def add_stream(command: StreamCommand) -> Done:
        """Watch a stream. The same stream may be added again; a changed one is opened anew."""
        camera = command.camera
        _check_change(camera, {"", "camera_add", "camera_streaming"})
        _check_url(camera.camera_url)
        service.add(StreamRequest(camera.camera_id, camera.camera_name or camera.camera_id, camera.camera_url))
        return Done(reason="STREAM_ADD_SUCCESS")

    @router.post("/stream/remove", tags=["stream"], dependencies=[requires(Action.CONFIGURE)])
    async def remove_stream(command: StreamCommand) -> Done:
        """Stop watching a stream. 404 when it is not watched."""
        _check_change(command.camera, {"", "camera_remove"})
        service.remove(command.camera.camera_id)
        return Done(reason="STREAM_REMOVE_SUCCESS")

    @router.get("/stream/get-stream-info", tags=["stream"])
    async def get_stream_info(caller: Annotated[Subject, requires(Action.VIEW)]) -> StreamInfoReply:
        """Which streams are watched, how they are, and what each costs; only those that the caller may see."""
        seen = [item for item in service.list() if not caller.sensors or item.camera_id in caller.sensors]
        infos = [_info(number, report) for number, report in enumerate(seen)]
        return StreamInfoReply(stream_info=StreamInfos(stream_count=len(infos), stream_info=infos))

    @router.post("/infer/set-interval", tags=["infer"], dependencies=[requires(Action.CONFIGURE)])
    async def set_interval(command: PaceCommand) -> Done:
        """Change how often a stream is inferred, at once; tracks and their ids stay."""
        wanted = command.stream
        if (wanted.interval is None) == (wanted.infer_fps is None):
            raise invalid("Send `interval` or `infer_fps`, one of both.")
        service.set_pace(wanted.stream_id, Pace(wanted.interval or 0, wanted.infer_fps))
        return Done(reason="INFER_SET_INTERVAL_SUCCESS")


def _add_probes(router: APIRouter, service: Perception) -> None:
    def answer(name: str, reason: str | None) -> JSONResponse:
        status = "HTTP/1.1 200 OK" if reason is None else "HTTP/1.1 503 Service Unavailable"
        text = f"GET_{name}_STATUS_SUCCESS" if reason is None else reason
        return JSONResponse({"status": status, "reason": text}, 200 if reason is None else 503)

    @router.get("/live", tags=["probes"], dependencies=[requires(Action.PUBLIC)])
    async def live() -> JSONResponse:
        """The process answers."""
        return answer("LIVE", None)

    @router.get("/ready", tags=["probes"], dependencies=[requires(Action.PUBLIC)])
    async def ready() -> JSONResponse:
        """200 when streams can be added, else 503 and the reason."""
        return answer("READY", service.ready())

    @router.get("/startup", tags=["probes"], dependencies=[requires(Action.PUBLIC)])
    async def startup() -> JSONResponse:
        """200 when the detector is loaded, else 503 and the reason."""
        return answer("STARTUP", service.ready())


def _check_change(camera: StreamValue, allowed: set[str]) -> None:
    if camera.change not in allowed:
        raise invalid(f"change is '{camera.change}', here it must be {' or '.join(sorted(allowed - {''}))}.")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"rtsp", "rtsps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise invalid("camera_url must be an RTSP address such as rtsp://host:554/path.")


def _info(number: int, report: StreamReport) -> StreamInfo:
    return StreamInfo(
        source_id=number,
        camera_id=report.camera_id,
        camera_name=report.name,
        state=report.state,
        cause=report.cause,
        width=report.width,
        height=report.height,
        interval=report.pace.interval,
        infer_fps=report.pace.infer_fps,
        frames=report.frames,
        inferences=report.inferences,
        dropped=report.dropped,
        tracks=report.tracks,
        decode_s=round(report.decode_s, 3),
        inference_s=round(report.inference_s, 3),
        tracking_s=round(report.tracking_s, 3),
    )
