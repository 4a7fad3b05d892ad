"""Values that are not video, as they come in: which are taken, and as what."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from vedette.services.vst.model import Reading

MOST_VALUE_BYTES = 16_384
MOST_FUTURE_US = 3600 * 1_000_000
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_MOST_UNIT = 32


def reading_of(sensor_id: str, name: str, value: object, *, at_us: int, now_us: int, unit: str = "") -> Reading:
    """A reading to store. ValueError with a sentence for one that cannot be: a name of control characters, a value that
    is neither number, text, truth value nor object, or one from the future."""
    if _NAME.fullmatch(name) is None or len(unit) > _MOST_UNIT or not unit.isprintable():
        raise ValueError("a reading has a name of 1 to 128 printable characters and a unit of at most 32")
    if at_us > now_us + MOST_FUTURE_US or at_us < 0:
        raise ValueError("the time of a reading lies between 1970 and an hour from now")
    if value is None or isinstance(value, list) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("the value of a reading is a number, a text, true, false or an object")
    packed = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    if len(packed) > MOST_VALUE_BYTES:
        raise ValueError(f"the value of a reading has at most {MOST_VALUE_BYTES} bytes")
    return Reading(sensor_id, at_us, name, packed, unit)


def value_of(reading: Reading) -> Any:
    """The value as it came in."""
    return json.loads(reading.value)


def from_message(topic: str, payload: bytes, prefix: str) -> tuple[str, str, Mapping[str, Any]]:
    """(sensor, name, fields `value`, `timestamp`, `unit`) of a message under `prefix/SENSOR/NAME`: a JSON value, or an
    object that has a `value`. ValueError with a sentence."""
    parts = topic.removeprefix(prefix.rstrip("/") + "/").split("/")
    if len(parts) != 2 or not all(parts):
        raise ValueError("readings are published under PREFIX/SENSOR/NAME")
    try:
        content = json.loads(payload)
    except ValueError as error:
        raise ValueError("a reading is a JSON value") from error
    if isinstance(content, dict) and "value" in content:
        return parts[0], parts[1], content
    return parts[0], parts[1], {"value": content}
