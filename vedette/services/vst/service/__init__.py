"""The use cases of VST, and its life: recover, relay, cameras, viewers, ageing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from vedette.kernel.clock import to_iso
from vedette.kernel.context import Kernel
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault, invalid, unavailable
from vedette.kernel.lifecycle import ASGIApp, Backoff, Receive, Scope, Send, retry
from vedette.kernel.log import get_logger
from vedette.media.hub import Hub
from vedette.media.rtsp_server import HubMount, Mount, RtspServer
from vedette.schema.identity import Subject
from vedette.services.vst.adapters import alive
from vedette.services.vst.adapters.credentials import Vault
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.adapters.webrtc import PeerFactory
from vedette.services.vst.core.health import HealthState
from vedette.services.vst.migrations import STEPS
from vedette.services.vst.model import FILE_KIND, Sensor, Stream, StreamKind
from vedette.services.vst.service import recovery
from vedette.services.vst.service.alerts import CameraAlerts
from vedette.services.vst.service.camera import Camera
from vedette.services.vst.service.camera_events import CameraEvents
from vedette.services.vst.service.camera_list import CameraList
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.chunks import Chunks
from vedette.services.vst.service.coverage import Coverage
from vedette.services.vst.service.cutter import phase_of
from vedette.services.vst.service.deletion import FOR_EVER_US, Deleted, Deletion
from vedette.services.vst.service.devices import Devices
from vedette.services.vst.service.discovery import Finder
from vedette.services.vst.service.events import Outbox, Silence
from vedette.services.vst.service.evidence import KEY_FILE, Evidence
from vedette.services.vst.service.file_sensor import FileSensor
from vedette.services.vst.service.files import Files
from vedette.services.vst.service.footage import Footage
from vedette.services.vst.service.forecast import Forecasts
from vedette.services.vst.service.frames import Frames
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA
from vedette.services.vst.service.live import LiveSessions
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.policy import Policies
from vedette.services.vst.service.previews import Previews
from vedette.services.vst.service.quality import Quality
from vedette.services.vst.service.readings import Readings
from vedette.services.vst.service.reaper import Reaper
from vedette.services.vst.service.recorder import Recorder
from vedette.services.vst.service.schedules import Director
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.streams import Streams
from vedette.services.vst.service.tiers import Tiers
from vedette.services.vst.service.uploads import Uploads
from vedette.services.vst.service.urls import Urls
from vedette.services.vst.settings import VstSettings

_KEY_FILE = "credentials.key"
_UPLOADS = "uploads"
_CHUNKS = "chunks"
_PREVIEWS = "previews"
_ALIVE = "alive"
_ALIVE_S = 2.0
_LIVE = "/live/"
_COUNT_CLIENTS_S = 5.0


class Vst:
    """The service. Its parts do the work; this wires them and runs them in order."""

    name = "vst"

    def __init__(self, settings: VstSettings, kernel: Kernel, *, make_peer: PeerFactory) -> None:
        self.settings, self._kernel = settings, kernel
        self._app: ASGIApp = _no_app
        self._reason: str | None = "starting"
        self._relay_port = 0
        self._vault: Vault | None = None
        meters, database = Meters(kernel.telemetry), _open_catalogue(kernel)
        self._parts = Parts(
            settings=settings,
            clock=kernel.clock,
            meters=meters,
            outbox=Outbox(kernel.bus, kernel.clock, meters),
            database=database,
            catalogue=Catalogue(database),
            folder=SegmentFolder(kernel.data_dir / MEDIA),
        )
        self.streams = Streams(self._parts)
        self.sensors = Sensors(
            self._parts, self.streams, vault=self._open_vault, make_camera=self._make_camera, look=self._look
        )
        self.director = Director(
            self._parts, self.streams, bus=kernel.bus, apply=self.sensors.feeds.apply, sensors_named=self.sensors.named
        )
        self.camera_events = CameraEvents(self._parts, self.sensors, self.streams, report=self.director.report)
        self.alerts = CameraAlerts(self._parts)
        self.readings = Readings(self._parts, bus=kernel.bus, sensors_named=self.sensors.named)
        self.devices = Devices(self._parts, self.sensors, self.streams)
        self.finder = Finder(self._parts, self.sensors)
        self.camera_list = CameraList(self.sensors, self.streams)
        self.quality = Quality(self._parts, self.sensors, self.streams)
        self.relay_clients = 0
        self.footage = Footage(self._parts, self.sensors)
        self.coverage = Coverage(self._parts, self.sensors)
        self.policies, self.deletion = Policies(self._parts), Deletion(self._parts)
        self.tiers = self.deletion.tiers = Tiers(self._parts, data_dir=kernel.data_dir)
        self.reaper = Reaper(self._parts, self.policies, self.deletion, self.tiers)
        self.forecasts, self.files = Forecasts(self._parts, self.tiers), Files(self._parts, self.deletion)
        self.evidence = Evidence(database, kernel.clock, kernel.data_dir / KEY_FILE)
        self.uploads = Uploads(self._parts, self.sensors, self.deletion, root=kernel.data_dir / _UPLOADS)
        self.chunks = Chunks(self._parts, self.uploads, kernel.data_dir / _CHUNKS)
        self.previews = Previews(
            self._parts, self.sensors, self.footage, self.coverage, root=kernel.data_dir / _PREVIEWS
        )
        self.deletion.on_deleted = self.previews.forget
        self.urls, self.frames = Urls(self._parts), Frames(self._parts, self.footage.segments)
        self._silence = Silence(kernel.bus, kernel.clock, meters)
        self.live = LiveSessions(self._parts, self.sensors, make_peer)

    @property
    def app(self) -> ASGIApp:
        """The HTTP surface."""
        return self._app

    @property
    def relay_port(self) -> int:
        """The RTSP relay's port, 0 while it is not bound."""
        return self._relay_port

    def mount(self, app: ASGIApp) -> None:
        """Gives the service its HTTP surface."""
        self._app = app

    def ready(self) -> str | None:
        """None when cameras can be added and are recorded; else what is wrong."""
        failing = [status.reason for status in self.sensors.list() if status.reason and status.health == "online"]
        return self._reason or self._parts.disk.alarm or (failing[0] if failing else None)

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Recovers, then runs relay, cameras, viewers and ageing."""
        await self._prepare()
        relay = RtspServer(
            host=self.settings.relay_host,
            port=self.settings.relay_port,
            mounts=self._mounted,
            authenticate=lambda _reader: self._kernel.relay_secret,
            clock=self._kernel.clock,
        )
        try:
            async with _bound(relay, self.settings), anyio.create_task_group() as group:
                self._relay_port = relay.port
                await self._start(group, relay)
                try:
                    yield
                finally:
                    self._reason = "stopping"
                    with anyio.CancelScope(shield=True):
                        await self.live.close_all()
                    group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._parts.outbox.flush()
                self._parts.database.close()

    async def remove_sensor(self, sensor_id: str, *, delete_recordings: bool, caller: Subject) -> None:
        """Removes a camera, its viewers and its relay clients, and when asked its recordings."""
        self.sensors.camera(sensor_id)
        stream_ids = [stream.stream_id for stream in self.streams.of(sensor_id)]
        for stream_id in stream_ids if delete_recordings else ():
            await self.deletion.refuse_protected(stream_id, 0, FOR_EVER_US)
        for stream_id in stream_ids:
            await self.live.close_stream(stream_id)
        sensor = self.sensors.camera(sensor_id).sensor
        await self.sensors.remove(sensor_id)
        await self.alerts.forget(sensor_id, sensor.name)
        if delete_recordings:
            await self.readings.forget(sensor_id)
        for stream_id in stream_ids:
            self.director.forget(stream_id)
            if delete_recordings:
                await self.deletion.stream(stream_id, actor=caller.id)

    async def replace_sensor(self, sensor_id: str, other_id: str, *, caller: Subject) -> None:
        """The device of another sensor takes this one's place; the other one is gone afterwards."""
        other = self.sensors.camera(other_id).sensor
        if caller.sensors and other_id not in caller.sensors:
            raise Fault("CameraNotFoundError", 404, f"There is no sensor '{other_id[:100]}'.")
        for stream in self.streams.of(other.sensor_id):
            await self.live.close_stream(stream.stream_id)
            self.director.forget(stream.stream_id)
        await self.sensors.replace(sensor_id, other_id)
        await self.alerts.forget(other_id, other.name)

    async def delete_recordings(
        self, stream_id: str, start_us: int | None, end_us: int | None, *, caller: Subject, partial: bool
    ) -> Deleted:
        """Deletes the finished recordings of a stream, or those in a range; what only reaches into it if `partial`."""
        if not await self.footage.known(stream_id):
            raise Fault("CameraNotFoundError", 404, f"There is no stream '{stream_id[:100]}'.")
        begin, end = start_us or 0, FOR_EVER_US if end_us is None else end_us
        if end <= begin:
            raise invalid("endTime must be later than startTime.")
        return await self.deletion.range(stream_id, begin, end, actor=caller.id, partial=partial)

    def sees(self, caller: Subject, stream_id: str) -> bool:
        """Whether a stream is among what somebody may see."""
        return not caller.sensors or self.sensor_of(stream_id) in caller.sensors

    def name_of(self, stream_id: str) -> str:
        """The name of the sensor whose stream this is, empty when nobody knows it any more."""
        camera = self.sensors.find(self.sensor_of(stream_id))
        return "" if camera is None else camera.sensor.name

    def refuse_unseen(self, caller: Subject, stream_id: str) -> None:
        """Fault 404 for a stream that the caller may not see: it is as if there were none."""
        if not self.sees(caller, stream_id):
            raise Fault("CameraNotFoundError", 404, f"There is no stream '{stream_id[:100]}'.")

    async def snapshot(self, sensor_id: str) -> bytes:
        """A JPEG of now, the camera's own when it gives one, else decoded from its stream."""
        taken = await self.devices.snapshot(sensor_id)
        return taken if taken is not None else await self.footage.live_picture(sensor_id, width=None, height=None)

    def recording_state(self, stream_id: str) -> str:
        """The wire's word for what is done with a stream now: why it is recorded, off, or error. Fault 404."""
        decision = self.director.decision(self.streams.get(stream_id))
        camera = self.sensors.find(stream_id)
        if decision.wanted and camera is not None and camera.recorder.failing:
            return "error"
        return str(decision.because)

    def sensor_of(self, stream_id: str, _caller: Subject | None = None) -> str:
        """The sensor whose stream this is, for permissions; the id itself when nobody knows it."""
        stream = self.streams.find(stream_id)
        return stream_id if stream is None else stream.sensor_id

    def now(self) -> str:
        """The service's clock, for replies."""
        return to_iso(self._kernel.clock.now())

    async def _prepare(self) -> None:
        data_dir = self._kernel.data_dir
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            await anyio.to_thread.run_sync(self._open_vault)
            await anyio.to_thread.run_sync(self._parts.database.upgrade, STEPS)
            alive_us = await anyio.to_thread.run_sync(alive.last_us, data_dir / _ALIVE)
            recover = partial(recovery.recover, self._parts.database, self._parts.folder, alive_us=alive_us)
            await anyio.to_thread.run_sync(recover)
            await anyio.to_thread.run_sync(self.uploads.clear)
            await anyio.to_thread.run_sync(self.chunks.forget_old)
        except OSError as error:
            raise _unusable(data_dir, error) from error

    async def _start(self, group: anyio.abc.TaskGroup, relay: RtspServer) -> None:
        group.start_soon(self._parts.outbox.run)
        await self.policies.load()
        await self.alerts.start()
        group.start_soon(self.alerts.run)
        await self.sensors.start(group)
        await self.alerts.forget_all_but({status.sensor.sensor_id for status in self.sensors.list()})
        await self.devices.start()
        group.start_soon(self.director.run)
        group.start_soon(self.camera_events.run)
        group.start_soon(self.finder.run)
        group.start_soon(self.readings.run)
        await self.live.start(group)
        await group.start(self.tiers.run)
        group.start_soon(self.reaper.run)
        group.start_soon(self.previews.run)
        group.start_soon(self._count_relay_clients, relay)
        group.start_soon(self._be_alive)
        self._reason = None
        get_logger("vst").info("vst_started", relay_port=relay.port, sensors=len(self.sensors.list()))

    async def _say_alive(self) -> None:
        path = self._kernel.data_dir / _ALIVE
        while True:
            await anyio.to_thread.run_sync(alive.touch, path, self._kernel.clock.now())
            await self._kernel.clock.sleep(_ALIVE_S)

    async def _be_alive(self) -> None:
        await retry(
            self._say_alive, clock=self._kernel.clock, log=get_logger("vst"), name="alive", backoff=Backoff(1.0, 30.0)
        )

    async def _count_relay_clients(self, relay: RtspServer) -> None:
        while True:
            self.relay_clients = len(relay.clients)
            self._parts.meters.relay_clients.set(self.relay_clients)
            self.quality.sample()
            await self._kernel.clock.sleep(_COUNT_CLIENTS_S)

    def _mounted(self, path: str) -> Mount | None:
        camera = self.sensors.find(path.removeprefix(_LIVE)) if path.startswith(_LIVE) else None
        return HubMount(camera.hub, clock=self._kernel.clock) if camera else None

    def _make_camera(self, sensor: Sensor, stream: Stream) -> Camera:
        """The loop of one stream. That of a sub stream goes by the stream's id and tells the bus nothing."""
        stream_id, host = stream.stream_id, self.settings.relay_host
        hub = Hub(clock=self._kernel.clock)
        parts = self._parts if stream.kind is StreamKind.MAIN else replace(self._parts, outbox=self._silence)
        kind = FileSensor if sensor.kind == FILE_KIND else Camera
        return kind(
            replace(sensor, sensor_id=stream_id),
            hub,
            parts,
            open_source=lambda _sensor: self.sensors.feeds.dial(stream_id),
            recorder=Recorder(stream_id, hub, self._parts, phase=phase_of(stream_id)),
            relay_url=f"rtsp://{f'[{host}]' if ':' in host else host}:{self._relay_port}{_LIVE}{stream_id}",
            on_health=lambda state: self._note_health(stream_id, state),
        )

    def _note_health(self, stream_id: str, state: HealthState) -> None:
        """Alerts are about sensors: what happens to a sub stream is told by its own status."""
        stream = self.streams.find(stream_id)
        if stream is not None and stream.kind is StreamKind.MAIN:
            self.alerts.note(self.sensors.camera(stream_id).sensor, state)

    async def _look(self, stream_id: str) -> None:
        await self.director.look(stream_id)

    def _open_vault(self) -> Vault:
        if self._vault is None:
            self._vault = Vault(self._kernel.data_dir / _KEY_FILE)
        return self._vault


def _open_catalogue(kernel: Kernel) -> Database:
    try:
        return kernel.open_database(CATALOGUE)
    except OSError as error:
        raise _unusable(kernel.data_dir, error) from error


def _unusable(data_dir: Path, error: OSError) -> Fault:
    message = f"The data folder {data_dir} cannot be used: {error.strerror}. Choose another with --data-dir."
    return Fault("ConfigurationError", 500, message)


@asynccontextmanager
async def _bound(relay: RtspServer, settings: VstSettings) -> AsyncIterator[None]:
    try:
        await relay.__aenter__()
    except OSError as error:
        where = f"{settings.relay_host}:{settings.relay_port}"
        raise Fault(
            "PortInUse", 500, f"The RTSP relay cannot use {where} ({error.strerror}). Choose another vst.relay_port."
        ) from error
    try:
        yield
    finally:
        await relay.__aexit__(None, None, None)


async def _no_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise unavailable("VST is not mounted.")
