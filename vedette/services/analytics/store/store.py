"""Rows in, values out: a class over one connection that never commits.

Adding to a count that exists adds up, so whoever adds the same frames in other portions gets the same rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from vedette.services.analytics.core.tiers import SECOND_US, STEPS_US, Piece, fold
from vedette.services.analytics.model.domain import (
    ALL_TYPES,
    AlertRule,
    Direction,
    Kind,
    Plan,
    Region,
    Results,
    Sensor,
    SeriesKey,
    StoredAlert,
    StoredPassage,
    TierPoint,
    Wire,
)
from vedette.services.analytics.store.tables import (
    ALERT,
    MEMORY,
    OWNED,
    PASSAGE,
    POSITION,
    REGION,
    RULE,
    SENSOR,
    SERIES,
    TIERS,
    WIRE,
)

type Totals = dict[str, dict[str, int]]
"""Crossings by wire and direction."""


class _AlertDocument(msgspec.Struct, frozen=True):
    rule: AlertRule
    direction_name: str
    reason: str = ""


class Store:
    """Rows in, values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert

    # configuration

    def list_sensors(self) -> list[Sensor]:
        """All sensors, by id."""
        rows = self._connection.execute(sa.select(SENSOR).order_by(SENSOR.c.sensor_id))
        return [Sensor(row.sensor_id, row.name, row.width, row.height) for row in rows]

    def set_sensor(self, sensor: Sensor) -> None:
        """Adds it or replaces what is known of it."""
        values = {"name": sensor.name, "width": sensor.width, "height": sensor.height}
        self._upsert(SENSOR, {"sensor_id": sensor.sensor_id, **values}, ["sensor_id"])

    def move_sensor(self, old_id: str, new_id: str) -> None:
        """Gives everything of one sensor id to another. Counts stay where they are if the other has some already."""
        taken = self._connection.execute(sa.select(SERIES.c.series_id).where(SERIES.c.sensor_id == new_id)).first()
        for table in OWNED if taken is None else (table for table in OWNED if table is not SERIES):
            self._connection.execute(sa.update(table).where(table.c.sensor_id == old_id).values(sensor_id=new_id))
        self._connection.execute(sa.delete(SENSOR).where(SENSOR.c.sensor_id == old_id))

    def delete_sensor(self, sensor_id: str) -> None:
        """Forgets the sensor and its configuration; what was counted stays until it is too old."""
        for table in (SENSOR, WIRE, REGION, RULE, MEMORY):
            self._connection.execute(sa.delete(table).where(table.c.sensor_id == sensor_id))

    def get_plan(self, sensor_id: str) -> Plan:
        """What is configured for the sensor, in the order it was configured."""
        return Plan(
            tuple(msgspec.json.decode(item, type=Wire) for item in self._documents(WIRE, sensor_id)),
            tuple(msgspec.json.decode(item, type=Region) for item in self._documents(REGION, sensor_id)),
            tuple(msgspec.json.decode(item, type=AlertRule) for item in self._documents(RULE, sensor_id)),
        )

    def change_plan(
        self, sensor_id: str, change: Callable[[Plan], Plan], *, erased: Iterable[tuple[Kind, str]], now: int
    ) -> Plan:
        """Replaces the plan by what `change` makes of it, ends the alerts of rules that are gone, and deletes the
        history of the `erased` wires and ROIs. Returns the new plan."""
        before = self.get_plan(sensor_id)
        plan = change(before)
        self.set_plan(sensor_id, plan)
        self.set_alerts_ended({rule.rule_id for rule in before.rules} - {rule.rule_id for rule in plan.rules}, now)
        for kind, object_id in erased:
            self.delete_history(sensor_id, kind, object_id)
        return plan

    def set_plan(self, sensor_id: str, plan: Plan) -> None:
        """Replaces what is configured for the sensor."""
        for table, items in (
            (WIRE, [(item.wire_id, item) for item in plan.wires]),
            (REGION, [(item.roi_id, item) for item in plan.regions]),
            (RULE, [(item.rule_id, item) for item in plan.rules]),
        ):
            self._connection.execute(sa.delete(table).where(table.c.sensor_id == sensor_id))
            rows = [
                {"sensor_id": sensor_id, "item_id": item_id, "ordinal": number, "document": msgspec.json.encode(item)}
                for number, (item_id, item) in enumerate(items)
            ]
            if rows:
                self._connection.execute(sa.insert(table), rows)

    def delete_history(self, sensor_id: str, kind: Kind, object_id: str) -> None:
        """Deletes all that was counted at one wire or ROI."""
        ids = sa.select(SERIES.c.series_id).where(*_belongs(SERIES, sensor_id, kind, object_id))
        for table in TIERS.values():
            self._connection.execute(sa.delete(table).where(table.c.series_id.in_(ids)))
        self._connection.execute(sa.delete(PASSAGE).where(*_belongs(PASSAGE, sensor_id, kind, object_id)))

    def set_alerts_ended(self, rule_ids: Iterable[str], end: int) -> None:
        """Ends the alerts of rules that are no more."""
        open_ones = ALERT.c.end_us.is_(None) & ALERT.c.rule_id.in_(list(rule_ids))
        self._connection.execute(sa.update(ALERT).where(open_ones).values(end_us=end, published=False))

    def get_rule_owner(self, rule_id: str) -> str | None:
        """The sensor that a rule belongs to."""
        return self._connection.execute(sa.select(RULE.c.sensor_id).where(RULE.c.item_id == rule_id)).scalar()

    # results

    def add_results(self, topic: str, results: Results) -> None:
        """Everything of one batch: counts add up, passages and alerts are added, memory and position replaced."""
        self._add_points(results.points)
        if results.passages:
            self._connection.execute(sa.insert(PASSAGE), [_passage_row(item) for item in results.passages])
        for alert in results.alerts:
            self._upsert(ALERT, _alert_row(alert), ["alert_id"])
        for sensor_id, snapshot in results.snapshots.items():
            self._upsert(MEMORY, {"sensor_id": sensor_id, "snapshot": snapshot}, ["sensor_id"])
        if results.position:
            self._upsert(POSITION, {"topic": topic, "position": results.position}, ["topic"])

    def get_position(self, topic: str) -> str | None:
        """Up to where the topic was read when the last results were stored."""
        query = sa.select(POSITION.c.position).where(POSITION.c.topic == topic)
        return self._connection.execute(query).scalar()

    def get_snapshot(self, sensor_id: str) -> bytes | None:
        """The engine's memory of the sensor, as of the stored position."""
        query = sa.select(MEMORY.c.snapshot).where(MEMORY.c.sensor_id == sensor_id)
        return self._connection.execute(query).scalar()

    def list_points(
        self, sensor_id: str, kind: Kind, pieces: Sequence[Piece], *, bucket_us: int, events: Sequence[str] = ("",)
    ) -> dict[SeriesKey, list[TierPoint]]:
        """All series of that kind and those events, added up per piece and bucket (whole seconds) by the database."""
        chosen = (SERIES.c.sensor_id == sensor_id, SERIES.c.kind == str(kind), SERIES.c.event.in_(events))
        keys = {
            row.series_id: SeriesKey(Kind(row.kind), row.object_id, row.event, row.object_type)
            for row in self._connection.execute(sa.select(SERIES).where(*chosen))
        }
        points: dict[SeriesKey, list[TierPoint]] = {}
        for piece in pieces:
            for row in self._connection.execute(_added_up(piece, list(keys), bucket_us)):
                series_id, bucket, total, n, least, most = row
                point = TierPoint(bucket * bucket_us, int(total), int(n), least, most)
                points.setdefault(keys[series_id], []).append(point)
        return points

    def list_totals(self, sensor_id: str, plan: Plan) -> Totals:
        """Crossings of all time over the plan's wires."""
        table = TIERS[STEPS_US[-1]]
        query = (
            sa.select(SERIES.c.object_id, SERIES.c.event, sa.func.sum(table.c.sum).label("all"))
            .join(table, table.c.series_id == SERIES.c.series_id)
            .where(SERIES.c.sensor_id == sensor_id, SERIES.c.kind == str(Kind.TRIPWIRE))
            .where(SERIES.c.object_type == ALL_TYPES)
            .group_by(SERIES.c.object_id, SERIES.c.event)
        )
        totals = {wire.wire_id: {str(direction): 0 for direction in Direction} for wire in plan.wires}
        for row in self._connection.execute(query):
            if row.object_id in totals:
                totals[row.object_id][row.event] = int(row.all)
        return totals

    def get_last_passage_id(self) -> int:
        """The highest id given so far, 0 if none."""
        return self._connection.execute(sa.select(sa.func.max(PASSAGE.c.passage_id))).scalar() or 0

    def list_unpublished_passages(self) -> list[StoredPassage]:
        """Passages that nobody has put on the bus for sure, in order."""
        query = sa.select(PASSAGE).where(PASSAGE.c.published.is_(False)).order_by(PASSAGE.c.passage_id)
        return [_stored_passage(row) for row in self._connection.execute(query)]

    def list_unpublished_alerts(self) -> list[StoredAlert]:
        """Alerts whose newest state nobody has put on the bus for sure, in order."""
        query = sa.select(ALERT).where(ALERT.c.published.is_(False)).order_by(ALERT.c.start_us, ALERT.c.alert_id)
        return [_stored_alert(row) for row in self._connection.execute(query)]

    def list_alerting(self) -> list[str]:
        """The sensors with alerts that hold."""
        query = sa.select(ALERT.c.sensor_id).where(ALERT.c.end_us.is_(None)).distinct().order_by(ALERT.c.sensor_id)
        return list(self._connection.execute(query).scalars())

    def set_published(self, passage_ids: Sequence[int], alerts: Sequence[StoredAlert]) -> None:
        """Marks them as put on the bus."""
        self._connection.execute(sa.update(PASSAGE).where(PASSAGE.c.passage_id.in_(passage_ids)).values(published=True))
        for alert in alerts:
            same = ALERT.c.end_us.is_(None) if alert.end is None else ALERT.c.end_us == alert.end
            self._connection.execute(
                sa.update(ALERT).where(ALERT.c.alert_id == alert.alert_id, same).values(published=True)
            )

    def list_alerts(
        self, *, sensor_id: str, kind: Kind | None, start: int, end: int, limit: int | None
    ) -> list[StoredAlert]:
        """Alerts of a sensor that held at some moment of `[start, end)`, newest first."""
        query = sa.select(ALERT).where(*_held(sensor_id, kind, start, end))
        query = query.order_by(ALERT.c.start_us.desc(), ALERT.c.alert_id)
        return [_stored_alert(row) for row in self._connection.execute(query.limit(limit))]

    def count_alerts(self, *, sensor_id: str, kind: Kind | None, start: int, end: int) -> int:
        """How many `list_alerts` would give without a limit."""
        query = sa.select(sa.func.count()).select_from(ALERT).where(*_held(sensor_id, kind, start, end))
        return self._connection.execute(query).scalar_one()

    # ageing

    def delete_points_before(self, step_us: int, before: int, span: int) -> bool:
        """Deletes the oldest rows of a tier, at most `span` µs of them; whether more may be left."""
        table = TIERS[step_us]
        oldest = self._connection.execute(sa.select(sa.func.min(table.c.start_s))).scalar()
        if oldest is None or oldest * SECOND_US >= before:
            return False
        until = min(before, oldest * SECOND_US + span)
        self._connection.execute(sa.delete(table).where(table.c.start_s < -(-until // SECOND_US)))
        return bool(until < before)

    def delete_events_before(self, before: int) -> None:
        """Deletes published passages and ended alerts that are older."""
        self._connection.execute(sa.delete(PASSAGE).where(PASSAGE.c.published, PASSAGE.c.t_us < before))
        self._connection.execute(sa.delete(ALERT).where(ALERT.c.published, ALERT.c.end_us < before))

    def _documents(self, table: sa.Table, sensor_id: str) -> list[bytes]:
        query = sa.select(table.c.document).where(table.c.sensor_id == sensor_id).order_by(table.c.ordinal)
        return list(self._connection.execute(query).scalars())

    def _add_points(self, points: Mapping[tuple[str, SeriesKey], Mapping[int, TierPoint]]) -> None:
        rows: dict[int, list[dict[str, int]]] = {step: [] for step in STEPS_US}
        for (sensor_id, key), by_second in points.items():
            series_id = self._series_id(sensor_id, key)
            for step in STEPS_US:
                rows[step] += [_point_row(series_id, point) for point in fold(by_second.values(), step)]
        for step, table in TIERS.items():
            if rows[step]:
                self._connection.execute(self._adding(table), rows[step])

    def _adding(self, table: sa.Table) -> sa.Executable:
        statement = self._insert(table)
        new, old = statement.excluded, table.c
        return statement.on_conflict_do_update(
            index_elements=["series_id", "start_s"],
            set_={
                "sum": old["sum"] + new["sum"],
                "n": old["n"] + new["n"],
                "min": sa.case((new["min"] < old["min"], new["min"]), else_=old["min"]),
                "max": sa.case((new["max"] > old["max"], new["max"]), else_=old["max"]),
            },
        )

    def _series_id(self, sensor_id: str, key: SeriesKey) -> int:
        values = {"sensor_id": sensor_id, **key._asdict()}
        found = self._connection.execute(
            sa.select(SERIES.c.series_id).where(*(SERIES.c[column] == value for column, value in values.items()))
        ).scalar()
        if found is not None:
            return int(found)
        made = sa.insert(SERIES).values(values).returning(SERIES.c.series_id)
        return int(self._connection.execute(made).scalar_one())

    def _upsert(self, table: sa.Table, values: Mapping[str, object], key: Iterable[str]) -> None:
        statement = self._insert(table).values(values)
        changed = {column: statement.excluded[column] for column in values if column not in set(key)}
        self._connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))


def _added_up(piece: Piece, series_ids: Sequence[int], bucket_us: int) -> sa.Select[int, int, int, int, int, int]:
    columns = TIERS[piece.step_us].c
    bucket = columns.start_s // (bucket_us // SECOND_US)
    values = [sa.func.sum(columns["sum"]), sa.func.sum(columns["n"]), sa.func.min(columns["min"])]
    return (
        sa.select(columns.series_id, bucket, *values, sa.func.max(columns["max"]))
        .where(columns.series_id.in_(series_ids))
        .where(columns.start_s >= -(-piece.start // SECOND_US), columns.start_s < -(-piece.end // SECOND_US))
        .group_by(columns.series_id, bucket)
        .order_by(columns.series_id, bucket)
    )


def _belongs(table: sa.Table, sensor_id: str, kind: Kind, object_id: str) -> list[sa.ColumnElement[bool]]:
    return [table.c.sensor_id == sensor_id, table.c.kind == str(kind), table.c.object_id == object_id]


def _held(sensor_id: str, kind: Kind | None, start: int, end: int) -> list[sa.ColumnElement[bool]]:
    conditions = [
        ALERT.c.sensor_id == sensor_id,
        ALERT.c.start_us < end,
        sa.or_(ALERT.c.end_us.is_(None), ALERT.c.end_us >= start),
    ]
    return conditions if kind is None else [*conditions, ALERT.c.kind == str(kind)]


def _point_row(series_id: int, point: TierPoint) -> dict[str, int]:
    row = point._asdict()
    return {"series_id": series_id, "start_s": row.pop("start") // SECOND_US, **row}


def _passage_row(item: StoredPassage) -> dict[str, object]:
    return {
        "passage_id": item.passage_id,
        "sensor_id": item.sensor_id,
        "kind": str(item.kind),
        "object_id": item.object_id,
        "event": item.event,
        "track_id": item.track_id,
        "object_type": item.object_type,
        "t_us": item.t,
        "known_at_us": item.known_at,
        "x": item.at[0],
        "y": item.at[1],
        "published": False,
    }


def _stored_passage(row: sa.Row[tuple[object, ...]]) -> StoredPassage:
    return StoredPassage(
        row.passage_id,
        row.sensor_id,
        Kind(row.kind),
        row.object_id,
        row.event,
        row.track_id,
        row.object_type,
        row.t_us,
        row.known_at_us,
        (row.x, row.y),
    )


def _alert_row(alert: StoredAlert) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "sensor_id": alert.sensor_id,
        "kind": str(alert.rule.kind),
        "target_id": alert.rule.target_id,
        "rule_id": alert.rule.rule_id,
        "document": msgspec.json.encode(_AlertDocument(alert.rule, alert.direction_name, alert.reason)),
        "value": alert.value,
        "start_us": alert.start,
        "end_us": alert.end,
        "published": False,
    }


def _stored_alert(row: sa.Row[tuple[object, ...]]) -> StoredAlert:
    document = msgspec.json.decode(row.document, type=_AlertDocument)
    return StoredAlert(
        row.alert_id,
        row.sensor_id,
        document.rule,
        document.direction_name,
        row.value,
        row.start_us,
        row.end_us,
        document.reason,
    )
