"""The ageing policy at run time: what somebody chose through the API, or what the settings say."""

from dataclasses import dataclass

import msgspec

from vedette.kernel.clock import US_PER_SECOND, Clock
from vedette.kernel.database import Database
from vedette.kernel.log import get_logger
from vedette.services.vst.core.ageing import AgeingPolicy
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.settings import VstSettings
from vedette.services.vst.store import StorageStore

GIB = 1 << 30
_HOUR_US = 3600 * US_PER_SECOND
_CHOICE = "ageing"


@dataclass(frozen=True, slots=True)
class Limits:
    """The policy as people state it; 0 switches a limit off."""

    max_age_hours: float = 0
    max_gib_per_stream: float = 0
    max_gib: float = 0
    min_free_gib: float = 0
    max_used_percent: float = 0

    @property
    def policy(self) -> AgeingPolicy:
        """In the units of the core."""
        return AgeingPolicy(
            max_age_us=round(self.max_age_hours * _HOUR_US),
            max_bytes=round(self.max_gib * GIB),
            min_free_bytes=round(self.min_free_gib * GIB),
            max_stream_bytes=round(self.max_gib_per_stream * GIB),
            max_used_percent=self.max_used_percent,
        )


class Policies:
    """The limits that hold now. A change is durable before it holds."""

    def __init__(self, parts: Parts) -> None:
        self._database: Database = parts.database
        self._clock: Clock = parts.clock
        self._settings = parts.settings
        self._chosen: Limits | None = None
        self.changes = 0

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return limits_of(self._settings) if self._chosen is None else self._chosen

    async def load(self) -> None:
        """Reads what was chosen in an earlier life."""
        stored = await self._database.read(lambda connection: StorageStore(connection).get_choice(_CHOICE))
        self._chosen = None if stored is None else msgspec.json.decode(stored, type=Limits)

    async def change(self, limits: Limits, *, actor: str) -> None:
        """Puts other limits in force; the next look at the disk goes by them."""
        value, at_us = msgspec.json.encode(limits), self._clock.now()
        await self._database.write(
            lambda connection: StorageStore(connection).set_choice(_CHOICE, value, actor=actor, at_us=at_us),
            durable=True,
        )
        self._chosen = limits
        self.changes += 1
        get_logger("vst").info("ageing_policy_changed", actor=actor, limits=msgspec.to_builtins(limits))


def limits_of(settings: VstSettings) -> Limits:
    """The limits that the configuration file names."""
    return Limits(
        max_age_hours=settings.max_age_h,
        max_gib_per_stream=settings.max_gib_per_stream,
        max_gib=settings.max_gib,
        min_free_gib=settings.min_free_gib,
        max_used_percent=settings.max_used_percent,
    )
