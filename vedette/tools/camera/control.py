"""The control API of the test camera, on loopback only: `GET /cameras`, `POST /faults` and `POST /motion`."""

import json
from collections.abc import Callable
from typing import Protocol

from vedette.kernel.errors import Fault, invalid, not_found
from vedette.schema.base import Body
from vedette.tools.camera.orders import FaultOrder, read, read_order
from vedette.tools.camera.web import WebReply, WebRequest, json_reply

HOST = "127.0.0.1"


class Controlled(Protocol):
    """What is controlled."""

    def describe(self) -> list[dict[str, object]]:
        """Every camera."""

    def obey(self, order: FaultOrder) -> None:
        """Carry out an order."""


class Moved(Body):
    """Motion in front of a camera begins or ends."""

    camera: str
    active: bool


class Control:
    """Answers requests: `GET /cameras`, `POST /faults` with an order, `POST /motion` for ONVIF cameras."""

    def __init__(self, camera: Controlled, set_motion: Callable[[str, bool], None] | None = None) -> None:
        self._camera = camera
        self._set_motion = set_motion

    async def answer(self, request: WebRequest) -> WebReply:
        """One request; a Fault is the answer to a bad one."""
        match request.method, request.path:
            case "GET", "/cameras":
                return json_reply(self._camera.describe())
            case "POST", "/faults":
                self._camera.obey(read_order(_decoded(request.body)))
                return json_reply({"ok": True})
            case "POST", "/motion" if self._set_motion is not None:
                moved = read(Moved, _decoded(request.body))
                self._set_motion(moved.camera, moved.active)
                return json_reply({"ok": True})
            case _, "/cameras" | "/faults":
                raise Fault("MethodNotAllowedError", 405, "GET /cameras, POST /faults.")
        raise not_found("There are GET /cameras and POST /faults.")


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise invalid("The body is no JSON.") from error
