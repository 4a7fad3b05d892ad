"""The subscriptions of one device: what waits for each client, and the one property that is reported, motion."""

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass, field

from vedette.kernel.clock import Clock, to_iso
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Xml, el

MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
DIALECT = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
MOST_QUEUED = 256
_MOST_SUBSCRIPTIONS = 32


@dataclass(slots=True)
class PullPoint:
    """One subscription: what waits to be fetched, and until when it lives (microseconds UTC)."""

    until_us: int
    queue: deque[Xml] = field(default_factory=lambda: deque(maxlen=MOST_QUEUED))
    filled: asyncio.Event = field(default_factory=asyncio.Event)


class PullPoints:
    """The subscriptions of one device, and the one property that it reports: motion."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.motion = False
        self._points: dict[str, PullPoint] = {}
        self._numbers = itertools.count(1)

    def add(self, lifetime_s: float) -> str:
        """A new subscription, which begins with the state as it is; `SoapError` when there are too many."""
        self._expire()
        if len(self._points) >= _MOST_SUBSCRIPTIONS:
            raise SoapError("There are too many subscriptions.", "Action", code="Receiver", status=500)
        number = str(next(self._numbers))
        point = PullPoint(self.clock.now() + round(lifetime_s * 1e6))
        self._points[number] = point
        self._give(point, self._message("Initialized"))
        return number

    def get(self, number: str) -> PullPoint:
        """`SoapError` for one that has expired or never was."""
        self._expire()
        point = self._points.get(number)
        if point is None:
            raise SoapError("There is no such subscription.", "InvalidArgVal")
        return point

    def remove(self, number: str) -> None:
        """End a subscription."""
        self.get(number)
        del self._points[number]

    def clear(self) -> None:
        """Forget all of them, as a restart does."""
        self._points.clear()

    def set_motion(self, active: bool) -> None:
        """Something moves, or no more; every subscription hears of it."""
        self.motion = active
        for point in self._points.values():
            self._give(point, self._message("Changed"))

    def tell_again(self, point: PullPoint) -> None:
        """The state as it is, for one subscription."""
        self._give(point, self._message("Initialized"))

    def endless(self, count: int) -> list[Xml]:
        """So many messages out of nothing, as a device that never ends."""
        return [self._message("Changed")] * count

    def _give(self, point: PullPoint, message: Xml) -> None:
        point.queue.append(message)
        point.filled.set()

    def _message(self, operation: str) -> Xml:
        source = el("tt:SimpleItem", Name="VideoSourceConfigurationToken", Value="source_config")
        data = el("tt:SimpleItem", Name="IsMotion", Value=self.motion)
        told = el(
            "tt:Message",
            el("tt:Source", source),
            el("tt:Data", data),
            UtcTime=to_iso(self.clock.now()),
            PropertyOperation=operation,
        )
        return el("wsnt:NotificationMessage", el("wsnt:Topic", MOTION, Dialect=DIALECT), el("wsnt:Message", told))

    def _expire(self) -> None:
        now = self.clock.now()
        self._points = {number: point for number, point in self._points.items() if point.until_us > now}
