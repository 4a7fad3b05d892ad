"""The tables of the catalogue as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()
SENSOR = Table(
    "sensor",
    METADATA,
    Column("sensor_id", Text, primary_key=True),
    Column("name", Text),
    Column("url", Text),
    Column("sealed", LargeBinary),
    Column("details", LargeBinary),
    Column("created_us", BigInteger),
    Column("kind", Text),
    Column("device", LargeBinary),
)
STREAM = Table(
    "stream",
    METADATA,
    Column("stream_id", Text, primary_key=True),
    Column("sensor_id", Text),
    Column("kind", Text),
    Column("url", Text),
    Column("profile", Text),
    Column("rule", LargeBinary),
)
SEGMENT = Table(
    "segment",
    METADATA,
    Column("segment_id", BigInteger, primary_key=True),
    Column("stream_id", Text),
    Column("recording_id", BigInteger),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("media_us", BigInteger),
    Column("bytes", BigInteger),
    Column("digest", Text),
    Column("codec", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("seq", BigInteger),
    Column("volume", Text),
    Column("audio", Text),
)
LEDGER = Table(
    "ledger",
    METADATA,
    Column("stream_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger),
    Column("kind", Text),
    Column("start_us", BigInteger),
    Column("end_us", BigInteger),
    Column("hash", Text),
    Column("cause", Text),
    Column("actor", Text),
    Column("segments", BigInteger),
    Column("bytes", BigInteger),
    Column("at_us", BigInteger),
)
HEAD = Table(
    "ledger_head",
    METADATA,
    Column("stream_id", Text, primary_key=True),
    Column("seq", BigInteger),
    Column("hash", Text),
    Column("until_us", BigInteger),
    Column("cause", Text),
    Column("last_entry", BigInteger),
    Column("segments", BigInteger),
    Column("bytes", BigInteger),
)
ID_BLOCK = Table("id_block", METADATA, Column("name", Text, primary_key=True), Column("next_id", BigInteger))
GARBAGE = Table(
    "garbage",
    METADATA,
    Column("segment_id", BigInteger, primary_key=True),
    Column("stream_id", Text),
    Column("bytes", BigInteger),
    Column("volume", Text),
)
