"""The raised instance of an alert rule, as the alerts API and the bus carry it."""

from vedette.schema.base import Message


class Attribute(Message, frozen=True, kw_only=True):
    """A named text of an alert."""

    name: str
    value: str


class AlertMessage(Message, frozen=True, kw_only=True, omit_defaults=False):
    """One alert. Times are ISO-8601 UTC, `duration` is in seconds; while it holds the end is empty, the duration 0."""

    id: str
    sensor_id: str
    type: str
    rule_type: str
    rule_id: str
    count: int = 0
    direction: str = ""
    direction_name: str = ""
    description: str = ""
    start_timestamp: str
    end_timestamp: str = ""
    duration: float = 0.0
    attributes: list[Attribute] = []
