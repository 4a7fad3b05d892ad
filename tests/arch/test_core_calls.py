"""What the import contracts cannot see: a pure module that opens a file, prints or draws a random number."""

import ast
from collections.abc import Iterator
from typing import Protocol

SANS_IO = ("unit", "bits", "h264", "hevc", "gop", "rtp", "rtsp_digest", "rtsp_messages", "scene", "sdp")
BUILTINS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}
ATTRIBUTES = {"now", "utcnow", "today", "random", "default_rng", "fromfile", "tofile", "load", "save", "memmap"}


class Source(Protocol):
    """A parsed file, as tests/arch/conftest.py gives it."""

    @property
    def path(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


def is_pure(path: str) -> bool:
    parts = path.removesuffix(".py").split("/")
    if parts[:2] == ["vedette", "media"]:
        return parts[2] in SANS_IO
    return parts[:2] == ["vedette", "schema"] or (
        len(parts) > 3 and parts[1] in ("services", "cloud") and parts[3] == "core"
    )


def impure_calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        target = node.func
        if isinstance(target, ast.Name) and target.id in BUILTINS:
            yield f"line {node.lineno}: {target.id}()"
        if isinstance(target, ast.Attribute) and target.attr in ATTRIBUTES and is_library(target.value):
            yield f"line {node.lineno}: {ast.unparse(target)}()"


def is_library(owner: ast.expr) -> bool:
    """`datetime.now`, `np.load`, `np.random.random`: the outside world, unlike a method of our own values."""
    root = owner
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("datetime", "date", "np", "numpy", "pickle")


def test_pure_modules_call_nothing_that_reaches_outside(product: list[Source]) -> None:
    found = {source.path: list(impure_calls(source.tree)) for source in product if is_pure(source.path)}
    assert found, "no pure module was looked at"
    assert not {path: calls for path, calls in found.items() if calls}


def test_the_check_sees_what_it_should() -> None:
    text = "open('x')\ndatetime.now()\nnp.random.default_rng()\nstore.load()\nre.compile('a')\nstate.now\n"
    assert list(impure_calls(ast.parse(text))) == [
        "line 1: open()",
        "line 2: datetime.now()",
        "line 3: np.random.default_rng()",
    ]


def test_what_counts_as_pure() -> None:
    assert is_pure("vedette/services/vst/core/clip.py")
    assert is_pure("vedette/services/ingress/core.py")
    assert is_pure("vedette/media/rtp.py")
    assert not is_pure("vedette/media/hub.py")
    assert not is_pure("vedette/services/vst/service/live.py")
