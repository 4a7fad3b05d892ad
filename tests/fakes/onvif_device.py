"""An ONVIF device on loopback that behaves as badly as it is told to: sloppy, slow, locked, hostile."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from vedette.kernel.clock import SystemClock, to_datetime
from vedette.media.rtsp_digest import challenges, parse_answer, verify

PROFILES = """<trt:GetProfilesResponse>
<trt:Profiles token="P2" fixed="true"><tt:Name>Small</tt:Name>
 <tt:VideoSourceConfiguration token="VSC"><tt:SourceToken>VS</tt:SourceToken></tt:VideoSourceConfiguration>
 <tt:VideoEncoderConfiguration token="VEC2"><tt:Encoding>H264</tt:Encoding>
  <tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution>
  <tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit><tt:BitrateLimit>512</tt:BitrateLimit></tt:RateControl>
  <tt:H264><tt:GovLength>30</tt:GovLength></tt:H264></tt:VideoEncoderConfiguration></trt:Profiles>
<trt:Profiles token="P1" fixed="true"><tt:Name>Large</tt:Name>
 <tt:VideoSourceConfiguration token="VSC"><tt:SourceToken>VS</tt:SourceToken></tt:VideoSourceConfiguration>
 <tt:VideoEncoderConfiguration token="VEC1"><tt:Encoding>H264</tt:Encoding>
  <tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution>
  <tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>
  <tt:H264><tt:GovLength>50</tt:GovLength></tt:H264></tt:VideoEncoderConfiguration>
 <tt:AudioEncoderConfiguration token="AEC"><tt:Encoding>AAC</tt:Encoding></tt:AudioEncoderConfiguration></trt:Profiles>
