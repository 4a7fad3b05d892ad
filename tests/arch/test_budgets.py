"""Sizes: a warning past the soft figure, a failure past the hard one, an exemption only with its reason.

The figures are those of CONTRIBUTING.md. Small files and short functions are what keeps one shape everywhere readable.
"""

import ast
import statistics
import tomllib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, override

import pytest

POSITIONAL = 3
FUNCTION_P90 = 35


class Source(Protocol):
    """A parsed file, as tests/arch/conftest.py gives it."""

    @property
    def path(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...
    @property
    def lines(self) -> int: ...


@dataclass(frozen=True)
class Budget:
    """The figures of one measure; `soft` warns, `hard` fails."""

    soft: int
    hard: int


BUDGETS = {
    "file": Budget(400, 600),
    "function": Budget(80, 80),  # the soft figure of functions is a percentile, see test_functions_are_short_in_general
    "parameters": Budget(6, 10),
    "class": Budget(300, 500),
    "app": Budget(60, 100),
    "handler": Budget(10, 25),
    "kernel": Budget(2000, 2600),
}


class BudgetWarning(UserWarning):
    """Something is larger than it should be; the one warning that is no error."""


@dataclass(frozen=True)
class Size:
    """One measured thing."""

    measure: str
    path: str
    name: str
    value: int

    @override
    def __str__(self) -> str:
        return f"{self.path} {self.name} {self.measure}: {self.value}".replace("  ", " ")


type Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Every function with its qualified name."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            name = prefix
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}.{node.name}".removeprefix(".")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node
            pending.append((name, node))


def span(first: ast.stmt, last: ast.stmt) -> int:
    return (last.end_lineno or last.lineno) - first.lineno + 1


def docstring_lines(node: Function | ast.ClassDef) -> int:
    return span(node.body[0], node.body[0]) if ast.get_docstring(node, clean=False) is not None else 0


def length(node: Function | ast.ClassDef) -> int:
    """Lines of a definition without its docstring."""
    return span(node, node) - docstring_lines(node)


def body_length(node: Function) -> int:
    """Lines of a function's body without its docstring and signature."""
    return span(node.body[0], node.body[-1]) - docstring_lines(node)


def own_parameters(node: Function) -> list[ast.arg]:
    positional = [*node.args.posonlyargs, *node.args.args]
    return positional[1:] if positional and positional[0].arg in ("self", "cls") else positional


def is_room(path: str, room: str) -> bool:
    parts = Path(path).with_suffix("").parts
    return len(parts) > 3 and parts[1] in ("services", "cloud") and parts[3] == room


def is_handler(node: Function) -> bool:
    """A route: a function decorated with a call such as `@router.get(…)`."""
    return any(isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) for item in node.decorator_list)


def sizes(source: Source) -> Iterator[Size]:
    yield Size("file", source.path, "", source.lines)
    if is_room(source.path, "app"):
        yield Size("app", source.path, "", source.lines)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            yield Size("class", source.path, node.name, length(node))
    for name, function in functions(source.tree):
        yield Size("function", source.path, name, length(function))
        if is_room(source.path, "api") and is_handler(function):
            yield Size(
                "handler", source.path, name, body_length(function)
            )  # a route's parameters are its documentation
        else:
            yield Size("parameters", source.path, name, len(own_parameters(function)) + len(function.args.kwonlyargs))


def is_ours(source: Source) -> bool:
    """Tests may be long where they list cases; their files are measured and nothing else."""
    return not source.path.startswith("tests/")


def measured(sources: Iterable[Source]) -> list[Size]:
    found = [size for source in sources for size in sizes(source) if is_ours(source) or size.measure == "file"]
    kernel = sum(size.value for size in found if size.measure == "file" and size.path.startswith("vedette/kernel/"))
    return [*found, Size("kernel", "vedette/kernel", "", kernel)]


@pytest.fixture(scope="module")
def all_sizes(everything: list[Source]) -> list[Size]:
    return measured(everything)


