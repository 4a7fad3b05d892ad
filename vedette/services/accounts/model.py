"""Users, tokens and what their routes take and give."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from vedette.schema.base import Body
from vedette.schema.identity import Role, Subject

type RoleName = Literal["viewer", "operator", "admin"]

_Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.@ -]+$")]
_Secret = Annotated[str, Field(min_length=1, max_length=256)]
_Sensor = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=100)]


@dataclass(frozen=True, slots=True)
class User:
    """A person. An empty `password_hash` means that no password lets them in, only a ticket. Times in µs UTC."""

    user_id: str
    name: str
    password_hash: str
    role: Role
    sensors: tuple[str, ...]
    created_us: int

    def subject(self) -> Subject:
        """The person as a caller."""
        return Subject(id=self.user_id, name=self.name, role=self.role, sensors=list(self.sensors))


@dataclass(frozen=True, slots=True)
class StoredToken:
    """An API token as it is kept: the hash of its secret only. Without `user_id` it belongs to the box itself."""

    token_id: str
    name: str
    digest: str
    user_id: str | None
    role: Role
    created_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What may be shown of a token; times are ISO-8601."""

    id: str
    name: str
    role: Role
    owner: str
    created_at: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with a new session, whose secret only the browser keeps."""

    user: User
    session: str
    life_s: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change or attempt: when (µs UTC), who, what, to which thing, how it ended, from where."""

    at_us: int
    subject: str
    action: str
    resource: str
    outcome: str
    source: str


class Status(Body):
    """Whether the first admin is still to be made."""

    setup_required: bool


class SetupRequest(Body):
    """The code that the console shows, and the first admin."""

    code: _Secret
    name: _Name
    password: _Secret


class SignInRequest(Body):
    """Name and password."""

    name: _Secret
    password: _Secret


class TicketRequest(Body):
    """A one-time sign-in."""

    ticket: _Secret


class PasswordRequest(Body):
    """A new password; the current one too, unless there is none."""

    current: str = Field("", max_length=256)
    password: _Secret


class Person(Body):
    """A user or caller; an empty `sensors` means all."""

    id: str
    name: str
    role: RoleName
    sensors: list[str]


class People(Body):
    """All users."""

    users: list[Person]


class UserRequest(Body):
    """A new user."""

    name: _Name
    password: _Secret
    role: RoleName = "viewer"
    sensors: list[_Sensor] = Field(default_factory=list, max_length=1000)


class TokenRequest(Body):
    """A new token: what it is for, what it may do, how many days it lives."""

    name: _Name
    role: RoleName = "viewer"
    days: float = Field(90.0, gt=0, allow_inf_nan=False)


class TokenBody(Body):
    """A token without its secret."""

    id: str
    name: str
    role: RoleName
    owner: str
    created_at: str
    expires_at: str


class TokenMade(Body):
    """A new token. `token` is shown this once."""

    id: str
    token: str


class Tokens(Body):
    """Tokens, newest first."""

    tokens: list[TokenBody]


class AuditLine(Body):
    """One entry of the audit log."""

    at: str
    subject: str
    action: str
    resource: str
    outcome: str
    source: str


class AuditLog(Body):
    """Entries, newest first."""

    entries: list[AuditLine]
