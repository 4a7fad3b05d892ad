"""SOAP over HTTP to one camera: bounded in time and size, at the address that was checked, never redirected.

A camera is a hostile host: its replies are limited before they are parsed, nothing it says changes the host that we
speak to, and a password leaves us only as a digest (WS-UsernameToken, and HTTP digest when the server asks for it).
Certificates of cameras are self-signed as a rule, so TLS is not verified; the digests do not depend on it.
"""

import errno
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import anyio

from vedette.kernel.clock import US_PER_SECOND, Clock, from_datetime, to_iso
from vedette.kernel.errors import Fault, invalid, unprocessable
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core import onvif_calls, onvif_replies, onvif_xml
from vedette.services.vst.core.onvif_calls import Call
from vedette.services.vst.core.onvif_security import NONCE_BYTES, security_header
from vedette.services.vst.core.onvif_xml import Node, XmlError
from vedette.services.vst.model import Credentials

UNAUTHORIZED = "CameraUnauthorizedError"
UNSUPPORTED = "VMSNotSupportedError"
CALL_TIMEOUT_S = 5.0
_DEVICE_PATH = "/onvif/device_service"
_CONNECTIONS = 4
_CLOCK_AGE_S = 30.0
_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_DENIED = ("notauthorized", "failedauthentication", "invalidsecuritytoken", "not authorized", "unauthorized")
_NOT_THERE = ("actionnotsupported", "actionnotimplemented", "unknownaction", "notsupported", "action not supported")
_BAD_VALUE = ("invalidarg", "configmodify", "invalidnetworkmask", "invalidposition", "noentity", "noprofile", "notoken")


def device_url(where: str) -> str:
    """The device service of an address, `host:port` or URL. Fault 400 when it is none."""
    text = where.strip()
    if "://" not in text:
        bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
        text = f"http://{bare}{_DEVICE_PATH}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise invalid("The ONVIF address is wrong. Write it as 192.168.1.20 or http://192.168.1.20:8000/.") from error
    odd = len(text) > 1024 or any(ord(item) <= 32 or ord(item) == 127 for item in text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or odd:
        raise invalid("The ONVIF address is wrong. Write it as 192.168.1.20 or http://192.168.1.20:8000/.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path if parts.path not in {"", "/"} else _DEVICE_PATH
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path, parts.query, ""))


