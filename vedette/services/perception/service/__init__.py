"""The use cases of perception: watch a stream, stop watching it, say what is watched, change how often it is inferred.

Streams come from VST's events on the bus, from its list of live streams at start, or from a call; the same stream may
be announced any number of times.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import override
from urllib.parse import quote, urlsplit, urlunsplit

import anyio
import msgspec
from anyio.abc import TaskGroup

from vedette.kernel.client import Client
from vedette.kernel.context import Kernel
from vedette.kernel.errors import Fault, conflict, invalid
from vedette.kernel.lifecycle import ASGIApp, Backoff, Service, retry
from vedette.kernel.log import get_logger
from vedette.schema.sensor import SensorEvent
from vedette.schema.topics import MDX_RAW, VST_EVENT
from vedette.services.perception.adapters import vst_streams
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.migrations import m0001_initial
from vedette.services.perception.model import Pace, StreamReport, StreamRequest
from vedette.services.perception.service.ids import IdBlocks
from vedette.services.perception.service.meters import Meters
from vedette.services.perception.service.pipeline import Parts, Pipeline, Watcher
from vedette.services.perception.service.publisher import Outlet, Publisher
from vedette.services.perception.settings import PerceptionSettings

_FOLLOW = Backoff(first_s=0.25, most_s=5.0)
_NO_VST = "none"
_SCHEMES = {"rtsp", "rtsps"}
_log = get_logger("perception")
_events = msgspec.json.Decoder(SensorEvent)


@dataclass(slots=True)
class _Watch:
    """A running pipeline, how to end it, and whether VST announced it."""

    pipeline: Pipeline
    scope: anyio.CancelScope
    from_vst: bool


class Perception(Service):
    """Watches streams. `detectors` are the rows of the table that the settings may choose from."""

    def __init__(
        self,
        settings: PerceptionSettings,
        kernel: Kernel,
        *,
        detectors: Mapping[str, Detector],
        open_parts: Callable[[Publisher, IdBlocks, Meters], Parts],
    ) -> None:
        self._settings, self._kernel, self._open_parts = settings, kernel, open_parts
        self._watchers = {name: Watcher(detector, anyio.Lock()) for name, detector in detectors.items()}
        self._meters = Meters(kernel.telemetry)
        outlets: tuple[Outlet, ...] = (
            Outlet(replace(MDX_RAW, name=settings.topic, field=settings.field), settings.encoding),
        )
        if settings.minimal_topic:
            outlets += (Outlet(replace(MDX_RAW, name=settings.minimal_topic), "minimal"),)
        self._publisher = Publisher(kernel.bus, outlets)
        self._meters.published.set_function(lambda: self._publisher.published)
        self._meters.unpublished.set_function(lambda: self._publisher.dropped)
        self._watches: dict[str, _Watch] = {}
        self._relays: set[str] = set()
        self._parts: Parts | None = None
        self._tasks: TaskGroup | None = None
        self._app: ASGIApp | None = None
        self._following = False

    @property
    @override
    def name(self) -> str:
        return "perception"

    @property
    @override
    def app(self) -> ASGIApp:
        if self._app is None:
            raise RuntimeError("perception has no surface yet: build it with app.build")
        return self._app

    def mount(self, app: ASGIApp) -> None:
        """Gives the service its HTTP surface."""
        self._app = app

    @override
    def ready(self) -> str | None:
        if self._tasks is None:
            return "the detector is being loaded"
        return None if self._following else "the bus does not answer yet"

    @override
    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = self._kernel.open_database("perception")
            stack.callback(database.close)
            database.upgrade([m0001_initial])
            for choice in dict.fromkeys(choice.detector for choice in self._settings.detectors):
                await self._watchers[choice].detector.open()
            self._parts = self._open_parts(self._publisher, IdBlocks(database), self._meters)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(self._stopped)
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(self._guarded, "publish", self._publisher.run)
            tasks.start_soon(self._guarded, "follow", self._follow)
            self._tasks = tasks
            yield

    def add(self, request: StreamRequest, *, from_vst: bool = False) -> None:
        """Watches a stream. Known and unchanged: nothing happens; known and changed: it is opened anew."""
        if self._tasks is None or self._parts is None:
            raise Fault("ServiceUnavailableError", 503, "The detector is being loaded. Try again in a moment.")
        if urlsplit(request.url).scheme not in _SCHEMES:
            raise invalid("A stream needs an address that begins with rtsp:// or rtsps://.")
        known = self._watches.get(request.camera_id)
        if known is not None:
            known.from_vst = known.from_vst or from_vst
            if known.pipeline.request == request:
                return
            self.remove(request.camera_id)
        elif len(self._watches) >= self._settings.max_streams:
            raise conflict(
                f"{len(self._watches)} streams are watched, the most allowed. Remove one, or raise max_streams."
            )
        if from_vst:
            self._relays.add(urlsplit(request.url).netloc)
        watcher = self._watcher_of(request.name)
        pipeline = Pipeline(
            request,
            url=self._with_credentials(request.url),
            watcher=watcher,
            rules=self._rules(),
            pace=watcher.detector.pace(Pace(self._settings.interval, self._settings.infer_fps)),
            parts=self._parts,
        )
        watch = _Watch(pipeline, anyio.CancelScope(), from_vst)
        self._watches[request.camera_id] = watch
        self._meters.streams.set(len(self._watches))
        self._tasks.start_soon(_run, watch)
        _log.info("stream_added", sensor_id=request.camera_id, name=request.name)

    def remove(self, camera_id: str) -> None:
        """Stops watching a stream. Fault 404 when it is not watched."""
        watch = self._watches.pop(camera_id, None)
        if watch is None:
            raise _unknown(camera_id)
        watch.scope.cancel()
        self._meters.streams.set(len(self._watches))
        _log.info("stream_removed", sensor_id=camera_id)

    def list(self) -> list[StreamReport]:
        """What is watched, in order of arrival."""
        return [watch.pipeline.report for watch in self._watches.values()]

    def set_pace(self, camera_id: str, pace: Pace) -> None:
        """Changes how often a stream is inferred, at once; its tracks stay. Fault 404 when it is not watched."""
        watch = self._watches.get(camera_id)
        if watch is None:
            raise _unknown(camera_id)
        watch.pipeline.set_pace(pace)
        _log.info("pace_changed", sensor_id=camera_id, interval=pace.interval, infer_fps=pace.infer_fps)

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await retry(work, clock=self._kernel.clock, log=_log, name=name, backoff=_FOLLOW)

    async def _follow(self) -> None:
        """What VST has now, then what it announces; started again from the list after any loss."""
        self._following = False
        after = await self._kernel.bus.latest(VST_EVENT)
        self._following = True
        if self._settings.vst != _NO_VST:
            await self._reconcile()
        async for batch in self._kernel.bus.subscribe(VST_EVENT, after):
            for entry in batch.entries:
                self._on_event(entry.payload)

    async def _reconcile(self) -> None:
        base = self._settings.vst or f"unix://{self._kernel.run_dir / 'vst.sock'}"
        async with Client(base, caller=self.name, identity=self._kernel.identity) as client:
            requests = await vst_streams.list_streams(client)
        listed = {request.camera_id for request in requests}
        for camera_id in [item for item, watch in self._watches.items() if watch.from_vst and item not in listed]:
            self.remove(camera_id)
        for request in requests:
            self._admit(request)

    def _on_event(self, payload: bytes) -> None:
        try:
            event = _events.decode(payload).event
        except msgspec.MsgspecError as error:
            self._meters.bad_events.inc()
            _log.warning("bad_event", cause=error)
            return
        if event.change == "camera_streaming" and event.camera_url:
            self._admit(StreamRequest(event.camera_id, event.camera_name, event.camera_url))
        elif event.change == "camera_remove" and event.camera_id in self._watches:
            self.remove(event.camera_id)

    def _admit(self, request: StreamRequest) -> None:
        """Adds a stream that VST announced. One that cannot be watched is counted: it must not hold up the others."""
        try:
            self.add(request, from_vst=True)
        except Fault as refused:
            self._meters.refused.inc()
            _log.warning("stream_refused", sensor_id=request.camera_id, cause=refused)

    def _watcher_of(self, name: str) -> Watcher:
        for choice in self._settings.detectors:
            if fnmatchcase(name, choice.streams):
                return self._watchers[choice.detector]
        raise conflict(f"No detector is configured for the stream '{name}'. Add a pattern '*' to `detectors`.")

    def _rules(self) -> Rules:
        return Rules(
            track=self._settings.track_threshold,
            birth=self._settings.birth_threshold,
            max_predict_us=self._settings.max_predict_ms * 1000,
            max_tracks=self._settings.max_tracks,
        )

    def _with_credentials(self, url: str) -> str:
        """The URL as it is opened: the relay's own password is added for relays that VST announced, and for no one
        else.
        """
        parts = urlsplit(url)
        if "@" in parts.netloc or parts.netloc not in self._relays or not self._kernel.relay_secret:
            return url
        user, secret = quote(self._settings.relay_user, safe=""), quote(self._kernel.relay_secret, safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{parts.netloc}"))

    def _stopped(self) -> None:
        self._tasks, self._following = None, False
        self._watches.clear()


async def _run(watch: _Watch) -> None:
    with watch.scope:
        await watch.pipeline.run()


def _unknown(camera_id: str) -> Fault:
    return Fault("CameraNotFoundError", 404, f"No stream of a sensor '{camera_id}' is watched.")
