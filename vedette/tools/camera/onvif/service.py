"""The HTTP face of one ONVIF device: finds the operation, checks who asks, serves the snapshot."""

import inspect
import secrets
from collections.abc import Mapping

from vedette.kernel.errors import Fault
from vedette.media import rtsp_digest
from vedette.tools.camera.onvif import device, events, imaging, media, media2, ptz, soap
from vedette.tools.camera.onvif.model import Call, DeviceState, Operation
from vedette.tools.camera.onvif.soap import NAMESPACES, Message, SoapError
from vedette.tools.camera.onvif.xml import Xml, el, group
from vedette.tools.camera.web import WebReply, WebRequest

REALM = "vedette"

_TABLES: Mapping[str, Mapping[str, Operation]] = {
    NAMESPACES["tds"]: device.OPERATIONS,
    NAMESPACES["trt"]: media.OPERATIONS,
    NAMESPACES["tr2"]: media2.OPERATIONS,
    NAMESPACES["timg"]: imaging.OPERATIONS,
    NAMESPACES["tptz"]: ptz.OPERATIONS,
    NAMESPACES["tev"]: events.OPERATIONS,
    NAMESPACES["wsnt"]: events.OPERATIONS,
}
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">'.encode() for n in range(1, 10))
    + b"]><b>&a9;</b>"
)


class OnvifService:
    """Answers for one device. Without `credentials` everyone may do everything."""

    def __init__(self, state: DeviceState, *, credentials: Mapping[str, str] | None) -> None:
        self.state = state
        self.denied = False
        self.hostile_xml = False
        self._credentials = credentials
        self._nonce = secrets.token_urlsafe(18)

    async def answer(self, request: WebRequest) -> WebReply:
        """A SOAP reply, a JPEG, or what is wrong with the request."""
        if request.method == "GET" and request.path.startswith(media.SNAPSHOT_PATH + "/"):
            return await self._snapshot(request)
        if request.method != "POST" or not request.path.startswith("/onvif/"):
            raise Fault("VMSNoDataError", 404, "There are the services under /onvif/ and the snapshot.")
        if self.hostile_xml:
            return WebReply(200, _BOMB, soap.CONTENT_TYPE)
        try:
            message = soap.read(request.body)
            self._authorise(request, message)
            return self._reply(message, await self._call(request, message))
        except SoapError as fault:
            extra = self._challenges() if fault.status == 401 else ()
            return WebReply(fault.status, soap.envelope(fault.body()), soap.CONTENT_TYPE, extra)

    async def _call(self, request: WebRequest, message: Message) -> Xml:
        table = _TABLES.get(message.operation.namespace, {})
        operation = table.get(message.operation.name)
        if operation is None:
            raise SoapError("This device has no such operation.", "ActionNotSupported", code="Receiver", status=500)
        host = request.headers.get("host") or request.local
        number = request.path.removeprefix(events.SUBSCRIPTION_PATH) if "/subscription/" in request.path else ""
        try:
            body = operation(Call(self.state, message, host if ":" in host else f"{host}:80", number))
            return await body if inspect.isawaitable(body) else body
        except ValueError as error:
            raise SoapError("An argument cannot be read.", "InvalidArgVal") from error
        except Fault as fault:
            raise SoapError(fault.message, "InvalidArgVal", status=fault.status) from fault

    def _reply(self, message: Message, body: Xml) -> WebReply:
        message_id = "" if message.header is None else message.header.value("MessageID")
        header = None
        if message_id:
            action = f"{message.operation.namespace}/{message.operation.name}Response"
            header = group(el("wsa:Action", action), el("wsa:RelatesTo", message_id))
        return WebReply(200, soap.envelope(body, header=header, sloppy=self.state.sloppy), soap.CONTENT_TYPE)

    async def _snapshot(self, request: WebRequest) -> WebReply:
        name = request.path.removeprefix(media.SNAPSHOT_PATH + "/").removesuffix(".jpg")
        stream = next((known for known in self.state.streams.stream_names() if known == name), None)
        if stream is None:
            raise Fault("VMSNoDataError", 404, "There is no such stream.")
        if not self._signed_in(request):
            return WebReply(401, b"", "text/plain", self._challenges())
        return WebReply(200, await self.state.streams.snapshot(stream), "image/jpeg")

    # --- who asks ----------------------------------------------------------------------------------------------------

    def _authorise(self, request: WebRequest, message: Message) -> None:
        public = message.operation.namespace == NAMESPACES["tds"] and message.operation.name in device.PUBLIC
        if public and not self.denied:
            return
        known = self._credentials or {}
        now = self.state.now()
        by_token = not self.denied and soap.user_of(message.header, password_of=known.get, now=now) is not None
        if not by_token and not self._signed_in(request):
            raise SoapError("Sender not authorised.", "NotAuthorized", status=401)

    def _signed_in(self, request: WebRequest) -> bool:
        """Whether HTTP digest proves a user, or none is asked for."""
        if self.denied or self._credentials is None:
            return not self.denied
        answer = rtsp_digest.parse_answer(request.headers.get("authorization", ""))
        if answer is None:
            return False
        return rtsp_digest.verify(
            answer,
            method=request.method,
            uri=request.target,
            realm=REALM,
            nonce=self._nonce,
            password=self._credentials.get(answer.username),
        )

    def _challenges(self) -> tuple[tuple[str, str], ...]:
        values = rtsp_digest.challenges(realm=REALM, nonce=self._nonce)
        return tuple(("WWW-Authenticate", value) for value in values)