</trt:GetProfilesResponse>"""

PROFILES_2 = """<tr2:GetProfilesResponse>
<tr2:Profiles token="M1"><tr2:Name>Main</tr2:Name><tr2:Configurations>
 <tr2:VideoSource token="VSC"><tt:SourceToken>VS</tt:SourceToken></tr2:VideoSource>
 <tr2:VideoEncoder token="VE1" GovLength="60" Profile="Main"><tt:Encoding>H265</tt:Encoding>
  <tt:Resolution><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height></tt:Resolution>
  <tt:RateControl><tt:FrameRateLimit>30</tt:FrameRateLimit><tt:BitrateLimit>8000</tt:BitrateLimit></tt:RateControl>
 </tr2:VideoEncoder></tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>"""

INFO = """<tds:GetDeviceInformationResponse>
<tds:Manufacturer>Fake &amp; Sons</tds:Manufacturer><tds:Model>F1</tds:Model>
<tds:FirmwareVersion>1.2</tds:FirmwareVersion><tds:SerialNumber>F-0001</tds:SerialNumber>
<tds:HardwareId>HW</tds:HardwareId></tds:GetDeviceInformationResponse>"""

NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" '
    'xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" '
    'xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:w="http://docs.oasis-open.org/wsn/b-2"'
)
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 10 + b"\xff\xd9"
_REALM, _NONCE = "fake", "0123456789abcdef"

type Reply = str | web.StreamResponse | Callable[[web.Request, str], Awaitable[web.StreamResponse]]


def soap(body: str, namespaces: str = NAMESPACES) -> str:
    """A SOAP envelope around a body."""
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {namespaces}><s:Body>{body}</s:Body></s:Envelope>'


def media_uri(uri: str) -> str:
    """The reply to a question for a URI."""
    return f"<trt:GetUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri></trt:GetUriResponse>"


def soap_fault(code: str, reason: str) -> str:
    """The body of a SOAP fault with an ONVIF subcode."""
    return (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
    )


@dataclass
class FakeOnvif:
    """Replies by operation; `replies` takes a body, a whole response or a function. `asked` holds what came."""

    replies: dict[str, Reply] = field(default_factory=dict)
    namespaces: str = NAMESPACES
    told_host: str = ""
    services: tuple[str, ...] = ("media", "ptz", "imaging", "events")
    password: str | None = None
    http_digest: bool = False
    clock_skew_s: float = 0.0
    picture: bytes = JPEG
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def operations(self) -> list[str]:
        """Operations in the order in which they were asked."""
        return [name for name, _document in self.asked]

    def envelope(self, body: str) -> str:
        """A SOAP envelope in this device's name spaces."""
        return soap(body, self.namespaces)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One SOAP request."""
        document = await request.text()
        match = re.search(r"<s:Body><\w+:(\w+)", document)
        operation = match[1] if match else ""
        self.asked.append((operation, document))
        if operation != "GetSystemDateAndTime":
            refusal = self._refusal(request, document)
            if refusal is not None:
                return refusal
        reply = self.replies.get(operation, self._standard(operation))
        if callable(reply) and not isinstance(reply, str | web.StreamResponse):
            return await reply(request, operation)
        if isinstance(reply, web.StreamResponse):
            return reply
        status = 500 if "<s:Fault>" in reply else 200
        return web.Response(text=self.envelope(reply), status=status, content_type="application/soap+xml")

    async def serve_picture(self, request: web.Request) -> web.StreamResponse:
        """The snapshot; with HTTP digest when a password is set."""
        if self.password is not None and not self._digest_ok(request):
            return self._challenge()
        if request.path != "/picture.jpg":
            return web.Response(status=404)
        return web.Response(body=self.picture, content_type="image/jpeg")

    def now(self) -> datetime:
        """The device's clock."""
        return to_datetime(SystemClock().now()) + timedelta(seconds=self.clock_skew_s)

    def _standard(self, operation: str) -> str:
        host = self.told_host or self.address
        if operation == "GetSystemDateAndTime":
            now = self.now()
            return (
                "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>"
                f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
                f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
                "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
            )
        if operation == "GetServices":
            names = {"media": "ver10/media", "media2": "ver20/media", "ptz": "ver20/ptz", "imaging": "ver20/imaging"}
            names["events"] = "ver10/events"
            told = "".join(
                f"<tds:Service><tds:Namespace>http://www.onvif.org/{names[name]}/wsdl</tds:Namespace>"
                f"<tds:XAddr>http://{host}/onvif/{name}</tds:XAddr></tds:Service>"
                for name in self.services
            )
            return f"<tds:GetServicesResponse>{told}</tds:GetServicesResponse>"
        if operation == "GetDeviceInformation":
            return INFO
        if operation == "GetProfiles":
            return PROFILES_2 if "media2" in self.services else PROFILES
        if operation == "GetStreamUri":
            return media_uri(f"rtsp://{host if host[0] == '[' else host.partition(':')[0]}/live?a=1&amp;b=2")
        if operation == "GetSnapshotUri":
            return media_uri(f"http://{host}/picture.jpg")
        if operation == "GetEndpointReference":
            return "<tds:GetEndpointReferenceResponse><tds:GUID>urn:uuid:fa4e</tds:GUID>" + (
                "</tds:GetEndpointReferenceResponse>"
            )
        return soap_fault("ActionNotSupported", f"{operation} is not implemented")

    def _refusal(self, request: web.Request, document: str) -> web.Response | None:
        if self.password is None:
            return None
        if self.http_digest:
            return None if self._digest_ok(request) else self._challenge()
        if self._token_ok(document):
            return None
        text = self.envelope(soap_fault("NotAuthorized", "Sender not authorized"))
        return web.Response(text=text, status=400, content_type="application/soap+xml")

    def _token_ok(self, document: str) -> bool:
        parts = [re.search(rf"<\w+:{name}[^>]*>([^<]*)<", document) for name in ("Password", "Nonce", "Created")]
        if any(part is None for part in parts):
            return False
        digest, nonce, created = (part[1] for part in parts if part is not None)
        moment = datetime.fromisoformat(created.replace("Z", "+00:00"))
        if abs((moment - self.now().astimezone(UTC)).total_seconds()) > 5:
            return False
        content = base64.b64decode(nonce) + created.encode() + (self.password or "").encode()
        return base64.b64encode(hashlib.sha1(content).digest()).decode() == digest

    def _digest_ok(self, request: web.Request) -> bool:
        answer = parse_answer(request.headers.get("Authorization", ""))
        return answer is not None and verify(
            answer, method=request.method, uri=request.path_qs, realm=_REALM, nonce=_NONCE, password=self.password
        )

    @staticmethod
    def _challenge() -> web.Response:
        best, _other = challenges(realm=_REALM, nonce=_NONCE)
        return web.Response(status=401, headers={"WWW-Authenticate": best}, text="no")


@asynccontextmanager
async def fake_onvif(device: FakeOnvif) -> AsyncIterator[FakeOnvif]:
    """The device on a free port of loopback."""
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/{tail:.*}", device.handle)
    app.router.add_get("/{tail:.*}", device.serve_picture)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    device.port = runner.addresses[0][1]
    try:
        yield device
    finally:
        await runner.cleanup()


async def never(_request: web.Request, _operation: str) -> web.StreamResponse:
    """Accepts the request and stays silent."""
    await asyncio.Event().wait()
    raise RuntimeError("woken")


def streams(chunk: bytes) -> Callable[[web.Request, str], Awaitable[web.StreamResponse]]:
    """An answer that never ends."""

    async def stream(request: web.Request, _operation: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/soap+xml"})
        await response.prepare(request)
        try:
            while True:
                await response.write(chunk)
        except ConnectionError:
            return response

    return stream


async def trickles(request: web.Request, _operation: str) -> web.StreamResponse:
    """One byte at a time, so that no pause is long."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)
