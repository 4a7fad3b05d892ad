"""The analytics service: its parts, their life, and what the API may ask of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import override

import anyio
import anyio.to_thread

from vedette.kernel.bus import Bus
from vedette.kernel.clock import US_PER_SECOND, Clock
from vedette.kernel.database import Database
from vedette.kernel.lifecycle import ASGIApp, Backoff, Service, retry
from vedette.kernel.log import get_logger
from vedette.kernel.telemetry import Telemetry
from vedette.services.analytics.core.tiers import STEPS_US
from vedette.services.analytics.migrations import m0001_initial
from vedette.services.analytics.service.configuration import Configuration
from vedette.services.analytics.service.counting import Counting
from vedette.services.analytics.service.directory import Directory
from vedette.services.analytics.service.live import Live
from vedette.services.analytics.service.queries import Queries
from vedette.services.analytics.settings import AnalyticsSettings
from vedette.services.analytics.store.store import Store

type Work = Callable[[], Awaitable[None]]
MIGRATIONS = (m0001_initial,)
_DAY_US = 86_400 * US_PER_SECOND
_AGEING_PERIOD_S = 3600.0
_AGEING_SPAN_US = 3600 * US_PER_SECOND
_BACKOFF = Backoff(first_s=0.1, most_s=5.0, healthy_s=30.0)


class AnalyticsService(Service):
    """Frames in; counts, crossings and alerts out."""

    def __init__(
        self, settings: AnalyticsSettings, *, clock: Clock, bus: Bus, database: Database, telemetry: Telemetry
    ) -> None:
        self.clock, self._database = clock, database
        self._log = get_logger("analytics")
        self.settings = settings
        self.directory = Directory(database, bus, telemetry)
        self.live = Live()
        self.counting = Counting(
            settings,
            clock=clock,
            bus=bus,
            database=database,
            directory=self.directory,
            live=self.live,
            telemetry=telemetry,
        )
        self.directory.quiet = self.counting.paused
        self.configuration = Configuration(database, self.counting, clock)
        self.queries = Queries(settings, database, self.counting, clock)
        self._app: ASGIApp | None = None

    @property
    @override
    def name(self) -> str:
        """Its name in the table of services."""
        return "analytics"

    @property
    @override
    def app(self) -> ASGIApp:
        """Its HTTP surface."""
        assert self._app is not None  # noqa: S101 - set by app.build, which is the only way to make one
        return self._app

    def serve(self, app: ASGIApp) -> None:
        """Gives it its HTTP surface."""
        self._app = app

    @override
    def ready(self) -> str | None:
        """None once it goes on counting from the last commit."""
        return None if self.counting.is_ready else "reading the last state from the database and the bus"

    @asynccontextmanager
    @override
    async def life(self) -> AsyncIterator[None]:
        """Brings the database up to date and runs the tasks while entered."""
        await anyio.to_thread.run_sync(self._database.upgrade, MIGRATIONS)
        await self.directory.load()
        try:
            async with self._tasks():
                yield
        finally:
            self._database.close()

    @asynccontextmanager
    async def _tasks(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            for name, work in (
                ("counting", self.counting.work),
                ("directory", self.directory.follow),
                ("ageing", self._age),
            ):
                tasks.start_soon(self._keep_alive, name, work)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def _keep_alive(self, name: str, work: Work) -> None:
        await retry(work, clock=self.clock, log=self._log, name=name, backoff=_BACKOFF)

    async def _age(self) -> None:
        """Every hour deletes what is too old, in portions so that nobody waits for it."""
        while True:
            now, settings = self.clock.now(), self.settings
            kept_days = (settings.seconds_kept_days, settings.minutes_kept_days, settings.hours_kept_days)
            for step_us, days in zip(STEPS_US, kept_days, strict=True):
                await self._age_tier(step_us, now - days * _DAY_US)
            await self._age_events(now - settings.events_kept_days * _DAY_US)
            await self.clock.sleep(_AGEING_PERIOD_S)

    async def _age_tier(self, step_us: int, before: int) -> None:
        span = max(step_us, _AGEING_SPAN_US)
        while await self._database.write(
            lambda connection: Store(connection).delete_points_before(step_us, before, span)
        ):
            pass

    async def _age_events(self, before: int) -> None:
        await self._database.write(lambda connection: Store(connection).delete_events_before(before))
