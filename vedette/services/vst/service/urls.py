"""Temporary addresses: a clip or a picture that whoever knows the address may fetch until it expires.

The address is random, so it cannot be guessed. Asked for again, the same content keeps its address and gets a later
end.
"""

from dataclasses import dataclass

import msgspec

from vedette.kernel.auth import new_secret
from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault, not_found
from vedette.kernel.log import get_logger
from vedette.services.vst.service.clips import ClipRequest
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import Share, UploadStore

_MINUTE_US = 60 * US_PER_SECOND
_REMEMBERED_US = 24 * 3600 * US_PER_SECOND
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """The picture of a stream at an instant, in a size that may be left open."""

    stream_id: str
    at_us: Instant
    width: int | None = None
    height: int | None = None


class _Content(msgspec.Struct, omit_defaults=True):
    clip: ClipRequest | None = None
    picture: PictureRequest | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A temporary address: its secret part, and until when it gives its content."""

    token: str
    expires_us: Instant


class Urls:
    """Temporary addresses, in the database, so that they outlive a restart."""

    def __init__(self, parts: Parts) -> None:
        self._database, self._clock = parts.database, parts.clock

    async def share(self, request: ClipRequest | PictureRequest, *, minutes: int, actor: str) -> Address:
        """An address for a clip or a picture; the one it has already, if it has one, for at least as long."""
        now_us = self._clock.now()
        content = msgspec.json.encode(_content(request))
        expires_us = now_us + minutes * _MINUTE_US

        def work(connection: Transaction) -> Address:
            store = UploadStore(connection)
            store.delete_shares(now_us - _REMEMBERED_US)
            known = store.find_share(content)
            share = Share(
                token=known.token if known else new_secret(_TOKEN_BYTES),
                stream_id=request.stream_id,
                content=content,
                expires_us=max(expires_us, known.expires_us) if known else expires_us,
            )
            store.set_share(share)
            return Address(share.token, share.expires_us)

        address = await self._database.write(work, durable=True)
        get_logger("vst").info("address_shared", stream_id=request.stream_id, minutes=minutes, actor=actor)
        return address

    async def open(self, token: str) -> ClipRequest | PictureRequest:
        """What an address gives. Faults: 404 for none, 410 for one that has expired."""
        share = await self._database.read(lambda connection: UploadStore(connection).get_share(token))
        if share is None:
            raise not_found("There is nothing at this address.")
        if share.expires_us <= self._clock.now():
            raise Fault("VMSNoDataError", 410, "This address has expired. Ask for a new one.")
        content = msgspec.json.decode(share.content, type=_Content)
        found = content.clip or content.picture
        if found is None:
            raise not_found("There is nothing at this address.")
        return found


def _content(request: ClipRequest | PictureRequest) -> _Content:
    return _Content(clip=request) if isinstance(request, ClipRequest) else _Content(picture=request)
