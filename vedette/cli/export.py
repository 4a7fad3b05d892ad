"""`vedette export`: writes a stretch of footage as a folder of evidence that anybody can check offline."""

import argparse
from pathlib import Path

import anyio

from vedette.cli import fsck, node_options, verify
from vedette.kernel.clock import SystemClock, from_iso, to_iso
from vedette.kernel.errors import invalid
from vedette.services.vst.service.export import Exporter, StreamKnown
from vedette.services.vst.service.fsck import CATALOGUE, MEDIA

_MIB = 1_000_000


def options(parser: argparse.ArgumentParser) -> None:
    """Which stream, which time, and where to."""
    parser.add_argument("stream", nargs="?", help="id of the stream, or name of its sensor")
    parser.add_argument("--start", help="begin, such as 2026-01-31T12:00:00Z")
    parser.add_argument("--end", help="end")
    parser.add_argument("--to", type=Path, help="folder to make; by default named after stream and time")
    parser.add_argument("--list", action="store_true", help="show what can be exported")
    parser.add_argument("--key", action="store_true", help="print the device's public key")
    parser.add_argument("--config", type=Path, help="configuration file")
    parser.add_argument("--data-dir", type=Path, help="folder of the node; it may be running")


def run(chosen: argparse.Namespace) -> int:
    """0 when the evidence is written."""
    chosen.bus = None
    sections = node_options.sections_of(chosen)
    folder = node_options.node_settings(sections).data_dir.expanduser()
    tiers = fsck.folders(sections)
    exporter = Exporter(folder / "vst", SystemClock(), catalogue=CATALOGUE, media=MEDIA, tiers=tiers)
    try:
        if chosen.key:
            print(exporter.public_key)
        elif chosen.list:
            anyio.run(_list, exporter)
        else:
            anyio.run(_export, exporter, chosen, Path(verify.__file__).read_bytes())
    finally:
        exporter.close()
    return 0


async def _list(exporter: Exporter) -> None:
    for item in await exporter.streams():
        size = f"{item.bytes / _MIB:.0f} MB"
        print(f"{item.stream_id}\t{item.name}\t{to_iso(item.start_us)}\t{to_iso(item.end_us)}\t{size}")


async def _export(exporter: Exporter, chosen: argparse.Namespace, verifier: bytes) -> None:
    if not chosen.stream or not chosen.start or not chosen.end:
        raise invalid("Which stream, and from when to when? See --list, --start and --end.")
    stream = await exporter.find(chosen.stream)
    start_us, end_us = from_iso(chosen.start), from_iso(chosen.end)
    to = chosen.to or Path(_name(stream, start_us))
    report = await exporter.export(stream, start_us, end_us, to=to, verifier=verifier)
    for note in report.notes:
        print(note)
    print(f"{to}: {report.segments} segments, {report.bytes / _MIB:.1f} MB, {', '.join(report.clips) or 'no clip'}")
    print(f"check it with: vedette verify --key {exporter.public_key} {to}")


def _name(stream: StreamKnown, start_us: int) -> str:
    return f"evidence-{stream.stream_id}-{to_iso(start_us)[:19].replace(':', '')}Z"
