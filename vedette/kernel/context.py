"""What a service is given: its bus, clock, databases, telemetry and folders. Nothing here decides anything."""

from dataclasses import dataclass
from pathlib import Path

from vedette.kernel.auth import Identity
from vedette.kernel.bus import Bus
from vedette.kernel.clock import Clock
from vedette.kernel.database import Database
from vedette.kernel.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Kernel:
    """The bundle that `app.build(settings, kernel)` receives.

    `data_dir` is this service's own folder and outlives a restart, `run_dir` holds sockets and is private to the node.
    `relay_secret` is the password of the RTSP relay, known to the services of this node alone.
    """

    clock: Clock
    bus: Bus
    telemetry: Telemetry
    data_dir: Path
    run_dir: Path
    identity: Identity
    relay_secret: str

    def open_database(self, name: str) -> Database:
        """The service's database `name`.db in its own folder."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return Database(f"sqlite:///{self.data_dir / name}.db")
