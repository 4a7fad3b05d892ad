"""The control API of the test camera, on loopback only: `GET /cameras` and `POST /faults`."""

import json
from typing import Protocol

from vedette.kernel.errors import Fault, invalid, not_found
from vedette.tools.camera.orders import FaultOrder, read_order
from vedette.tools.camera.web import WebReply, WebRequest, json_reply

HOST = "127.0.0.1"


class Controlled(Protocol):
    """What is controlled."""

    def describe(self) -> list[dict[str, object]]:
        """Every camera."""

    def obey(self, order: FaultOrder) -> None:
        """Carry out an order."""


class Control:
    """Answers requests: `GET /cameras`, `POST /faults` with an order."""

    def __init__(self, camera: Controlled) -> None:
        self._camera = camera

    async def answer(self, request: WebRequest) -> WebReply:
        """One request; a Fault is the answer to a bad one."""
        match request.method, request.path:
            case "GET", "/cameras":
                return json_reply(self._camera.describe())
            case "POST", "/faults":
                self._camera.obey(read_order(_decoded(request.body)))
                return json_reply({"ok": True})
            case _, "/cameras" | "/faults":
                raise Fault("MethodNotAllowedError", 405, "GET /cameras, POST /faults.")
        raise not_found("There are GET /cameras and POST /faults.")


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise invalid("The body is no JSON.") from error
