"""Outgoing HTTP between our own parts: time-outs always, over TCP or a unix socket, signed with who calls."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from vedette.kernel.auth import IDENTITY_HEADER, Identity, service_subject
from vedette.kernel.errors import Fault, unavailable

_BARE = ("user-agent", "accept", "accept-encoding", "content-type")
"""Headers that aiohttp would add by itself."""


class Client:
    """Calls one upstream. `base` is `http://host:port` or `unix:///path/to/socket`.

    It says who calls by the node's `identity`, as the service `caller`, or by a `bearer` token as any client would.
    """

    def __init__(
        self,
        base: str,
        *,
        caller: str = "",
        identity: Identity | None = None,
        bearer: str = "",
        timeout_s: float = 5.0,
    ) -> None:
        self._base, self._caller, self._identity, self._timeout_s = base, caller, identity, timeout_s
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.UnixConnector(self._base.removeprefix("unix://")) if self._is_unix else None
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def _is_unix(self) -> bool:
        return self._base.startswith("unix://")

    async def request(self, method: str, path: str, body: Any = None) -> bytes:
        """The body of the reply. Fault 503 when the upstream is away, the upstream's own status otherwise."""
        if self._session is None:
            raise RuntimeError("enter the client before calling")
        url = ("http://upstream" if self._is_unix else self._base) + path
        headers = dict(self._headers)
        if self._identity is not None:
            headers[IDENTITY_HEADER.decode()] = self._identity.sign(service_subject(self._caller))
        try:
            async with self._session.request(method, url, json=body, headers=headers) as reply:
                content = await reply.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unavailable(f"{method} {path} got no answer: {type(error).__name__}.") from error
        if reply.status >= 400:
            raise _upstream_fault(reply.status, content)
        return content

    async def send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """One exchange as it is, for surfaces that are not ours: status and body, whatever the status. Fault 503 when
        nobody answers."""
        if self._session is None:
            raise RuntimeError("enter the client before calling")
        url = URL(self._base + path, encoded=True)
        try:
            async with self._session.request(
                method, url, data=content, headers=headers, skip_auto_headers=_BARE
            ) as reply:
                return reply.status, await reply.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unavailable(f"{method} {path} got no answer: {type(error).__name__}.") from error

    async def request_json(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded reply; faults as `request`."""
        content = await self.request(method, path, body)
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError as error:
            raise unavailable(f"{method} {path} did not answer with JSON.") from error

    async def get_json(self, path: str) -> Any:
        """`request_json` with GET."""
        return await self.request_json("GET", path)


def _upstream_fault(status: int, content: bytes) -> Fault:
    try:
        decoded = msgspec.json.decode(content)
    except msgspec.DecodeError:
        decoded = {}
    body = decoded if isinstance(decoded, dict) else {}
    message = str(body.get("error_message") or body.get("error") or body.get("status") or "The upstream refused.")
    return Fault(str(body.get("error_code") or "CommunicationError"), status, message)
