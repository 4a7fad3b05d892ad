"""Names of cameras, and the camera list as it is carried from one device to another: JSON and CSV, never a password."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MOST_NAME = 100
MOST_ROWS = 1000
COLUMNS = (
    "name",
    "sensorIp",
    "sensorUrl",
    "subUrl",
    "location",
    "tags",
    "manufacturer",
    "hardware",
    "hardwareId",
    "serialNumber",
    "firmwareVersion",
)
"""What is carried of a camera. Its address is `sensorIp` for one that speaks ONVIF, else `sensorUrl`."""
SECRETS = ("username", "password")
"""May be added to a list by hand before it is imported; they are never exported."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")

type Row = Mapping[str, str]


class BadNameError(ValueError):
    """A sentence about a name that cannot be used."""


def checked_name(name: str) -> str:
    """The name without outer blanks. BadNameError for one that is empty, too long, unprintable, or would break the ids
    of tracks on the bus."""
    text = name.strip()
    if not text or len(text) > MOST_NAME or not text.isprintable() or "#-#" in text:
        raise BadNameError(f"Use 1 to {MOST_NAME} printable characters.")
    return text


def free_name(name: str, taken: Collection[str]) -> str:
    """A name that nobody has: with a number behind it when it is taken."""
    base = "".join(character for character in name if character.isprintable()).replace("#-#", "-").strip()[:80]
    base = base or "Camera"
    number, found = 2, base
    while found in taken:
        found, number = f"{base} {number}", number + 1
    return found


def to_json(rows: Iterable[Row]) -> bytes:
    """The list as a JSON array of objects; what is empty is left out."""
    told = [{column: row[column] for column in COLUMNS if row.get(column)} for row in rows]
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def to_csv(rows: Iterable[Row]) -> bytes:
    """The list as CSV with a header line. A text that a spreadsheet would take for a formula has an apostrophe before
    it, which `from_csv` takes away again."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_guarded(row.get(column, "")) for column in COLUMNS])
    return out.getvalue().encode()


def from_json(text: bytes) -> list[Row]:
    """Rows of a JSON array of objects, or of an object whose `sensors` is one. ValueError with a sentence."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from error
    rows = content.get("sensors") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects, one for each camera")
    return [_texts(row) for row in _few(rows)]


def from_csv(text: bytes) -> list[Row]:
    """Rows of CSV with a header line; columns that nobody knows are passed over. ValueError with a sentence."""
    try:
        decoded = text.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(decoded, newline=""), delimiter=_delimiter(decoded), strict=True)
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"it is no CSV in UTF-8: {error}") from error
    if not lines:
        raise ValueError("it is empty: the first line names the columns")
    header, *rows = lines
    names = [_unguarded(cell).strip() for cell in header]
    if not {"sensorIp", "sensorUrl"} & set(names):
        raise ValueError(f"it has no first line that names the columns, such as {','.join(COLUMNS[:4])}")
    return [_texts(dict(zip(names, (_unguarded(cell) for cell in line), strict=False))) for line in _few(rows)]


def _few[T](rows: list[T]) -> list[T]:
    if len(rows) > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS} cameras")
    return rows


def _texts(row: Mapping[str, Any]) -> Row:
    """Known columns that hold a text, without outer blanks."""
    known = (*COLUMNS, *SECRETS)
    return {key: value.strip() for key, value in row.items() if key in known and isinstance(value, str)}


def _delimiter(text: str) -> str:
    """Spreadsheets of some countries write semicolons."""
    header = text.split("\n", 1)[0]
    return ";" if header.count(";") > header.count(",") else ","


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _unguarded(text: str) -> str:
    return text.removeprefix("'")
