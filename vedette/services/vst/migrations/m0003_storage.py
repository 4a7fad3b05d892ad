"""Room for what is set at run time, protected ranges, uploads, temporary addresses and further volumes."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0003"


def upgrade(op: Operations) -> None:
    """Creates the tables of storage."""
    op.create_table(
        "choice",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "protection",
        sa.Column("protection_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("stream_id", sa.Text, nullable=False, index=True),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    _uploads(op)
    _volumes(op)


def _uploads(op: Operations) -> None:
    op.create_table(
        "upload",
        sa.Column("upload_id", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.Text, nullable=False, index=True),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "share",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )


def _volumes(op: Operations) -> None:
    op.create_table(
        "volume",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
    )
    op.create_table(
        "stock",
        sa.Column("volume", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.Text, primary_key=True),
        sa.Column("segments", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("segment_by_volume", "segment", ["volume", "stream_id", "start_us"])
