"""Tables of what sensors tell beside their video, and of what holds of them."""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text

METADATA = MetaData()
READING = Table(
    "reading",
    METADATA,
    Column("sensor_id", Text, primary_key=True),
    Column("at_us", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary),
    Column("unit", Text),
)
BUS_POSITION = Table("bus_position", METADATA, Column("topic", Text, primary_key=True), Column("position", Text))
CAMERA_ALERT = Table(
    "camera_alert",
    METADATA,
    Column("sensor_id", Text, primary_key=True),
    Column("alert_id", Text),
    Column("since_us", BigInteger),
    Column("code", Text),
    Column("reason", Text),
)
