"""The tables of analytics, as the migrations leave them.

Counts are rows (series, start, sum, n, min, max) in three tables, one a step. What is configured is one JSON document a
row, in the shape of the domain value.
"""

import sqlalchemy as sa

from vedette.services.analytics.core.tiers import STEPS_US

_meta = sa.MetaData()


def _configured(name: str) -> sa.Table:
    return sa.Table(
        name,
        _meta,
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("ordinal", sa.Integer),
        sa.Column("document", sa.LargeBinary),
    )


def _tier(name: str) -> sa.Table:
    return sa.Table(
        name,
        _meta,
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start_s", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(column, sa.BigInteger) for column in ("sum", "n", "min", "max")),
    )


SENSOR = sa.Table(
    "sensor",
    _meta,
    sa.Column("sensor_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
)
WIRE, REGION, RULE = _configured("wire"), _configured("region"), _configured("alert_rule")
SERIES = sa.Table(
    "series",
    _meta,
    sa.Column("series_id", sa.Integer, primary_key=True),
    *(sa.Column(column, sa.Text) for column in ("sensor_id", "kind", "object_id", "event", "object_type")),
)
TIERS = dict(zip(STEPS_US, (_tier("tier_1s"), _tier("tier_1min"), _tier("tier_1h")), strict=True))
PASSAGE = sa.Table(
    "passage",
    _meta,
    sa.Column("passage_id", sa.Integer, primary_key=True),
    *(sa.Column(column, sa.Text) for column in ("sensor_id", "kind", "object_id", "event", "track_id", "object_type")),
    *(sa.Column(column, sa.BigInteger) for column in ("t_us", "known_at_us")),
    *(sa.Column(column, sa.Float) for column in ("x", "y")),
    sa.Column("published", sa.Boolean),
)
ALERT = sa.Table(
    "alert",
    _meta,
    sa.Column("alert_id", sa.Text, primary_key=True),
    *(sa.Column(column, sa.Text) for column in ("sensor_id", "kind", "target_id", "rule_id")),
    sa.Column("document", sa.LargeBinary),
    *(sa.Column(column, sa.BigInteger) for column in ("value", "start_us", "end_us")),
    sa.Column("published", sa.Boolean),
)
POSITION = sa.Table(
    "bus_position", _meta, sa.Column("topic", sa.Text, primary_key=True), sa.Column("position", sa.Text)
)
MEMORY = sa.Table(
    "engine_memory", _meta, sa.Column("sensor_id", sa.Text, primary_key=True), sa.Column("snapshot", sa.LargeBinary)
)
OWNED = (WIRE, REGION, RULE, SERIES, PASSAGE, ALERT, MEMORY)
