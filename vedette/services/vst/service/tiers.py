"""Old footage moves from the recordings' disk to larger and slower places, and is read from wherever it lies.

A move is copy, verify, commit, unlink: the row names the new volume only when the copy is durable and proved, and the
old file goes by the garbage table like any other.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio.from_thread
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from vedette.kernel.auth import new_secret
from vedette.kernel.client import Client
from vedette.kernel.clock import to_datetime
from vedette.kernel.database import Transaction
from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import Backoff, retry
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.segment_files import disk_fault
from vedette.services.vst.adapters.volumes import Exchange, FolderVolume, S3Volume, Volume
from vedette.services.vst.core.s3_signing import S3Keys
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.tiers import FolderTier, S3Tier, Tier, parse_tier
from vedette.services.vst.model import MAIN_VOLUME, Garbage, Segment
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import StorageStore, Store
from vedette.services.vst.store.volumes import CATALOGUE_IDENTITY, VolumeStore

_CHECK_S = 10.0
_CACHE = "tier-cache"
_ANSWER_S = 60.0


class Tiers:
    """The volumes behind the main one, in order. `reasons` says of each why it cannot be used, empty when it can."""

    def __init__(self, parts: Parts, *, data_dir: Path) -> None:
        self._parts, self._data_dir = parts, data_dir
        self._tiers = _parsed(parts.settings.tiers)
        self._volumes: dict[str, Volume] = {}
        self.reasons: dict[str, str] = {tier.name: "not looked at yet" for tier in self._tiers}
        parts.folder.elsewhere = self.local if self._tiers else None

    @property
    def names(self) -> Sequence[str]:
        """All volumes, the main one first."""
        return [MAIN_VOLUME, *(tier.name for tier in self._tiers)]

    def after(self, volume: str) -> str | None:
        """The next volume that can be used now, None when there is none."""
        names = self.names
        following = names[names.index(volume) + 1 :]
        return next((name for name in following if not self.reasons[name]), None)

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Looks at the volumes for ever: they may come and go. Started once it has looked for the first time."""
        if not self._tiers:
            task_status.started()
            return
        async with AsyncExitStack() as stack:
            for tier in self._tiers:
                self._volumes[tier.name] = await self._open(tier, stack)
            await self.check()
            task_status.started()
            clock, log = self._parts.clock, get_logger("vst")
            await retry(self._check_for_ever, clock=clock, log=log, name="tiers", backoff=Backoff(1.0, 60.0))

    async def check(self) -> None:
        """Takes in which volumes are there, and are those that they were."""
        catalogue = await self._parts.database.write(self._catalogue_identity, durable=True)
        known = await self._parts.database.read(lambda connection: VolumeStore(connection).list_volumes())
        for name, volume in self._volumes.items():
            reason = ""
            try:
                identity = await self._parts.folder.run(volume.check, known.get(name), catalogue)
                if name not in known:
                    await self._parts.database.write(partial(_add, name, identity), durable=True)
            except Fault as fault:
                reason = fault.message
            except OSError as error:
                reason = disk_fault(error).message
            if reason != self.reasons[name]:
                self.reasons[name] = reason
                log = get_logger("vst")
                (log.warning if reason else log.info)("tier", tier=name, state=reason or "connected")

    async def space(self, name: str) -> Space | None:
        """How full a volume is; None for one without limit, or that is away."""
        if self.reasons[name]:
            return None
        try:
            return await self._parts.folder.run(self._volumes[name].space)
        except OSError:
            return None

    def local(self, segment_id: int) -> Path | None:
        """A file to read a segment from that is not among the recordings. Blocking."""
        for name, volume in self._volumes.items():
            if not self.reasons[name] and (path := volume.local(segment_id)) is not None:
                return path
        return None

    async def copy(self, segments: Sequence[Segment], to: str) -> list[Segment]:
        """Copies segments, each verified, and returns those whose copy is safe; stops at the first that fails."""
        done: list[Segment] = []
        for segment in segments:
            try:
                await self._parts.folder.run(self._copy, segment, to)
            except (Fault, OSError) as error:
                get_logger("vst").warning("tier_refuses", tier=to, segment_id=segment.segment_id, cause=error)
                break
            done.append(segment)
        return done

    async def unlink(self, garbage: Sequence[Garbage]) -> list[Garbage]:
        """Removes the files of garbage that lies on tiers; returns what is gone for certain."""
        gone: list[Garbage] = []
        for name in {item.volume for item in garbage}:
            if self.reasons.get(name, "unknown"):
                continue  # away, or not configured any more: its files wait
            mine = [item for item in garbage if item.volume == name]
            try:
                await self._parts.folder.run(self._volumes[name].unlink, [item.segment_id for item in mine])
            except (Fault, OSError) as error:
                get_logger("vst").warning("tier_refuses", tier=name, cause=error)
                continue
            gone += mine
        return gone

    def _copy(self, segment: Segment, to: str) -> None:
        source = self._parts.folder.locate(segment.segment_id)
        self._volumes[to].put(segment.segment_id, source, segment.digest)

    async def _check_for_ever(self) -> None:
        while True:
            await self.check()
            await self._parts.clock.sleep(_CHECK_S)

    async def _open(self, tier: Tier, stack: AsyncExitStack) -> Volume:
        if isinstance(tier, FolderTier):
            return FolderVolume(tier.name, Path(tier.path))
        client = await stack.enter_async_context(Client(tier.endpoint, timeout_s=_ANSWER_S))
        return S3Volume(
            tier, self._keys(tier), _exchange(client), moment=self._moment, cache=self._data_dir / _CACHE / tier.name
        )

    def _keys(self, tier: S3Tier) -> S3Keys:
        path = self._parts.settings.tier_keys
        if path is None:
            raise Fault("ConfigurationError", 500, f"Tier '{tier.name}' needs vst.tier_keys.")
        lines = path.read_text().split()
        if len(lines) < 2:
            raise Fault("ConfigurationError", 500, f"{path} must hold two lines: access key and secret key.")
        return S3Keys(lines[0], lines[1], tier.region)

    def _moment(self) -> str:
        return f"{to_datetime(self._parts.clock.now()):%Y%m%dT%H%M%SZ}"

    def _catalogue_identity(self, connection: Transaction) -> str:
        store = StorageStore(connection)
        found = store.get_choice(CATALOGUE_IDENTITY)
        if found is None:
            found = new_secret(16).encode()
            store.set_choice(CATALOGUE_IDENTITY, found, actor="vst", at_us=self._parts.clock.now())
        return found.decode()


def _parsed(tiers: Sequence[str]) -> list[Tier]:
    try:
        return [parse_tier(text) for text in tiers]
    except ValueError as error:
        raise Fault("ConfigurationError", 500, f"vst.tiers: {error}.") from error


def settle(connection: Transaction, segments: Sequence[Segment], to: str) -> list[Segment]:
    """The second half of a move: rows name the new volume, the old files become garbage."""
    moved = VolumeStore(connection).set_volume(segments, to)
    Store(connection).add_garbage([Garbage(item.segment_id, item.stream_id, item.bytes, item.volume) for item in moved])
    return [replace(item, volume=to) for item in moved]


def _add(name: str, identity: str, connection: Transaction) -> None:
    VolumeStore(connection).add_volume(name, identity)


def _exchange(client: Client) -> Exchange:
    """Calls from a thread go out by the event loop."""

    def exchange(method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        return anyio.from_thread.run(client.send, method, path, content, headers)

    return exchange
