"""The tables of storage as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from vedette.services.vst.store.tables import METADATA

CHOICE = Table(
    "choice",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary),
    Column("actor", Text),
    Column("at_us", BigInteger),
)
PROTECTION = Table(
    "protection",
    METADATA,
    Column("protection_id", Integer, primary_key=True),
    Column("stream_id", Text),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("actor", Text),
    Column("at_us", BigInteger),
)
UPLOAD = Table(
    "upload",
    METADATA,
    Column("upload_id", Text, primary_key=True),
    Column("stream_id", Text),
    Column("file_name", Text),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("size_bytes", BigInteger),
    Column("details", LargeBinary),
    Column("at_us", BigInteger),
)
SHARE = Table(
    "share",
    METADATA,
    Column("token", Text, primary_key=True),
    Column("stream_id", Text),
    Column("content", LargeBinary),
    Column("expires_us", BigInteger),
)
VOLUME = Table("volume", METADATA, Column("name", Text, primary_key=True), Column("identity", Text))
STOCK = Table(
    "stock",
    METADATA,
    Column("volume", Text, primary_key=True),
    Column("stream_id", Text, primary_key=True),
    Column("segments", BigInteger),
    Column("bytes", BigInteger),
)
