"""A figure, what was asked of it, and how they are printed."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured line. `met` is None where no target was set."""

    name: str
    value: str
    asked: str = ""
    met: bool | None = None
    note: str = ""


def render(figures: Sequence[Figure]) -> str:
    """A Markdown table with the machine it was measured on."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} at the end.",
        "",
        "| Figure | Measured | Asked | | Note |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        verdict = {None: "", True: "met", False: "**missed**"}[figure.met]
        lines.append(f"| {figure.name} | {figure.value} | {figure.asked} | {verdict} | {figure.note} |")
    return "\n".join(lines)


def spread(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """Median with the range of the runs."""
    median, low, high = statistics.median(values), min(values), max(values)
    if len(values) == 1:
        return f"{median:.{digits}f}{unit}"
    return f"{median:.{digits}f}{unit} ({low:.{digits}f}–{high:.{digits}f}, {len(values)} runs)"
