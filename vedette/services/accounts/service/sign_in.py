"""Ways in: the first set-up, a password, a one-time ticket; and the sessions that they open."""

import secrets
from collections.abc import Mapping, Sequence

from vedette.kernel.auth import new_secret, same_secret, secret_digest
from vedette.kernel.clock import US_PER_SECOND, Clock
from vedette.kernel.errors import Fault, conflict, forbidden, invalid, unauthorized
from vedette.schema.identity import Role, Subject
from vedette.services.accounts.core import credentials, guessing
from vedette.services.accounts.core.passwords import weakness
from vedette.services.accounts.model import SignedIn, User
from vedette.services.accounts.service.hashing import Hashing
from vedette.services.accounts.service.ledger import Deed, Ledger
from vedette.services.accounts.settings import AccountsSettings
from vedette.services.accounts.store import Store

_WRONG = "The name or password is wrong."


def refuse_weak(password: str, name: str) -> None:
    """Fault 400 with the reason when the password is too easy."""
    reason = weakness(password, name)
    if reason is not None:
        raise invalid(reason)


def new_user(name: str, password_hash: str, role: Role, *, sensors: Sequence[str] = (), now_us: int) -> User:
    """A user with an id of their own."""
    return User(f"u{secrets.token_hex(8)}", name, password_hash, role, tuple(sensors), now_us)


