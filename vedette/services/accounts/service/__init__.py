"""Accounts as a service: its life, and what ingress, the supervisor and the command line ask of it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import anyio.to_thread

from vedette.kernel.clock import Clock
from vedette.kernel.database import Database
from vedette.kernel.lifecycle import ASGIApp
from vedette.schema.identity import Role, Subject
from vedette.services.accounts.migrations import m0001_initial
from vedette.services.accounts.model import ApiToken
from vedette.services.accounts.service.directory import Directory
from vedette.services.accounts.service.hashing import Hashing
from vedette.services.accounts.service.ledger import Ledger
from vedette.services.accounts.service.sign_in import SignIn
from vedette.services.accounts.settings import AccountsSettings

MIGRATIONS = (m0001_initial,)


class AccountsService:
    """Who asks, and how they get in. Its methods need its life to be entered."""

    name = "accounts"

    def __init__(self, settings: AccountsSettings, clock: Clock, open_database: Callable[[], Database]) -> None:
        self._open_database = open_database
        self._ledger = Ledger(clock, audit_kept=settings.audit_kept)
        hashing = Hashing()
        self.sign_in = SignIn(settings, clock, self._ledger, hashing)
        self.directory = Directory(settings, self._ledger, hashing)
        self._app: ASGIApp | None = None
        self._needs_setup = False

    @property
    def app(self) -> ASGIApp:
        """Its HTTP surface."""
        if self._app is None:
            raise RuntimeError("serve an application first")
        return self._app

    def serve(self, app: ASGIApp) -> None:
        """Sets the HTTP surface."""
        self._app = app

    def ready(self) -> str | None:
        """None once the database is open."""
        return None if self._ledger.is_open else "the database is not open yet"

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Opens the database and brings it to its present shape."""
        database = self._open_database()
        try:
            await anyio.to_thread.run_sync(database.upgrade, MIGRATIONS)
            self._ledger.open(database)
            self._needs_setup = await self.sign_in.is_setup_required()
            yield
        finally:
            self._ledger.open(None)
            database.close()

    async def authenticate(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Subject | None:
        """Who asks: the bearer of `authorization` if there is one (cookies do not count then), else the session."""
        bearer = headers.get("authorization")
        if bearer is not None:
            return await self.directory.holder_of(bearer)
        return await self.sign_in.user_of(cookies)

    async def is_setup_required(self) -> bool:
        """Whether there is no admin yet."""
        self._needs_setup = await self.sign_in.is_setup_required()
        return self._needs_setup

    def setup_code(self) -> str | None:
        """The code that makes the first admin, for the console; None once there is one. It changes every 15 min."""
        return self.sign_in.current_code() if self._needs_setup else None

    async def create_token(self, *, name: str, role: Role = Role.VIEWER, days: float = 90.0) -> str:
        """A bearer token of the box itself."""
        _, text = await self.directory.create_token(None, name=name, role=role, days=days)
        return text

    async def list_tokens(self) -> list[ApiToken]:
        """All of them, newest first."""
        return await self.directory.list_tokens(None)

    async def revoke_token(self, token_id: str) -> None:
        """Ends a token at once. Fault 404 when there is none."""
        await self.directory.revoke_token(None, token_id)

    async def create_ticket(self) -> str:
        """A sign-in for the admin that works once, for a quarter of an hour; makes the admin if there is none."""
        ticket = await self.sign_in.create_ticket()
        self._needs_setup = False
        return ticket
