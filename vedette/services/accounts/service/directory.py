"""Users and API tokens, as admins and their owners see them."""

import secrets
from collections.abc import Sequence

from vedette.kernel.auth import new_secret, same_secret, secret_digest
from vedette.kernel.clock import US_PER_SECOND, to_iso
from vedette.kernel.errors import conflict, forbidden, invalid, not_found
from vedette.schema.identity import Role, Subject
from vedette.services.accounts.core import credentials
from vedette.services.accounts.model import ApiToken, AuditEntry, StoredToken, User
from vedette.services.accounts.service.hashing import Hashing
from vedette.services.accounts.service.ledger import Deed, Ledger
from vedette.services.accounts.service.sign_in import new_user, refuse_weak
from vedette.services.accounts.settings import AccountsSettings
from vedette.services.accounts.store import Store

_DAY_US = 86_400 * US_PER_SECOND


class Directory:
    """Adds, lists and deletes. `caller` None is whoever can open the data folder."""

    def __init__(self, settings: AccountsSettings, ledger: Ledger, hashing: Hashing) -> None:
        self._settings, self._ledger, self._hashing = settings, ledger, hashing

    async def list_users(self) -> list[User]:
        """By name."""
        return await self._ledger.read(lambda store: store.list_users())

    async def add_user(
        self, caller: Subject, *, name: str, password: str, role: Role, sensors: Sequence[str] = ()
    ) -> User:
        """Fault 409 when the name is taken, 400 when the password is too easy."""
        refuse_weak(password, name)
        if role is Role.ADMIN and sensors:
            raise invalid("An admin sees every sensor. Leave `sensors` empty, or choose another role.")
        user = new_user(name, await self._hashing.hash(password), role, sensors=sensors, now_us=self._ledger.now())

        def work(store: Store) -> None:
            if not store.add_user(user):
                raise conflict(f"There is a user '{name}' already. Choose another name.")

        await self._ledger.change(Deed(caller.id, "add_user", user.user_id), work)
        return user

    async def delete_user(self, caller: Subject, user_id: str) -> None:
        """Sessions and tokens of the user end at once. Fault 404 for nobody, 409 for the last admin."""

        def work(store: Store) -> None:
            user = store.get_user(user_id)
            if user is None:
                raise not_found(f"There is no user '{user_id}'.")
            if store.list_admins() == [user]:
                raise conflict("This is the last admin. Make another one first.")
            store.delete_user(user_id)

        await self._ledger.change(Deed(caller.id, "delete_user", user_id), work)

    async def create_token(self, caller: Subject | None, *, name: str, role: Role, days: float) -> tuple[str, str]:
        """Id and text of a new token; the text is not kept. Fault 403 for a role above one's own."""
        if not 0 < days <= self._settings.token_days_max:
            raise invalid(f"A token lives more than 0 and at most {self._settings.token_days_max:g} days.")
        if caller is not None and role > caller.role:
            raise forbidden("A token cannot do more than its owner.")
        token_id, secret, now = secrets.token_hex(8), new_secret(), self._ledger.now()

        def work(store: Store) -> None:
            if caller is not None and store.get_user(caller.id) is None:
                raise forbidden("A token cannot make tokens. Sign in as a user.")
            owner = caller.id if caller is not None else None
            expires_us = now + round(days * _DAY_US)
            store.add_token(StoredToken(token_id, name, secret_digest(secret), owner, role, now, expires_us))

        await self._ledger.change(Deed(caller.id if caller else "local", "create_token", token_id), work)
        return token_id, credentials.token_text(token_id, secret)

    async def list_tokens(self, caller: Subject | None) -> list[ApiToken]:
        """Newest first: all for an admin, one's own for anybody else."""

        def look(store: Store) -> list[ApiToken]:
            names = {user.user_id: user.name for user in store.list_users()}
            return [_shown(token, names) for token in store.list_tokens() if _may_see(caller, token)]

        return await self._ledger.read(look)

    async def revoke_token(self, caller: Subject | None, token_id: str) -> None:
        """It is refused from now on. Fault 404 when there is none that the caller may see."""

        def work(store: Store) -> None:
            token = store.get_token(token_id)
            if token is None or not _may_see(caller, token):
                raise not_found(f"There is no token '{token_id[:40]}'.")
            store.delete_token(token_id)

        await self._ledger.change(Deed(caller.id if caller else "local", "revoke_token", token_id[:40]), work)

    async def holder_of(self, bearer: str) -> Subject | None:
        """Who a bearer header speaks for; never more than the token's owner may do by now."""
        parsed = credentials.parse_bearer(bearer)
        if parsed is None:
            return None
        token_id, secret = parsed

        def look(store: Store) -> tuple[StoredToken | None, User | None]:
            found = store.get_token(token_id)
            return found, store.get_user(found.user_id) if found is not None and found.user_id else None

        token, owner = await self._ledger.read(look)
        digest = secret_digest(secret)
        if token is None or not same_secret(digest, token.digest) or token.expires_us <= self._ledger.now():
            return None
        role = min(token.role, owner.role) if owner is not None else token.role
        sensors = list(owner.sensors) if owner is not None else []
        return Subject(id=f"token:{token_id}", name=token.name, role=role, sensors=sensors)

    async def list_audit(self, most: int) -> list[AuditEntry]:
        """Newest first."""
        return await self._ledger.read(lambda store: store.list_audit(most))


def _may_see(caller: Subject | None, token: StoredToken) -> bool:
    return caller is None or caller.role is Role.ADMIN or token.user_id == caller.id


def _shown(token: StoredToken, names: dict[str, str]) -> ApiToken:
    return ApiToken(
        id=token.token_id,
        name=token.name,
        role=token.role,
        owner=names.get(token.user_id or "", "this box"),
        created_at=to_iso(token.created_us),
        expires_at=to_iso(token.expires_us),
    )