class SignIn:
    """Opens and ends sessions. `address` is where the caller connects from."""

    def __init__(self, settings: AccountsSettings, clock: Clock, ledger: Ledger, hashing: Hashing) -> None:
        self._settings, self._clock, self._ledger, self._hashing = settings, clock, ledger, hashing
        self._code_secret = secrets.token_bytes(32)

    def current_code(self) -> str:
        """The set-up code of this quarter of an hour; the one before it still works."""
        return credentials.setup_code(self._code_secret, self._window())

    def _window(self) -> int:
        return int(self._clock.monotonic() // credentials.CODE_WINDOW_S)

    async def is_setup_required(self) -> bool:
        """Whether there is no admin yet."""
        return not await self._ledger.read(lambda store: store.list_admins())

    async def set_up(self, *, code: str, name: str, password: str, address: str | None) -> SignedIn:
        """Makes the first admin and signs them in. Fault 409 once there is one, 403 for a wrong code or from afar."""
        if not await self.is_setup_required():
            raise conflict("The first admin exists already. Sign in, or ask them for an account.")
        if not guessing.is_near(address):
            raise forbidden("The first admin can be made from this network only.")
        source = guessing.source_of(address)
        guesses = await self._ledger.reserve_guess([f"setup {source}"])
        if not self._is_code(code):
            await self._ledger.note_refusal(Deed("anonymous", "set_up", source=source))
            raise forbidden("This code is wrong or older than 15 minutes. The console shows the current one.")
        refuse_weak(password, name)
        user = new_user(name, await self._hashing.hash(password), Role.ADMIN, now_us=self._ledger.now())

        def work(store: Store) -> None:
            if store.list_admins() or not store.add_user(user):
                raise conflict("The first admin exists already. Sign in.")

        await self._ledger.change(Deed(user.user_id, "set_up", user.user_id, source), work)
        return await self._open_session(user, source, guesses, "sign_in")

    def _is_code(self, code: str) -> bool:
        given = credentials.plain_code(code)
        valid = [
            credentials.setup_code(self._code_secret, self._window() - back)
            for back in (0, 1)
            if self._window() >= back
        ]
        return any([same_secret(given, credentials.plain_code(item)) for item in valid])

    async def with_password(self, *, name: str, password: str, address: str | None) -> SignedIn:
        """A new session. Fault 401 when name or password is wrong, 429 after too many tries."""
        source = guessing.source_of(address)

        def look(store: Store) -> tuple[User | None, bool]:
            found = store.get_user_by_name(name)
            return found, found is not None and store.is_known_source(found.user_id, source)

        user, known = await self._ledger.read(look)
        account = user.user_id if user is not None else name.strip().casefold()
        guesses = await self._ledger.reserve_guess(guessing.counters(account, source, known=known))
        matches = await self._hashing.matches(user.password_hash if user is not None else "", password)
        if user is None or not matches:
            # What was typed as a name may be a password: it is not written down.
            await self._ledger.note_refusal(Deed(user.user_id if user else "unknown", "sign_in", source=source))
            raise unauthorized(_WRONG)
        return await self._open_session(user, source, guesses, "sign_in")

    async def with_ticket(self, *, ticket: str, address: str | None) -> SignedIn:
        """A new session for a one-time ticket. Fault 401 when it was used, is over or never was."""
        source = guessing.source_of(address)
        guesses = await self._ledger.reserve_guess([f"ticket {source}"])
        now, digest = self._ledger.now(), secret_digest(ticket)

        def work(store: Store) -> User:
            user = store.take_ticket(digest, now)
            if user is None:
                raise unauthorized("This sign-in link was used or is older than 15 minutes. Ask for a new one.")
            return user

        user = await self._ledger.change(Deed("anonymous", "take_ticket", source=source), work)
        return await self._open_session(user, source, guesses, "sign_in_by_ticket")

    async def create_ticket(self) -> str:
        """A one-time sign-in for the oldest admin, who is made, without a password, if there is none."""
        now, ticket = self._ledger.now(), new_secret()
        expires_us = now + round(self._settings.ticket_minutes * 60 * US_PER_SECOND)

        def work(store: Store) -> None:
            admins = sorted(store.list_admins(), key=lambda user: user.created_us)
            admin = admins[0] if admins else new_user("admin", "", Role.ADMIN, now_us=now)
            if not admins and not store.add_user(admin):
                raise conflict("A user who is no admin is called 'admin'. Rename or delete them first.")
            store.add_ticket(secret_digest(ticket), admin.user_id, now, expires_us=expires_us)

        await self._ledger.change(Deed("local", "create_ticket"), work)
        return ticket

    async def change_password(self, caller: Subject, *, current: str, password: str, address: str | None) -> SignedIn:
        """Sets a password, ends all sessions of the user and opens a new one. Fault 401 when `current` is wrong."""
        source = guessing.source_of(address)
        user = await self._ledger.read(lambda store: store.get_user(caller.id))
        if user is None:
            raise forbidden("A token cannot change a password. Sign in as the user.")
        guesses = await self._ledger.reserve_guess(guessing.counters(user.user_id, source, known=True))
        if user.password_hash and not await self._hashing.matches(user.password_hash, current):
            await self._ledger.note_refusal(Deed(user.user_id, "change_password", user.user_id, source))
            raise Fault("ClientForbiddenError", 403, "The current password is wrong.")
        refuse_weak(password, user.name)
        hashed = await self._hashing.hash(password)
        deed = Deed(user.user_id, "change_password", user.user_id, source)
        await self._ledger.change(deed, lambda store: store.set_password(user.user_id, hashed))
        return await self._open_session(user, source, guesses, "sign_in")

    async def sign_out(self, caller: Subject, cookies: Mapping[str, str], address: str | None) -> None:
        """Ends the sessions whose cookies are given."""
        digests = [secret_digest(cookies[name]) for name in _COOKIES if name in cookies]

        def work(store: Store) -> None:
            for digest in digests:
                store.delete_session(digest)

        await self._ledger.change(Deed(caller.id, "sign_out", source=guessing.source_of(address)), work)

    async def user_of(self, cookies: Mapping[str, str]) -> Subject | None:
        """Whose session a cookie names."""
        now = self._ledger.now()
        digests = [secret_digest(cookies[name]) for name in _COOKIES if cookies.get(name)]

        def look(store: Store) -> User | None:
            found = (store.get_session_user(digest, now) for digest in digests)
            return next((user for user in found if user is not None), None)

        user = await self._ledger.read(look) if digests else None
        return user.subject() if user is not None else None

    async def _open_session(self, user: User, source: str, guesses: Sequence[int], action: str) -> SignedIn:
        session, now = new_secret(), self._ledger.now()
        life_s = round(self._settings.session_hours * 3600)

        def work(store: Store) -> None:
            if store.get_user(user.user_id) is None:
                raise unauthorized(_WRONG)  # deleted a moment ago
            store.delete_guesses(guesses)
            store.add_known_source(user.user_id, source)
            store.add_session(secret_digest(session), user.user_id, now, expires_us=now + life_s * US_PER_SECOND)

        await self._ledger.change(Deed(user.user_id, action, source=source), work)
        return SignedIn(user, session, life_s)


_COOKIES = (credentials.SECURE_COOKIE, credentials.COOKIE)
