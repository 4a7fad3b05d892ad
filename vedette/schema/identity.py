"""Who asks, what for, and what may be granted."""

from enum import IntEnum, StrEnum

from vedette.schema.base import Message


class Role(IntEnum):
    """Ordered: a wider role never loses what a narrower one has."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class Action(StrEnum):
    """What a route does to a resource; every route declares one."""

    PUBLIC = "public"
    SELF = "self"
    VIEW = "view"
    LIVE = "live"
    REPLAY = "replay"
    EXPORT = "export"
    CONFIGURE = "configure"
    DELETE = "delete"
    ADMINISTER = "administer"
    INTERNAL = "internal"


class Subject(Message, frozen=True, kw_only=True):
    """A signed-in user, the holder of a token, or a service of this node.

    `sensors` limits it to those sensor ids; empty means all. `internal` marks a service of the same node.
    """

    id: str
    name: str
    role: Role
    sensors: list[str] = []
    internal: bool = False


class Resource(Message, frozen=True, kw_only=True):
    """What is asked for; without a sensor id it concerns the device as a whole."""

    sensor_id: str = ""
