"""Names of cameras, and the camera list as it is carried from one device to another: JSON and CSV, never a password."""

from collections.abc import Collection

MOST_NAME = 100


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
