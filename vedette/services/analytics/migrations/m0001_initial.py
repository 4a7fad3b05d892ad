"""The first shape: configuration, tiers, passages, alerts, and how far the bus was read."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0001"
_TIERS = ("tier_1s", "tier_1min", "tier_1h")


def upgrade(op: Operations) -> None:
    """Creates all tables."""
    _configuration(op)
    _counts(op)
    _events(op)
    op.create_table(
        "bus_position", sa.Column("topic", sa.Text, primary_key=True), sa.Column("position", sa.Text, nullable=False)
    )
    op.create_table(
        "engine_memory",
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("snapshot", sa.LargeBinary, nullable=False),
    )


def _configuration(op: Operations) -> None:
    op.create_table(
        "sensor",
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
    )
    for table in ("wire", "region", "alert_rule"):
        op.create_table(
            table,
            sa.Column("sensor_id", sa.Text, primary_key=True),
            sa.Column("item_id", sa.Text, primary_key=True),
            sa.Column("ordinal", sa.Integer, nullable=False),
            sa.Column("document", sa.LargeBinary, nullable=False),
        )


def _counts(op: Operations) -> None:
    op.create_table(
        "series",
        sa.Column("series_id", sa.Integer, primary_key=True),
        sa.Column("sensor_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.UniqueConstraint("sensor_id", "kind", "object_id", "event", "object_type"),
    )
    for table in _TIERS:
        op.create_table(
            table,
            sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("start_s", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("sum", sa.BigInteger, nullable=False),
            sa.Column("n", sa.BigInteger, nullable=False),
            sa.Column("min", sa.Integer, nullable=False),
            sa.Column("max", sa.Integer, nullable=False),
            sqlite_with_rowid=False,
        )


def _events(op: Operations) -> None:
    op.create_table(
        "passage",
        sa.Column("passage_id", sa.Integer, primary_key=True),
        sa.Column("sensor_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("track_id", sa.Text, nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("t_us", sa.BigInteger, nullable=False),
        sa.Column("known_at_us", sa.BigInteger, nullable=False),
        sa.Column("x", sa.Float, nullable=False),
        sa.Column("y", sa.Float, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
    )
    op.create_index("passage_by_time", "passage", ["sensor_id", "t_us"])
    op.create_index("passage_unpublished", "passage", ["passage_id"], sqlite_where=sa.text("NOT published"))
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("sensor_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target_id", sa.Text, nullable=False),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=True),
        sa.Column("published", sa.Boolean, nullable=False),
    )
    op.create_index("alert_by_time", "alert", ["sensor_id", "start_us"])
