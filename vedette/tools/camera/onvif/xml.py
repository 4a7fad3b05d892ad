"""XML for device services: documents built from elements, so that every value is escaped, and read without entities.

No DOCTYPE, no entity declarations, at most 1 MB, 5,000 elements and 60 levels: what a client may send to a camera.
"""

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

MAX_BYTES = 1024 * 1024
_MAX_ELEMENTS = 5000
_MAX_DEPTH = 60
_UNPRINTABLE = {code: None for code in range(32) if code not in (9, 10, 13)}

type Value = str | int | float | bool
type Content = Xml | Value | None


class Xml(str):
    """Markup that is finished; anything else is escaped when it is put into an element."""

    __slots__ = ()


def el(tag: str, *content: Content, **attributes: Value) -> Xml:
    """An element with a prefixed name; None among the content is left out, and so is an attribute's last underscore."""
    named = "".join(f' {name.rstrip("_")}="{_text(value)}"' for name, value in attributes.items())
    inner = "".join(part if isinstance(part, Xml) else _text(part) for part in content if part is not None)
    return Xml(f"<{tag}{named}>{inner}</{tag}>" if inner else f"<{tag}{named}/>")


def group(*parts: Content) -> Xml:
    """Elements in a row."""
    return Xml("".join(part if isinstance(part, Xml) else _text(part) for part in parts if part is not None))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return html.escape(str(value).translate(_UNPRINTABLE))


class XmlError(ValueError):
    """What came is no XML that we read."""


@dataclass(slots=True)
class Node:
    """One element that was read; `text` is its own text, stripped once it is complete."""

    namespace: str
    name: str
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> "Node | None":
        """The first child of this local name."""
        return next((node for node in self.children if node.name == name), None)

    def walk(self) -> Iterator["Node"]:
        """This element and everything below it."""
        yield self
        for node in self.children:
            yield from node.walk()

    def find(self, *path: str) -> "Node | None":
        """The element at this path of local names below this one."""
        node: Node | None = self
        for name in path:
            node = node.child(name) if node is not None else None
        return node

    def value(self, *path: str) -> str:
        """Its text there; empty when there is none."""
        node = self.find(*path)
        return "" if node is None else node.text

    def number(self, *path: str) -> float | None:
        """The number there; None when there is none. `ValueError` for text that is no number."""
        text = self.value(*path)
        return float(text) if text else None


class _Builder:
    """Collects what the parser reports."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_DEPTH:
            raise XmlError("the document has too many elements")
        namespace, _, name = tag.rpartition(" ")
        node = Node(namespace, name, {key.rpartition(" ")[2]: value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        node = self._open.pop()
        node.text = node.text.strip()

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text


def _refuse(*_: object) -> NoReturn:
    raise XmlError("a document type is not read")


def parse(data: bytes) -> Node:
    """The root element; `XmlError` for anything that is malformed, too large or declares a document type."""
    if len(data) > MAX_BYTES:
        raise XmlError("the document is too large")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlError(f"not well-formed XML: {error}") from error
    if builder.root is None:
        raise XmlError("an empty document")
    return builder.root
