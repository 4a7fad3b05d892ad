"""The accounts database as the service uses it: a change and its audit entry are one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vedette.kernel.clock import Clock, Instant
from vedette.kernel.database import Database
from vedette.kernel.errors import too_many, unavailable
from vedette.services.accounts.core import guessing
from vedette.services.accounts.model import AuditEntry
from vedette.services.accounts.store import Store


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does what to which thing, and from where."""

    subject: str
    action: str
    resource: str = ""
    source: str = "local"


class Ledger:
    """Reads and durable changes. Fault 503 before it is opened."""

    def __init__(self, clock: Clock, *, audit_kept: int) -> None:
        self._clock, self._audit_kept = clock, audit_kept
        self._database: Database | None = None

    def open(self, database: Database | None) -> None:
        """Uses this database from now on; None closes."""
        self._database = database

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._database is not None

    def now(self) -> Instant:
        """Wall time, µs UTC."""
        return self._clock.now()

    async def read[T](self, work: Callable[[Store], T]) -> T:
        """The result of `work`."""
        return await self._opened.read(lambda connection: work(Store(connection)))

    async def change[T](self, deed: Deed, work: Callable[[Store], T]) -> T:
        """The result of `work`, flushed to the disk with its audit entry; neither if `work` raises."""

        def both(store: Store) -> T:
            result = work(store)
            self._write_down(store, deed, "done")
            return result

        return await self._opened.write(lambda connection: both(Store(connection)), durable=True)

    async def note_refusal(self, deed: Deed) -> None:
        """An attempt that changed nothing."""
        await self._opened.write(lambda connection: self._write_down(Store(connection), deed, "refused"))

    async def reserve_guess(self, counters: Sequence[str]) -> list[int]:
        """Counts a guess before it is looked at, so that a hundred at once are no way around; ids to take it back by.

        Fault 429 when there were too many in the last hour.
        """
        now = self.now()

        def work(store: Store) -> list[int]:
            store.forget_guesses(now - guessing.WINDOW_US, now + guessing.WINDOW_US)
            wait_s = max(guessing.wait_s(store.list_guesses(counter), now) for counter in counters)
            if wait_s:
                minutes = -(-wait_s // 60)
                raise too_many(f"Too many wrong attempts. Try again in {minutes} min.", wait_s)
            return [store.add_guess(counter, now) for counter in counters]

        return await self._opened.write(lambda connection: work(Store(connection)), durable=True)

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise unavailable("Accounts are starting. Try again in a few seconds.")
        return self._database

    def _write_down(self, store: Store, deed: Deed, outcome: str) -> None:
        entry = AuditEntry(self.now(), deed.subject, deed.action, deed.resource, outcome, deed.source)
        store.add_audit(entry, keep=self._audit_kept)
