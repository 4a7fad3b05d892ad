"""A track's crossing of a tripwire or ROI edge, as `nv.Behavior` JSON with an event."""

import msgspec

from vedette.schema.base import Message


class NamedId(Message, frozen=True, kw_only=True):
    """An id with a type or a description, as Metropolis nests them."""

    id: str
    type: str = ""
    description: str = ""
    info: dict[str, str] = {}


class GeoLocation(Message, frozen=True, kw_only=True):
    """Points of a path: `coordinates` are [x, y] in pixels of the source picture."""

    type: str = "linestring"
    coordinates: list[list[float]] = []


class BehaviorMessage(Message, frozen=True, kw_only=True):
    """One crossing. `id` is the sensor's name, ` #-# `, the object's id.

    `event.id` is the wire or ROI, `event.type` IN/OUT or ENTRY/EXIT, `event.info["class"]` tripwire or roi.
    """

    id: str
    timestamp: str
    end: str
    locations: GeoLocation = msgspec.field(default_factory=GeoLocation)
    sensor: NamedId
    object: NamedId
    event: NamedId
    analytics_module: NamedId
    info: dict[str, str] = {}
