"""The use cases of VST, and its life: recover, relay, cameras, viewers, ageing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from vedette.kernel.clock import to_iso
from vedette.kernel.context import Kernel
from vedette.kernel.database import Database
from vedette.kernel.errors import Fault, unavailable
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send
from vedette.kernel.log import get_logger
from vedette.media.hub import Hub
from vedette.media.rtsp_server import HubMount, Mount, RtspServer
from vedette.schema.identity import Subject
from vedette.services.vst.adapters.credentials import Vault
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.adapters.webrtc import PeerFactory
from vedette.services.vst.migrations import STEPS
from vedette.services.vst.model import Sensor
from vedette.services.vst.service import recovery
from vedette.services.vst.service.camera import Camera
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.coverage import Coverage
from vedette.services.vst.service.cutter import phase_of
from vedette.services.vst.service.deletion import FOR_EVER_US, Deletion
from vedette.services.vst.service.deletion import FOR_EVER_US, Deletion
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.footage import Footage
from vedette.services.vst.service.forecast import Forecasts
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA
from vedette.services.vst.service.live import LiveSessions
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.policy import Policies
from vedette.services.vst.service.reaper import Reaper
from vedette.services.vst.service.recorder import Recorder
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.settings import VstSettings

_KEY_FILE = "credentials.key"
_SCRATCH = "scratch"
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
        self.sensors = Sensors(self._parts, vault=self._open_vault, make_camera=self._make_camera)
        self.footage = Footage(self._parts, self.sensors, kernel.data_dir / _SCRATCH)
        self.coverage = Coverage(self._parts, self.sensors)
        self.policies, self.deletion = Policies(self._parts), Deletion(self._parts)
        self.reaper = Reaper(self._parts, self.policies, self.deletion)
        self.forecasts = Forecasts(self._parts)
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
        if delete_recordings:
            await self.deletion.refuse_protected(sensor_id, 0, FOR_EVER_US)
        await self.live.close_stream(sensor_id)
        await self.sensors.remove(sensor_id)
        if delete_recordings:
            await self.deletion.stream(sensor_id, actor=caller.id)

    async def delete_recordings(self, stream_id: str, *, caller: Subject) -> int:
        """Deletes all finished recordings of a stream; returns the bytes that were freed."""
        if not await self.footage.known(stream_id):
            raise Fault("CameraNotFoundError", 404, f"There is no stream '{stream_id[:100]}'.")
        return (await self.deletion.stream(stream_id, actor=caller.id)).bytes

    def now(self) -> str:
        """The service's clock, for replies."""
        return to_iso(self._kernel.clock.now())

    async def _prepare(self) -> None:
        data_dir = self._kernel.data_dir
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            await anyio.to_thread.run_sync(self._open_vault)
            await anyio.to_thread.run_sync(self._parts.database.upgrade, STEPS)
            await anyio.to_thread.run_sync(recovery.recover, self._parts.database, self._parts.folder)
            await anyio.to_thread.run_sync(self.footage.clear_scratch)
        except OSError as error:
            raise _unusable(data_dir, error) from error

    async def _start(self, group: anyio.abc.TaskGroup, relay: RtspServer) -> None:
        group.start_soon(self._parts.outbox.run)
        await self.policies.load()
        await self.sensors.start(group)
        await self.live.start(group)
        group.start_soon(self.reaper.run)
        group.start_soon(self._count_relay_clients, relay)
        self._reason = None
        get_logger("vst").info("vst_started", relay_port=relay.port, sensors=len(self.sensors.list()))

    async def _count_relay_clients(self, relay: RtspServer) -> None:
        while True:
            self._parts.meters.relay_clients.set(len(relay.clients))
            await self._kernel.clock.sleep(_COUNT_CLIENTS_S)

    def _mounted(self, path: str) -> Mount | None:
        camera = self.sensors.find(path.removeprefix(_LIVE)) if path.startswith(_LIVE) else None
        return HubMount(camera.hub, clock=self._kernel.clock) if camera else None

    def _make_camera(self, sensor: Sensor) -> Camera:
        hub = Hub(clock=self._kernel.clock)
        recorder = None
        if self.settings.record:
            recorder = Recorder(sensor.sensor_id, hub, self._parts, phase=phase_of(sensor.sensor_id))
        host = self.settings.relay_host
        where = f"{f'[{host}]' if ':' in host else host}:{self._relay_port}"
        url = f"rtsp://{where}{_LIVE}{sensor.sensor_id}"
        return Camera(sensor, hub, self._parts, open_source=self.sensors.dial, recorder=recorder, relay_url=url)

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
