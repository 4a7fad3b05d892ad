"""What users configure: tripwires, ROIs and alert rules of a sensor. Checked here, stored durably, then in effect."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from vedette.kernel.clock import Clock
from vedette.kernel.database import Database
from vedette.kernel.errors import conflict, invalid, not_found, unavailable, unprocessable
from vedette.services.analytics.core import geometry
from vedette.services.analytics.model.domain import AlertRule, Kind, Plan, Point, Region, Sensor, Wire
from vedette.services.analytics.service.counting import Counting
from vedette.services.analytics.store.store import Store


class Configuration:
    """Use cases of configuration. Everything returns the plan that is then in effect."""

    def __init__(self, database: Database, counting: Counting, clock: Clock) -> None:
        self._database, self._counting, self._clock = database, counting, clock

    async def get(self, sensor: Sensor) -> Plan:
        """What is configured for the sensor."""
        return await self._database.read(lambda connection: Store(connection).get_plan(sensor.sensor_id))

    async def set_wires(self, sensor: Sensor, wires: Sequence[Wire], *, restart: bool) -> Plan:
        """Adds wires, or replaces those with the same ids; `restart` deletes what was counted at them so far."""
        _check_distinct([wire.wire_id for wire in wires])
        checked = [_checked_wire(sensor, wire) for wire in wires]

        def change(plan: Plan) -> Plan:
            kept = tuple(wire for wire in plan.wires if wire.wire_id not in {item.wire_id for item in checked})
            return replace(plan, wires=(*kept, *checked))

        erased = [(Kind.TRIPWIRE, wire.wire_id) for wire in checked] if restart else []
        return await self._change(sensor, change, erased)

    async def set_regions(self, sensor: Sensor, regions: Sequence[Region], *, restart: bool) -> Plan:
        """The same for ROIs."""
        _check_distinct([region.roi_id for region in regions])
        checked = [_checked_region(sensor, region) for region in regions]

        def change(plan: Plan) -> Plan:
            kept = tuple(item for item in plan.regions if item.roi_id not in {new.roi_id for new in checked})
            return replace(plan, regions=(*kept, *checked))

        erased = [(Kind.ROI, region.roi_id) for region in checked] if restart else []
        return await self._change(sensor, change, erased)

    async def delete_item(self, sensor: Sensor, kind: Kind, item_id: str, *, history: bool) -> Plan:
        """Deletes a wire or ROI with its rules, on demand with what was counted at it. Fault 404 if there is none."""

        def change(plan: Plan) -> Plan:
            wires = tuple(item for item in plan.wires if kind is not Kind.TRIPWIRE or item.wire_id != item_id)
            regions = tuple(item for item in plan.regions if kind is not Kind.ROI or item.roi_id != item_id)
            if (wires, regions) == (plan.wires, plan.regions):
                raise not_found(f"'{sensor.name}' has no {kind} '{item_id}'. GET the configuration to see its ids.")
            rules = tuple(rule for rule in plan.rules if (rule.kind, rule.target_id) != (kind, item_id))
            return Plan(wires, regions, rules)

        return await self._change(sensor, change, [(kind, item_id)] if history else [])

    async def set_rules(self, sensor: Sensor, rules: Sequence[AlertRule]) -> Plan:
        """Adds alert rules, or replaces those with the same ids. Fault 404 if a rule's wire or ROI is unknown."""
        _check_distinct([rule.rule_id for rule in rules])
        await self._check_owner(sensor, [rule.rule_id for rule in rules])

        def change(plan: Plan) -> Plan:
            for rule in rules:
                _check_target(sensor, plan, rule)
            kept = tuple(rule for rule in plan.rules if rule.rule_id not in {item.rule_id for item in rules})
            return replace(plan, rules=(*kept, *rules))

        return await self._change(sensor, change, [])

    async def delete_rule(self, sensor: Sensor, kind: Kind, rule_id: str, *, target_id: str) -> Plan:
        """Deletes one rule and ends its alert. Fault 404 if there is none; `target_id` may be empty."""

        def change(plan: Plan) -> Plan:
            found = [rule for rule in plan.rules if rule.rule_id == rule_id and rule.kind is kind]
            if not found or (target_id and found[0].target_id != target_id):
                raise not_found(f"'{sensor.name}' has no {kind} rule '{rule_id}'. GET the rules to see their ids.")
            return replace(plan, rules=tuple(rule for rule in plan.rules if rule.rule_id != rule_id))

        return await self._change(sensor, change, [])

    async def _change(self, sensor: Sensor, change: Callable[[Plan], Plan], erased: Iterable[tuple[Kind, str]]) -> Plan:
        if not self._counting.is_ready:
            raise unavailable("Analytics is starting. Try again in a moment.")
        now = self._clock.now()
        async with self._counting.paused():
            plan = await self._database.write(
                lambda connection: Store(connection).change_plan(sensor.sensor_id, change, erased=erased, now=now),
                durable=True,
            )
            await self._counting.plan_changed(sensor, plan)
        return plan

    async def _check_owner(self, sensor: Sensor, rule_ids: Sequence[str]) -> None:
        owners = await self._database.read(
            lambda connection: [Store(connection).get_rule_owner(rule_id) for rule_id in rule_ids]
        )
        for rule_id, owner in zip(rule_ids, owners, strict=True):
            if owner not in (None, sensor.sensor_id):
                raise conflict(f"The rule id '{rule_id}' belongs to another sensor. Leave ruleId out to get a new one.")


