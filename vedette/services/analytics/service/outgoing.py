"""How results are said to others: bus messages, the alerts API and the live socket."""

from typing import Any

import msgspec

from vedette.kernel.clock import to_iso
from vedette.schema.alert import AlertMessage, Attribute
from vedette.schema.behavior import BehaviorMessage, GeoLocation, NamedId
from vedette.schema.frame import FrameMessage
from vedette.services.analytics.core.engine import Emissions
from vedette.services.analytics.model.domain import (
    AlertRule,
    Direction,
    Kind,
    Metric,
    StoredAlert,
    StoredPassage,
)

_MODULES = {Kind.TRIPWIRE: ("TripEvent", "tripwire"), Kind.ROI: ("ROIEvent", "roi")}


def behavior(passage: StoredPassage, sensor_name: str) -> BehaviorMessage:
    """A crossing or visit as an `nv.Behavior` with an event."""
    module, kind = _MODULES[passage.kind]
    return BehaviorMessage(
        id=f"{sensor_name} #-# {passage.track_id}",
        timestamp=to_iso(passage.t),
        end=to_iso(max(passage.t, passage.known_at)),
        locations=GeoLocation(coordinates=[list(passage.at)]),
        sensor=NamedId(id=sensor_name, type="camera"),
        object=NamedId(id=passage.track_id, type=passage.object_type),
        event=NamedId(id=passage.object_id, type=passage.event, info={"class": kind}),
        analytics_module=NamedId(id=module, description="Vedette analytics"),
    )


def alert(item: StoredAlert, sensor_name: str) -> AlertMessage:
    """An alert as the API and the bus carry it."""
    rule, end = item.rule, item.end
    attributes = [
        Attribute(name="ruleName", value=rule.name),
        Attribute(name="threshold", value=str(rule.threshold)),
        Attribute(name="objectType", value=rule.object_type),
    ]
    if rule.target_id:
        attributes.append(Attribute(name=f"{rule.kind}Id", value=rule.target_id))
    if item.reason:
        attributes.append(Attribute(name="reason", value=item.reason))
    return AlertMessage(
        id=item.alert_id,
        sensor_id=sensor_name,
        type=str(rule.kind),
        rule_type=str(rule.metric),
        rule_id=rule.rule_id,
        count=item.value,
        direction=direction_word(rule.direction),
        direction_name=item.direction_name,
        description=_sentence(rule, item.value),
        start_timestamp=to_iso(item.start),
        end_timestamp="" if end is None else to_iso(end),
        duration=0.0 if end is None else max(0, end - item.start) / 1e6,
        attributes=attributes,
    )


def direction_word(direction: Direction | None) -> str:
    """IN is an entry, OUT an exit; both is the empty text."""
    return {None: "", Direction.IN: "entry", Direction.OUT: "exit"}[direction]


def live_frame(message: FrameMessage, out: Emissions, totals: dict[str, dict[str, int]]) -> bytes:
    """A frame with the counts that belong to it, for the live socket."""
    body: dict[str, Any] = msgspec.to_builtins(message)
    body["type"] = "frame"
    body["counts"] = {"fov": out.fov, "rois": out.regions, "tripwires": totals}
    return msgspec.json.encode(body)


def live_passage(passage: StoredPassage, sensor_name: str) -> bytes:
    """A crossing or visit, for the live socket."""
    key = "tripwireId" if passage.kind is Kind.TRIPWIRE else "roiId"
    body = {
        "type": "crossing" if passage.kind is Kind.TRIPWIRE else "visit",
        "sensorId": sensor_name,
        key: passage.object_id,
        "direction": passage.event,
        "objectId": passage.track_id,
        "objectType": passage.object_type,
        "timestamp": to_iso(passage.t),
        "point": {"x": passage.at[0], "y": passage.at[1]},
    }
    return msgspec.json.encode(body)


def live_alert(item: StoredAlert, sensor_name: str) -> bytes:
    """A raised or cleared alert, for the live socket; `alertType` is what the alerts API calls `type`."""
    body: dict[str, Any] = msgspec.to_builtins(alert(item, sensor_name))
    body["alertType"] = body.pop("type")
    body["type"] = "alert"
    body["state"] = "raised" if item.end is None else "cleared"
    return msgspec.json.encode(body)


def _sentence(rule: AlertRule, value: int) -> str:
    what = "objects" if rule.object_type == "*" else f"objects of type {rule.object_type}"
    place = {Kind.FOV: "in view", Kind.ROI: f"in {rule.target_id}", Kind.TRIPWIRE: f"over {rule.target_id}"}[rule.kind]
    if rule.kind is Kind.TRIPWIRE:
        return f"{value} {what} {place} within {rule.interval_us // 1_000_000} s (threshold {rule.threshold})"
    limit = "at most" if rule.metric is Metric.VACANCY else "at least"
    return f"{value} {what} {place}, {limit} {rule.threshold} for {rule.hold_us / 1e6:g} s"
