"""`vedette fsck`: checks every promise of a stopped node's recording catalogue, and repairs what can be repaired."""

import argparse
from pathlib import Path

from vedette.cli import node_options
from vedette.kernel.clock import SystemClock
from vedette.node import folder_lock
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA, fsck
from vedette.services.vst.service.rebuild import Rebuilt, rebuild
from vedette.services.vst.settings import VstSettings

EXIT_DAMAGED = 3
_GIB = 1 << 30


def options(parser: argparse.ArgumentParser) -> None:
    """`--repair`, `--hash`, `--rebuild` and where the node lives."""
    parser.add_argument("--repair", action="store_true", help="finish what a crash left, forget what is lost")
    parser.add_argument("--hash", action="store_true", help="read every file and compare its hash")
    parser.add_argument(
        "--rebuild", action="store_true", help="make a lost catalogue anew from the recordings; the old one is kept"
    )
    parser.add_argument("--config", type=Path, help="configuration file")
    parser.add_argument("--data-dir", type=Path, help="folder of the node")


def run(chosen: argparse.Namespace) -> int:
    """0 when every promise holds, 3 when something is damaged."""
    chosen.bus = None
    sections = node_options.sections_of(chosen)
    folder, tiers = node_options.node_settings(sections).data_dir.expanduser(), folders(sections)
    with folder_lock(folder):
        if chosen.rebuild:
            _tell(rebuild(folder / "vst", catalogue=CATALOGUE, media=MEDIA, tiers=tiers))
        report = fsck(folder / "vst", clock=SystemClock(), repair=chosen.repair, hashes=chosen.hash, tiers=tiers)
    for finding in report.findings:
        print(f"{finding.problem}: {finding.subject}: {finding.detail}")
    if report.elsewhere:
        print(f"{report.elsewhere} segments lie on tiers that are away or no folders; they were not looked at")
    print(f"{report.segments} segments, {report.bytes / _GIB:.2f} GiB: {'clean' if report.clean else 'NOT clean'}")
    return 0 if report.clean else EXIT_DAMAGED


def folders(sections: node_options.Sections) -> dict[str, Path]:
    """The tiers of a node that are folders, by name."""
    given = VstSettings.parse("vst", sections.get("vst", {})).tiers
    return {name: Path(where) for name, _, where in (text.partition("=") for text in given) if where.startswith("/")}


def _tell(rebuilt: Rebuilt) -> None:
    print(f"rebuilt: {rebuilt.segments} segments of {rebuilt.streams} streams")
    for name, rows in sorted(rebuilt.kept.items()):
        print(f"rebuilt: {rows} of {name} taken from the old catalogue")
    for name in rebuilt.discarded:
        print(f"rebuilt: nothing of {name} is certain")
    if rebuilt.aside:
        print(f"rebuilt: the old catalogue is {rebuilt.aside}")
