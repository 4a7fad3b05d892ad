"""Events of a camera by PullPoint, renewed while somebody listens; a feed that fails becomes unknown, not quiet.

Why a sink and not a queue: what is told must be told in order with the staleness of the feed, and never pile up here.
"""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import anyio

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import Logger
from vedette.services.vst.adapters.onvif.device import OnvifDevice
from vedette.services.vst.adapters.onvif.soap import UNSUPPORTED
from vedette.services.vst.core import onvif_calls
from vedette.services.vst.core.onvif_calls import Call
from vedette.services.vst.core.onvif_events import MOST_EVENTS, Subscription, events_of, subscription_of
from vedette.services.vst.core.onvif_types import Event
from vedette.services.vst.core.onvif_xml import Node

LIFETIME_S = 60
WAIT_S = 3
_RENEW_AFTER_S = LIFETIME_S / 2
_EAGER_S = 0.25
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class Stale:
    """No pull has succeeded for a while: what the last events said is unknown now. `reason` is for a person."""

    since_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """Pulls succeed again; devices repeat the state of their properties after it."""


type Told = Event | Stale | Fresh
type Sink = Callable[[Told], None]


async def events(device: OnvifDevice) -> AsyncGenerator[list[Event]]:
    """One subscription: a list for each pull that succeeded, empty when nothing happened. Ends by a Fault only.

    A device that answers at once instead of waiting is asked four times a second at most.
    """
    clock = device.clock
    subscription = await _create(device)
    renewed_at = clock.monotonic()
    try:
        while True:
            began = clock.monotonic()
            told = await _send(device, subscription, onvif_calls.pull_messages(WAIT_S, MOST_EVENTS))
            yield events_of(told)
            if clock.monotonic() - renewed_at >= _RENEW_AFTER_S:
                subscription = await _renewed(device, subscription)
                renewed_at = clock.monotonic()
            if clock.monotonic() - began < _EAGER_S:
                await clock.sleep(_EAGER_S)
    finally:
        with anyio.move_on_after(_FAREWELL_S, shield=True):
            await _leave(device, subscription)


async def watch(
    connect: Callable[[], OnvifDevice],
    sink: Sink,
    *,
    clock: Clock,
    log: Logger,
    stale_after_s: float = 15.0,
    jitter: Callable[[], float] = lambda: 1.0,
) -> None:
    """Tells `sink` of a camera's events until cancelled, reconnecting for ever.

    `connect` makes an unentered device, with the address and credentials of that moment. After `stale_after_s` without
    a successful pull the sink gets one `Stale`, and one `Fresh` with the next success. The sink must not block.
    """
    feed = _Feed(sink, clock, stale_after_s)

    async def session() -> None:
        async with connect() as device, aclosing(events(device)) as pulls:
            async for told in pulls:
                feed.pulled(told)

    backoff = Backoff(first_s=0.5, most_s=10.0, healthy_s=30.0)
    await retry(
        session, clock=clock, log=log, name="onvif_events", backoff=backoff, jitter=jitter, on_failure=feed.failed
    )


class _Feed:
    """When the events of a camera count."""

    def __init__(self, sink: Sink, clock: Clock, stale_after_s: float) -> None:
        self._sink, self._clock, self._stale_after_s = sink, clock, stale_after_s
        self._good_at, self._good_us = clock.monotonic(), clock.now()
        self._stale = False

    def pulled(self, told: list[Event]) -> None:
        if self._stale:
            self._stale = False
            self._sink(Fresh())
        self._good_at, self._good_us = self._clock.monotonic(), self._clock.now()
        for event in told:
            self._sink(event)

    def failed(self, error: Exception) -> None:
        if self._stale or self._clock.monotonic() - self._good_at < self._stale_after_s:
            return
        self._stale = True
        reason = error.message if isinstance(error, Fault) else "The camera's events have ended."
        self._sink(Stale(self._good_us, reason))


async def _create(device: OnvifDevice) -> Subscription:
    if not await device.has("events"):
        raise Fault(UNSUPPORTED, 501, "The camera has no events service.")
    service = Subscription((await device.services())["events"])
    told = subscription_of(await _send(device, service, onvif_calls.create_pull_point(LIFETIME_S)))
    return told if _dialled(device, told).startswith("http") else replace(service, references=told.references)


async def _renewed(device: OnvifDevice, subscription: Subscription) -> Subscription:
    """The subscription, renewed; a new one where devices cannot renew or have forgotten it."""
    try:
        await _send(device, subscription, onvif_calls.renew(LIFETIME_S))
    except Fault as fault:
        if fault.code != UNSUPPORTED and fault.status not in {422, 502}:
            raise
        return await _create(device)
    return subscription


async def _leave(device: OnvifDevice, subscription: Subscription) -> None:
    """Ends it, so that cameras with few subscriptions have one free; a camera that is gone needs no farewell."""
    try:
        await _send(device, subscription, onvif_calls.unsubscribe())
    except Fault:
        return


async def _send(device: OnvifDevice, subscription: Subscription, wanted: Call) -> Node:
    """Addressed with what the device itself calls the subscription, sent to where we reach it."""
    addressing = onvif_calls.addressing_header(
        wanted,
        to=subscription.address,
        message_id=f"urn:uuid:{uuid.uuid4()}",
        references=subscription.references,
    )
    return await device.client.ask(wanted, url=_dialled(device, subscription), addressing=addressing)


def _dialled(device: OnvifDevice, subscription: Subscription) -> str:
    return device.client.reached(subscription.address)
