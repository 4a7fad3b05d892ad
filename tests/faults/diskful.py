"""Disks that are full, gone, read-only or another's, under a recording service."""

import contextlib
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults.disk import LoopDisk, a_disk, workplace
from tests.faults.lane import Lane, Zygote, zygote
from tests.faults.ledger import Sent

MIB = 1 << 20
FLOOR = {"min_free_gib": 24 / 1024, "ageing_every_s": 0.25}


@dataclass
class Station:
    """A recorder on a disk of its own."""

    disk: LoopDisk
    lane: Lane
    zygote: Zygote

    @property
    def media_bytes(self) -> int:
        """Bytes of recordings on the disk now."""
        return sum(path.stat().st_size for path in (self.lane.data_dir / "media").rglob("*") if path.is_file())

    def ready(self) -> tuple[int, str]:
        """What `/readyz` answers."""
        report = self.lane.ask("GET", "/readyz")
        return report.status, report.body

    def get(self, path: str) -> object:
        """A JSON reply of the API; RuntimeError when it is none of 200."""
        report = self.lane.ask("GET", "/vst/api/v1" + path)
        if report.status != 200:
            raise RuntimeError(f"{path}: {report.status} {report.body[:300]}")
        return msgspec.json.decode(report.body)

    def promised(self) -> list[Sent]:
        """What was promised of each camera so far."""
        return self.lane.sent()

    def grows(self, *, within_s: float = 60.0) -> float:
        """Waits until every camera is recorded further than now; seconds of the life that it took."""
        begun = self.lane.now_us()
        return self.lane.until(
            lambda: all(sent.told_us > begun for sent in self.promised()), "recording goes on", within_s=within_s
        )

    def stands(self) -> None:
        """Waits until no promise is made any more."""
        last: list[list[Sent]] = []

        def quiet() -> bool:
            last.append(self.promised())
            return len(last) > 20 and [s.told_us for s in last[-1]] == [s.told_us for s in last[-20]]

        self.lane.until(quiet, "recording stops", within_s=6)


@contextmanager
def station(seed: int, size_bytes: int, **lane: object) -> Iterator[Station]:
    """A recorder on an ext4 disk of so many bytes, not started yet."""
    options: tuple[str, ...] = tuple(lane.pop("options", ()))  # type: ignore[arg-type]
    mother: Zygote = lane.pop("mother", None) or zygote()  # type: ignore[assignment]
    with workplace() as home, a_disk(home, "ext4", size_bytes, options=options) as disk:
        made = Lane(home, disk.mount_point / "vst", random.Random(seed), **lane)  # type: ignore[arg-type]
        try:
            yield Station(disk, made, mother)
        finally:
            mother.kill()
            made.close()


def ballast(disk: LoopDisk, leave_bytes: int) -> Path:
    """A file that leaves so many bytes of the disk free."""
    path = disk.mount_point / f"ballast-{uuid.uuid4().hex}"
    block = bytes(MIB)
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):  # full is what it shall be
        while disk.free_bytes() > leave_bytes + MIB:
            file.write(block)
        while disk.free_bytes() > leave_bytes:
            file.write(bytes(4096))
    return path


def finished(place: Station) -> None:
    """Kills the recorder and has everything judged at its next start."""
    place.lane.end(place.zygote)
    place.lane.last_life(place.zygote)
    found = place.lane.total
    assert found.units > 100
    assert found.broken == 0, "\n".join(place.lane.worst[:20])


def states(place: Station) -> set[str]:
    """Every state that the ledger knows of any camera."""
    listed = place.get("/sensor/list")
    assert isinstance(listed, list)
    found: set[str] = set()
    for item in listed:
        reply = place.get(f"/record/{item['sensorId']}/coverage")
        assert isinstance(reply, dict)
        found |= {f"{span['state']} {span['cause']}".strip() for span in reply["spans"]}
    return found


def wrap(place: Station, times: int) -> str:
    """Records until the disk has been written so often over; returns what was found."""
    unit_bytes, size = place.lane.padding, place.disk.image.stat().st_size
    place.lane.begin(place.zygote)

    def written() -> int:
        return sum(sent.last - sent.first for sent in place.lane.sent()) * unit_bytes

    place.lane.until(lambda: written() > times * size, "the disk wraps", within_s=600)
    causes = states(place)
    assert place.ready()[0] == 200, place.ready()[1]
    assert not [cause for cause in causes if "disk" in cause], causes
    line = f"{size // MIB} MiB disk: {written() // MIB} MiB written, {written() / size:.1f} wraps, 0 failed writes"
    finished(place)
    assert place.lane.total.inside == 0
    return (
        f"{line}; {place.lane.total.aged} units aged out; most lost at the kill {place.lane.total.lost_us / 1e6:.1f} s"
    )