def _check_distinct(ids: Sequence[str]) -> None:
    repeated = next((item for item in ids if ids.count(item) > 1), None)
    if repeated is not None:
        raise invalid(f"The id '{repeated}' is given twice in one request.")


def _checked_wire(sensor: Sensor, wire: Wire) -> Wire:
    what = f"tripwire '{wire.wire_id}'"
    points = tuple(a for a, b in pairwise((*wire.points, None)) if a is not None and a != b)
    if len(points) < 2:
        raise invalid(f"{what}: a wire needs at least two different points, this one has {len(points)}.")
    _check_inside(sensor, what, points)
    if wire.arrow[0] == wire.arrow[1]:
        raise invalid(f"{what}: direction.p1 and direction.p2 are the same point. Draw the arrow across the wire.")
    if geometry.arrow_sign(wire.arrow, points) == 0:
        raise invalid(f"{what}: the direction runs along the wire. Draw the arrow p1 → p2 across it.")
    return replace(wire, points=points)


def _checked_region(sensor: Sensor, region: Region) -> Region:
    what = f"ROI '{region.roi_id}'"
    corners = tuple(a for a, b in pairwise((*region.corners, None)) if a is not None and a != b)
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners = corners[:-1]
    if len(set(corners)) < 3:
        raise invalid(f"{what}: an ROI needs at least three different corners, this one has {len(set(corners))}.")
    _check_inside(sensor, what, corners)
    if geometry.crosses_itself(corners):
        raise unprocessable(f"{what}: its edges cross or it has no area. Give the corners in order around the area.")
    return replace(region, corners=corners)


def _check_inside(sensor: Sensor, what: str, points: Iterable[Point]) -> None:
    if not sensor.width or not sensor.height:
        return
    for x, y in points:
        if not (0 <= x <= sensor.width and 0 <= y <= sensor.height):
            raise invalid(
                f"{what}: the point ({x:g}, {y:g}) lies outside the {sensor.width}×{sensor.height} picture of "
                f"'{sensor.name}'. Use pixels of the source picture, from its top left corner."
            )


def _check_target(sensor: Sensor, plan: Plan, rule: AlertRule) -> None:
    known = {Kind.TRIPWIRE: {item.wire_id for item in plan.wires}, Kind.ROI: {item.roi_id for item in plan.regions}}
    if rule.kind in known and rule.target_id not in known[rule.kind]:
        raise not_found(f"'{sensor.name}' has no {rule.kind} '{rule.target_id}'. Configure it before its rules.")
    other = next((item for item in plan.rules if item.rule_id == rule.rule_id), None)
    if other is not None and other.kind is not rule.kind:
        raise conflict(
            f"The rule id '{rule.rule_id}' belongs to a {other.kind} rule. Leave ruleId out to get a new one."
        )
