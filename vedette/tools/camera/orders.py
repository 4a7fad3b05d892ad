"""What can be asked of a test camera: one order names a fault, whom it befalls, how strong it is and for how long."""

from typing import Any, Literal

from pydantic import Field, ValidationError

from vedette.kernel.errors import invalid
from vedette.schema.base import Body

type Kind = Literal[
    "stall",
    "rtcp_only",
    "half_open",
    "loss",
    "garbage",
    "unauthorized",
    "refuse",
    "sps_change",
    "clock_jump",
    "reboot",
    "slow",
    "end",
    "drop",
    "burst",
    "reorder",
    "wrong_ssrc",
    "wrong_channel",
    "no_keyframes",
    "redirect",
    "bare_sdp",
    "bad_length",
    "half_close",
    "xml_bomb",
    "endless_events",
    "resume",
]


type StreamName = Literal["main", "sub"]


class FaultOrder(Body):
    """One order. `camera` None means every camera, `stream` None both of its streams.

    A fault lasts until `resume`, or for `seconds`. Without duration by nature are `end` (the connection is closed after
    what was sent, no goodbye), `half_close` (only our side of it), `drop` (it is reset) and `reboot` (gone for
    `seconds`, then back, at `host` and `port` when they are given).
    """

    fault: Kind = Field(description="what goes wrong")
    camera: str | None = Field(None, description="name of the camera")
    stream: StreamName | None = Field(None, description="which of its streams")
    seconds: float | None = Field(None, gt=0, le=86_400, description="when it ends by itself")
    share: float = Field(0.05, gt=0, le=1, description="loss, garbage: the share of packets that it befalls")
    bytes_per_second: int = Field(2000, ge=1, le=10**9, description="slow: what gets through, a byte at a time")
    hold_seconds: float = Field(2.0, gt=0, le=60, description="burst: how long media is held before it comes at once")
    width: int | None = Field(None, ge=320, le=3840, description="sps_change: the new width")
    height: int | None = Field(None, ge=180, le=2160, description="sps_change: the new height")
    media_seconds: float = Field(
        3600.0, ge=-50_000, le=50_000, description="clock_jump: by how much RTP timestamps jump"
    )
    wall_seconds: float = Field(0.0, ge=-(10**9), le=10**9, description="clock_jump: by how much NTP time jumps")
    url: str = Field(
        "rtsp://192.0.2.10/elsewhere", max_length=500, pattern=r"^[!-~]+$", description="redirect: where to"
    )
    length: int = Field(-1, description="bad_length: what Content-Length says")
    host: str | None = Field(None, max_length=45, description="reboot: the new address")
    port: int | None = Field(None, ge=0, le=65_535, description="reboot: the new RTSP port, 0 for any")


def read[T: Body](kind: type[T], values: Any) -> T:
    """A body out of decoded JSON; Fault 400 that says what is wrong with it."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()]
        raise invalid("; ".join(found[:3])) from error


def read_order(values: Any) -> FaultOrder:
    """An order out of decoded JSON; Fault 400 that says what is wrong with it."""
    return read(FaultOrder, values)
