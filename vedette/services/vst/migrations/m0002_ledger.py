"""The coverage ledger takes the place of gaps and deletions; streams, volumes, ONVIF devices and sound get a place."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0002"


def upgrade(op: Operations) -> None:
    """Adds streams, ledger and the new columns. Causes of gaps from before the ledger are not kept."""
    op.add_column("sensor", sa.Column("kind", sa.Text, nullable=False, server_default="rtsp"))
    op.add_column("sensor", sa.Column("device", sa.LargeBinary, nullable=False, server_default=""))
    op.add_column("segment", sa.Column("seq", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("segment", sa.Column("volume", sa.Text, nullable=False, server_default="main"))
    op.add_column("segment", sa.Column("audio", sa.Text, nullable=False, server_default=""))
    op.add_column("garbage", sa.Column("volume", sa.Text, nullable=False, server_default="main"))
    op.create_table(
        "stream",
        sa.Column("stream_id", sa.Text, primary_key=True),
        sa.Column("sensor_id", sa.Text, nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("rule", sa.LargeBinary, nullable=True),
    )
    op.execute("INSERT INTO stream SELECT sensor_id, sensor_id, 'main', url, '', NULL FROM sensor")
    _ledger(op)
    op.drop_table("gap")
    op.drop_table("deletion")


def _ledger(op: Operations) -> None:
    op.create_table(
        "ledger",
        sa.Column("stream_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("segments", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("ledger_by_end", "ledger", ["stream_id", "end_us"])
    op.create_table(
        "ledger_head",
        sa.Column("stream_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text, nullable=True),
        sa.Column("last_entry", sa.BigInteger, nullable=True),
        sa.Column("segments", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