class SoapClient:
    """Calls to one device. Enter it before calling; `xaddr` is the device service as `device_url` gives it."""

    def __init__(
        self,
        xaddr: str,
        credentials: Credentials | None,
        *,
        dialler: CameraDialler,
        clock: Clock,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self.xaddr = device_url(xaddr)
        self._dialler, self._clock, self._timeout_s = dialler, clock, timeout_s
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._digests: dict[str, aiohttp.DigestAuthMiddleware] = {}
        self._address = ""
        self._offset_s: float | None = None
        self._date_offset_s: float | None = None
        self._clock_read_at: float | None = None
        self._clock_lock = anyio.Lock()

    async def __aenter__(self) -> Self:
        self._address = await self._dialler.resolve(self.xaddr)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=False, force_close=True),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # so that a small reply stays small
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def set_credentials(self, credentials: Credentials | None) -> None:
        """Whom the camera sees from the next call on."""
        self._credentials = credentials
        self._digests.clear()

    def reached(self, url: str) -> str:
        """A URL that the device gave, at the host that we reach; empty when it is none that we open."""
        return onvif_replies.reached_url(url, reached=self.xaddr, names=frozenset({self._address}))

    async def clock_offset_s(self) -> float | None:
        """The device's clock minus ours in seconds, to about a second; None when it does not tell.

        Faults as `ask` when the device cannot be reached at all; a refusal to tell the time is none.
        """
        async with self._clock_lock:
            if self._clock_read_at is None:
                await self._read_clock()
        return self._offset_s

    async def ask(self, wanted: Call, *, url: str = "", addressing: str = "") -> Node:
        """The body of the reply. Faults: 403 refused, 408 silent, 422 bad value, 501 not supported, 502 otherwise."""
        where = url or self.xaddr
        if self._credentials is None:
            return await self._once(wanted, where, addressing=addressing, signed=False)
        await self.clock_offset_s()
        try:
            return await self._once(wanted, where, addressing=addressing, signed=True)
        except Fault as fault:
            if fault.code != UNAUTHORIZED or not await self._clock_has_moved():
                raise
        return await self._once(wanted, where, addressing=addressing, signed=True)

    async def fetch(self, url: str, *, most_bytes: int) -> bytes:
        """The content behind a URL at the reached host. Faults as `ask`, and 404 when there is nothing."""
        status, headers, content = await self._exchange("GET", url, None, {}, most_bytes=most_bytes)
        if status == HTTPStatus.NOT_FOUND:
            raise Fault("VMSNoDataError", 404, "The camera has nothing at the address that it gave for its picture.")
        _refuse_status(status, headers, url, known=self._credentials is not None)
        return content

    async def _once(self, wanted: Call, url: str, *, addressing: str, signed: bool) -> Node:
        security = self._security() if signed else ""
        document = onvif_calls.envelope(wanted, security=security, addressing=addressing)
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{wanted.action}"'}
        status, answered, content = await self._exchange(
            "POST", url, document, headers, most_bytes=onvif_xml.MOST_BYTES, signed=signed
        )
        known = self._credentials is not None
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or 300 <= status < 400:
            _refuse_status(status, answered, url, known=known)
        try:
            root = onvif_xml.parse(content)
        except XmlError as error:
            _refuse_status(status, answered, url, known=known)
            raise _broken(f"The camera's answer to {wanted.operation} cannot be read: {error}.") from error
        told = onvif_replies.fault_of(root)
        if told is not None:
            raise _fault_of(*told, operation=wanted.operation, known=known)
        _refuse_status(status, answered, url, known=known)
        return root.child("Body") or root

    async def _exchange(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        most_bytes: int,
        signed: bool = True,
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            raise RuntimeError("enter the client before calling")
        middlewares = self._answering(url) if signed else ()
        target = self._dialled(url)
        try:
            with anyio.fail_after(self._timeout_s):
                async with self._session.request(
                    method, target, data=content, headers=headers, allow_redirects=False, middlewares=middlewares
                ) as reply:
                    self._note_date(reply.headers.get("Date", ""))
                    return reply.status, reply.headers, await _bounded(reply, most_bytes)
        except TimeoutError as error:
            message = "The camera did not answer in time. Is it on, and the address right?"
            raise Fault("DeviceRequestTimeoutError", 408, message) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise _unreachable(error) from error

    def _answering(self, url: str) -> tuple[aiohttp.DigestAuthMiddleware, ...]:
        """HTTP digest, one state per origin: a nonce of one server means nothing to another."""
        known = self._credentials
        if known is None or ":" in known.username:
            return ()
        origin = urlsplit(url).netloc
        if origin not in self._digests:
            self._digests[origin] = aiohttp.DigestAuthMiddleware(known.username, known.password)
        return (self._digests[origin],)

    def _dialled(self, url: str) -> str:
        """The same URL with the checked address in place of the name. Fault 502 for any other host."""
        parts = urlsplit(url)
        if parts.hostname != urlsplit(self.xaddr).hostname or parts.scheme not in {"http", "https"}:
            raise _broken("The camera names another host than itself. Add that device by its own address.")
        host = f"[{self._address}]" if ":" in self._address else self._address
        where = host if parts.port is None else f"{host}:{parts.port}"
        return urlunsplit((parts.scheme, where, parts.path, parts.query, ""))

    def _security(self) -> str:
        if self._credentials is None:
            return ""
        created = to_iso(self._clock.now() + round((self._offset_s or 0.0) * US_PER_SECOND))
        return security_header(self._credentials, nonce=secrets.token_bytes(NONCE_BYTES), created=created)

    async def _read_clock(self) -> None:
        wanted = onvif_calls.call("device", "GetSystemDateAndTime")
        try:
            told = onvif_replies.clock_of(await self._once(wanted, self.xaddr, addressing="", signed=False))
        except Fault as fault:
            if fault.code == "DeviceRequestTimeoutError" or isinstance(fault.__cause__, aiohttp.ClientError):
                raise
            told = None
        self._clock_read_at = self._clock.monotonic()
        self._offset_s = self._date_offset_s
        if told is not None:
            try:
                device = from_datetime(datetime(*told, tzinfo=UTC))
            except ValueError:  # the 31st of a short month
                return
            self._offset_s = (device - self._clock.now()) / US_PER_SECOND

    async def _clock_has_moved(self) -> bool:
        """Whether a refusal may come from a camera clock that was set since we read it."""
        async with self._clock_lock:
            if self._clock_read_at is None or self._clock.monotonic() - self._clock_read_at < _CLOCK_AGE_S:
                return False
            before = self._offset_s or 0.0
            await self._read_clock()
        return abs((self._offset_s or 0.0) - before) > 1.0

    def _note_date(self, header: str) -> None:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        self._date_offset_s = (from_datetime(aware) - self._clock.now()) / US_PER_SECOND


async def _bounded(reply: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _broken("The camera compresses its answer although nobody asked it to.")
    content = bytearray()
    async for chunk in reply.content.iter_chunked(65536):
        content += chunk
        if len(content) > most_bytes:
            raise _broken(f"The camera's answer is longer than {most_bytes} bytes.")
    return bytes(content)


def _refuse_status(status: int, headers: Mapping[str, str], url: str, *, known: bool) -> None:
    """Raises for a status that is no success."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        asks_for_basic = headers.get("WWW-Authenticate", "").lower().startswith("basic")
        if known and status == HTTPStatus.UNAUTHORIZED and asks_for_basic:
            message = "The camera wants its password in clear text, which is never sent. Turn on digest there."
            raise Fault(UNAUTHORIZED, 403, message)
        raise _refused(known)
    if 300 <= status < 400:
        try:
            place = urlsplit(headers.get("Location", "")).netloc.rpartition("@")[2]
        except ValueError:
            place = ""
        where = f" ({onvif_replies.short(place)})" if place else ""
        raise _broken(f"The camera sends us to another address{where}. Redirects are not followed: add it by that one.")
    if status >= 400:
        port = urlsplit(url).port or 80
        raise _broken(f"What answers at port {port} does not speak ONVIF (HTTP {status}). Check the port.")


def _refused(known: bool) -> Fault:
    if known:
        return Fault(UNAUTHORIZED, 403, "The camera refuses the user name or password. Check both.")
    return Fault(UNAUTHORIZED, 403, "The camera asks for a user name and a password. Give both.")


def _fault_of(codes: str, reason: str, *, operation: str, known: bool) -> Fault:
    text = f"{codes} {reason}".lower()
    if any(mark in text for mark in _DENIED):
        return _refused(known)
    if any(mark in text for mark in _NOT_THERE):
        return Fault(UNSUPPORTED, 501, f"The camera does not support {operation}.")
    why = reason or codes or "no reason given"
    if any(mark in text for mark in _BAD_VALUE):
        return unprocessable(f"The camera does not accept this in {operation}: {why}")
    return _broken(f"The camera refuses {operation}: {why}")


def _unreachable(error: Exception) -> Fault:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ECONNREFUSED:
        return _broken("Nothing listens at this address and port. Is ONVIF enabled on the camera?")
    if number in _UNREACHABLE:
        return _broken("No network leads to this address. Check the address and this box's network.")
    return _broken("The camera broke off the connection. Check address, port and network.")


def _broken(message: str) -> Fault:
    return Fault("CommunicationError", 502, message)
