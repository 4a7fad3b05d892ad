"""XML as cameras send it: read leniently in its names, strictly in its size.

Cameras use wrong, undeclared or no namespaces, so elements and attributes are known by their local name alone. What
makes XML dangerous is refused before it is parsed: no document type, no entities, UTF-8 only, bounded bytes, depth and
elements. `docs/design/adr/0013-onvif-client.md` says why these bounds; the largest document takes under 100 ms.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

MOST_BYTES = 1_000_000
MOST_DEPTH = 64
MOST_ELEMENTS = 20_000  # attributes count as elements, because they cost as much
_FORBIDDEN = ("<!DOCTYPE", "<!ENTITY")


class XmlError(ValueError):
    """The bytes are no XML that we read; the text says why and never repeats what was received."""


@dataclass(slots=True, eq=False)
class Node:
    """One element. `name` and the attributes' names are without prefix, `text` is stripped of white space.

    `namespace` is what the prefix stands for, empty when undeclared; only what is sent back to a device needs it.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    namespace: str = ""
    children: "list[Node]" = field(default_factory=list)

    def walk(self) -> "Iterator[Node]":
        """This element and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def all(self, name: str) -> "list[Node]":
        """Every outermost element of this name below this one; outermost, so that nesting multiplies no work."""
        found: list[Node] = []
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            if node.name == name:
                found.append(node)
            else:
                waiting.extend(reversed(node.children))
        return found

    def first(self, *path: str) -> "Node | None":
        """Goes down by names, each at any depth below the one before; None where nothing is."""
        found: Node | None = self
        for name in path:
            if found is None:
                return None
            inside = found.walk()
            next(inside)  # itself
            found = next((node for node in inside if node.name == name), None)
        return found

    def child(self, name: str) -> "Node | None":
        """The first direct child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def value(self, *path: str) -> str:
        """The text of `first(*path)`; empty when there is none."""
        found = self.first(*path)
        return "" if found is None else found.text

    def token(self) -> str:
        """The token, which some devices write as `Token` or as a child element."""
        return self.attributes.get("token") or self.attributes.get("Token") or self.value("Token")

    def number(self, *path: str) -> float | None:
        """The text of `first(*path)` as a finite number; None when it is none."""
        return to_number(self.value(*path))


def to_number(text: str) -> float | None:
    """A finite number written in a document; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def to_count(value: float | None) -> int:
    """A whole number of zero or more; 0 for what is none."""
    return 0 if value is None or not 0 <= value < 2**31 else round(value)


def parse(document: bytes, *, most_elements: int = MOST_ELEMENTS) -> Node:
    """The root element. Raises `XmlError`."""
    if len(document) > MOST_BYTES:
        raise XmlError(f"it is longer than {MOST_BYTES} bytes")
    try:
        text = document.decode("utf-8-sig").strip(" \t\r\n\0")
    except UnicodeDecodeError as error:
        raise XmlError("it is not UTF-8") from error
    upper = text.upper()
    if any(mark in upper for mark in _FORBIDDEN):
        raise XmlError("it declares a document type or entities, which no camera needs")
    return _Tree(most_elements).read(text.encode())


class _Tree:
    """Builds nodes from expat's callbacks; without name spaces, so that undeclared prefixes are no error."""

    def __init__(self, most_elements: int) -> None:
        self._most_elements = most_elements
        self._open = [Node("")]  # the document, whose only child is the root
        self._texts: list[list[str]] = [[]]
        self._count = 0
        self._prefixes: list[dict[str, str]] = [{}]
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, document: bytes) -> Node:
        try:
            self._parser.Parse(document, True)
        except expat.ExpatError as error:
            raise XmlError(f"it is not well formed: {expat.ErrorString(error.code)}") from error
        return self._open[0].children[0]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > self._most_elements:
            raise XmlError(f"it has more than {self._most_elements} elements and attributes")
        if len(self._open) > MOST_DEPTH:
            raise XmlError(f"it is nested deeper than {MOST_DEPTH}")
        prefixes = self._prefixes[-1]
        declared = {key[6:]: value for key, value in attributes.items() if key[:6] in {"xmlns", "xmlns:"}}
        if declared:
            prefixes = prefixes | declared
        self._prefixes.append(prefixes)
        prefix, _, local = name.rpartition(":")
        plain = {key.rpartition(":")[2]: value for key, value in attributes.items() if key[:5] != "xmlns"}
        node = Node(local, plain, namespace=prefixes.get(prefix, ""))
        self._open[-1].children.append(node)
        self._open.append(node)
        self._texts.append([])

    def _end(self, _name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip()
        self._prefixes.pop()

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)