@pytest.fixture(scope="module")
def exemptions(root: Path) -> list[dict[str, Any]]:
    table = tomllib.loads((root / "tests/arch/budgets.toml").read_text())
    exempt: list[dict[str, Any]] = table["exempt"]
    return exempt


def allowed(size: Size, exemptions: list[dict[str, Any]]) -> bool:
    return any(
        (item["path"], item["measure"], item.get("name", "")) == (size.path, size.measure, size.name)
        and size.value <= item["limit"]
        for item in exemptions
    )


def warn(title: str, lines: list[str]) -> None:
    if lines:
        warnings.simplefilter("always", BudgetWarning)
        warnings.warn(BudgetWarning("\n  ".join([title, *lines])), stacklevel=2)


@pytest.mark.parametrize("measure", BUDGETS)
def test_sizes_stay_inside_their_budget(measure: str, all_sizes: list[Size], exemptions: list[dict[str, Any]]) -> None:
    budget = BUDGETS[measure]
    of_interest = [size for size in all_sizes if size.measure == measure and not allowed(size, exemptions)]
    too_large = [str(size) for size in of_interest if size.value > budget.hard]
    assert not too_large, f"over {budget.hard} ({measure}): split it, or give the reason in tests/arch/budgets.toml"
    warn(f"{measure}: past {budget.soft}", [str(size) for size in of_interest if size.value > budget.soft])


def test_functions_are_short_in_general(all_sizes: list[Size]) -> None:
    by_part: dict[str, list[int]] = defaultdict(list)
    for size in all_sizes:
        if size.measure == "function":
            by_part["/".join(size.path.split("/")[: 3 if "/services/" in size.path else 2])].append(size.value)
    p90 = {part: statistics.quantiles(values, n=10)[-1] for part, values in by_part.items() if len(values) > 1}
    long = [f"{part}: {value:.0f} lines" for part, value in sorted(p90.items()) if value > FUNCTION_P90]
    warn(f"functions: the longest tenth is past {FUNCTION_P90} lines", long)


def test_parameters_past_the_third_are_keyword_only(product: list[Source]) -> None:
    found = [
        f"{source.path} {name}"
        for source in product
        for name, function in functions(source.tree)
        if len(own_parameters(function)) > POSITIONAL
        and not function.name.startswith("_")
        and not (is_room(source.path, "api") and is_handler(function))
    ]
    warn(f"parameters: more than {POSITIONAL} by position", found)


def test_every_exemption_is_needed_and_has_a_reason(all_sizes: list[Size], exemptions: list[dict[str, Any]]) -> None:
    for item in exemptions:
        assert len(item["reason"]) > 20, item
        matching = [
            size
            for size in all_sizes
            if (size.path, size.measure, size.name) == (item["path"], item["measure"], item.get("name", ""))
        ]
        assert matching, f"nothing has this name any more: {item}"
        assert max(size.value for size in matching) > BUDGETS[item["measure"]].hard, f"no longer needed: {item}"


@dataclass(frozen=True)
class Sample:
    """A file that exists only here, to see that the measures measure."""

    path: str
    tree: ast.Module
    lines: int


def sample(path: str, text: str) -> Sample:
    return Sample(path, ast.parse(text), text.count("\n"))


def test_the_measures_see_what_they_should() -> None:
    text = (
        "class A:\n"
        '    """Doc."""\n'
        "    def run(self, a, b, c, d, *, e):\n"
        '        """Doc\n'
        '        of two lines."""\n'
        "        return a\n"
        "@router.get('/x')\n"
        "async def route(a, b):\n"
        '    """Doc."""\n'
        "    return 1\n"
    )
    found = {
        (size.measure, size.name): size.value for size in measured([sample("vedette/services/vst/api/live.py", text)])
    }
    assert found["file", ""] == 10
    assert found["class", "A"] == 5
    assert found["function", "A.run"] == 2
    assert found["parameters", "A.run"] == 5
    assert found["handler", "route"] == 1
    assert ("parameters", "route") not in found
