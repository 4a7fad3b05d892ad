"""A kernel for tests: fake clock unless told otherwise, memory bus, folders below the given one."""

from pathlib import Path

from vedette.kernel.auth import Identity
from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import Clock, FakeClock
from vedette.kernel.context import Kernel
from vedette.kernel.telemetry import Telemetry


def make_kernel(service: str, folder: Path, *, clock: Clock | None = None) -> Kernel:
    """What a service is given when it is built."""
    ticking = clock or FakeClock()
    return Kernel(
        clock=ticking,
        bus=MemoryBus(),
        telemetry=Telemetry(service),
        data_dir=folder / service,
        run_dir=folder,
        identity=Identity.load_or_create(folder / "identity.pem", ticking),
        relay_secret="relay-secret",
    )
