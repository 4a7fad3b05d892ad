"""The first shape: users, their sessions, tokens and tickets, guesses, and the audit log."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0001"


def upgrade(op: Operations) -> None:
    """Creates all tables."""
    op.create_table(
        "account",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("sensors", sa.JSON, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.Text, primary_key=True),
        _owner(),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "token",
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        _owner(nullable=True),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ticket",
        sa.Column("digest", sa.Text, primary_key=True),
        _owner(),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "known_source", _owner(primary_key=True), sa.Column("source", sa.Text, primary_key=True, nullable=False)
    )
    op.create_table(
        "guess",
        sa.Column("guess_id", sa.Integer, primary_key=True),
        sa.Column("counter", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("guess_by_counter", "guess", ["counter", "at_us"])
    op.create_table(
        "audit",
        sa.Column("entry_id", sa.Integer, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("subject", "action", "resource", "outcome", "source")),
    )


def _owner(*, nullable: bool = False, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "user_id",
        sa.Text,
        sa.ForeignKey("account.user_id", ondelete="CASCADE"),
        nullable=nullable,
        primary_key=primary_key,
        index=not primary_key,
    )
