"""Every SQL statement of accounts. A class over one connection; it never commits."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from vedette.schema.identity import Role
from vedette.services.accounts.model import AuditEntry, StoredToken, User

_meta = sa.MetaData()


def _table(name: str, key: str, *texts: str, numbers: Sequence[str] = (), lists: Sequence[str] = ()) -> sa.Table:
    return sa.Table(
        name,
        _meta,
        sa.Column(key, sa.Text, primary_key=True),
        *(sa.Column(column, sa.Text) for column in texts),
        *(sa.Column(column, sa.BigInteger) for column in numbers),
        *(sa.Column(column, sa.JSON) for column in lists),
    )


_account = _table(
    "account", "user_id", "name", "name_key", "password_hash", numbers=("role", "created_us"), lists=("sensors",)
)
_session = _table("session", "digest", "user_id", numbers=("created_us", "expires_us"))
_token = _table(
    "token",
    "token_id",
    "name",
    "digest",
    "user_id",
    numbers=("role", "created_us", "expires_us"),
)
_ticket = _table("ticket", "digest", "user_id", numbers=("expires_us",))
_known = sa.Table(
    "known_source",
    _meta,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
)
_guess = sa.Table(
    "guess",
    _meta,
    sa.Column("guess_id", sa.Integer, primary_key=True),
    sa.Column("counter", sa.Text),
    sa.Column("at_us", sa.BigInteger),
)
_audit = sa.Table(
    "audit",
    _meta,
    sa.Column("entry_id", sa.Integer, primary_key=True),
    sa.Column("at_us", sa.BigInteger),
    *(sa.Column(column, sa.Text) for column in ("subject", "action", "resource", "outcome", "source")),
)


class Store:
    """Users and what proves them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # users

    def add_user(self, user: User) -> bool:
        """False when the name is taken, in whatever case."""
        if self.get_user_by_name(user.name) is not None:
            return False
        self._connection.execute(
            _account.insert().values(
                user_id=user.user_id,
                name=user.name,
                name_key=_name_key(user.name),
                password_hash=user.password_hash,
                role=int(user.role),
                sensors=list(user.sensors),
                created_us=user.created_us,
            )
        )
        return True

    def get_user(self, user_id: str) -> User | None:
        """By id."""
        return self._user(_account.c.user_id == user_id)

    def get_user_by_name(self, name: str) -> User | None:
        """By name, in whatever case."""
        return self._user(_account.c.name_key == _name_key(name))

    def _user(self, where: sa.ColumnElement[bool]) -> User | None:
        row = self._connection.execute(sa.select(_account).where(where)).mappings().first()
        return _read_user(row) if row is not None else None

    def list_users(self) -> list[User]:
        """By name."""
        rows = self._connection.execute(sa.select(_account).order_by(_account.c.name_key)).mappings()
        return [_read_user(row) for row in rows]

    def list_admins(self) -> list[User]:
        """Whoever may make users."""
        return [user for user in self.list_users() if user.role is Role.ADMIN]

    def delete_user(self, user_id: str) -> None:
        """With sessions, tokens, tickets and known sources."""
        self._connection.execute(_account.delete().where(_account.c.user_id == user_id))

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Replaces it and ends all of the user's sessions."""
        statement = _account.update().where(_account.c.user_id == user_id)
        self._connection.execute(statement.values(password_hash=password_hash))
        self._connection.execute(_session.delete().where(_session.c.user_id == user_id))

    # sessions and tickets

    def add_session(self, digest: str, user_id: str, now_us: int, *, expires_us: int) -> None:
        """Also forgets sessions that are over."""
        self._connection.execute(_session.delete().where(_session.c.expires_us <= now_us))
        self._connection.execute(
            _session.insert().values(digest=digest, user_id=user_id, created_us=now_us, expires_us=expires_us)
        )

    def get_session_user(self, digest: str, now_us: int) -> User | None:
        """Whose session it is, while it lasts."""
        statement = sa.select(_account).join(_session, _session.c.user_id == _account.c.user_id)
        running = (_session.c.digest == digest) & (_session.c.expires_us > now_us)
        row = self._connection.execute(statement.where(running)).mappings().first()
        return _read_user(row) if row is not None else None

    def delete_session(self, digest: str) -> None:
        """Ends it; an unknown one is fine."""
        self._connection.execute(_session.delete().where(_session.c.digest == digest))

    def add_ticket(self, digest: str, user_id: str, now_us: int, *, expires_us: int) -> None:
        """Also forgets tickets that are over."""
        self._connection.execute(_ticket.delete().where(_ticket.c.expires_us <= now_us))
        self._connection.execute(_ticket.insert().values(digest=digest, user_id=user_id, expires_us=expires_us))

    def take_ticket(self, digest: str, now_us: int) -> User | None:
        """Whose ticket it is; it works this once."""
        statement = sa.select(_ticket.c.user_id, _ticket.c.expires_us).where(_ticket.c.digest == digest)
        row = self._connection.execute(statement).first()
        self._connection.execute(_ticket.delete().where(_ticket.c.digest == digest))
        return self.get_user(row.user_id) if row is not None and row.expires_us > now_us else None

    # tokens

    def add_token(self, token: StoredToken) -> None:
        """A new one."""
        self._connection.execute(
            _token.insert().values(
                token_id=token.token_id,
                name=token.name,
                digest=token.digest,
                user_id=token.user_id,
                role=int(token.role),
                created_us=token.created_us,
                expires_us=token.expires_us,
            )
        )

    def get_token(self, token_id: str) -> StoredToken | None:
        """By id, expired or not."""
        statement = sa.select(_token).where(_token.c.token_id == token_id)
        row = self._connection.execute(statement).mappings().first()
        return _read_token(row) if row is not None else None

    def list_tokens(self) -> list[StoredToken]:
        """Newest first."""
        rows = self._connection.execute(sa.select(_token).order_by(_token.c.created_us.desc())).mappings()
        return [_read_token(row) for row in rows]

    def delete_token(self, token_id: str) -> None:
        """Ends it."""
        self._connection.execute(_token.delete().where(_token.c.token_id == token_id))

    # guesses

    def list_guesses(self, counter: str) -> list[int]:
        """When guesses were made on this counter, in µs UTC."""
        statement = sa.select(_guess.c.at_us).where(_guess.c.counter == counter)
        return list(self._connection.execute(statement).scalars())

    def add_guess(self, counter: str, at_us: int) -> int:
        """Its id, to take it back when the guess was right."""
        result: Any = self._connection.execute(_guess.insert().values(counter=counter, at_us=at_us))
        return int(result.inserted_primary_key[0])

    def delete_guesses(self, guess_ids: Sequence[int]) -> None:
        """Takes guesses back."""
        self._connection.execute(_guess.delete().where(_guess.c.guess_id.in_(guess_ids)))

    def forget_guesses(self, before_us: int, after_us: int) -> None:
        """Drops those that no longer count, or that a corrected clock left in the future."""
        old = (_guess.c.at_us < before_us) | (_guess.c.at_us > after_us)
        self._connection.execute(_guess.delete().where(old))

    def is_known_source(self, user_id: str, source: str) -> bool:
        """Whether the user has signed in from there."""
        statement = sa.select(_known.c.source).where((_known.c.user_id == user_id) & (_known.c.source == source))
        return self._connection.execute(statement).first() is not None

    def add_known_source(self, user_id: str, source: str) -> None:
        """Once is enough."""
        if not self.is_known_source(user_id, source):
            self._connection.execute(_known.insert().values(user_id=user_id, source=source))

    # audit

    def add_audit(self, entry: AuditEntry, *, keep: int) -> None:
        """Appends, and drops what is older than the newest `keep`."""
        result: Any = self._connection.execute(
            _audit.insert().values(
                at_us=entry.at_us,
                subject=entry.subject,
                action=entry.action,
                resource=entry.resource,
                outcome=entry.outcome,
                source=entry.source,
            )
        )
        oldest = int(result.inserted_primary_key[0]) - keep
        self._connection.execute(_audit.delete().where(_audit.c.entry_id <= oldest))

    def list_audit(self, most: int) -> list[AuditEntry]:
        """Newest first."""
        columns = [column for column in _audit.c if column.name != "entry_id"]
        statement = sa.select(*columns).order_by(_audit.c.entry_id.desc()).limit(most)
        return [AuditEntry(**row) for row in self._connection.execute(statement).mappings()]


def _name_key(name: str) -> str:
    return name.strip().casefold()


def _read_user(row: RowMapping) -> User:
    return User(
        user_id=row["user_id"],
        name=row["name"],
        password_hash=row["password_hash"],
        role=Role(row["role"]),
        sensors=tuple(row["sensors"]),
        created_us=row["created_us"],
    )


def _read_token(row: RowMapping) -> StoredToken:
    return StoredToken(
        token_id=row["token_id"],
        name=row["name"],
        digest=row["digest"],
        user_id=row["user_id"],
        role=Role(row["role"]),
        created_us=row["created_us"],
        expires_us=row["expires_us"],
    )
