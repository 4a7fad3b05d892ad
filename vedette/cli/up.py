"""`vedette up`: a whole edge node in the foreground."""

import argparse
import sys
import tempfile
from pathlib import Path

import anyio

from vedette.cli import node_options
from vedette.cli.process import run_until_signal
from vedette.kernel import log
from vedette.kernel.clock import SystemClock
from vedette.node import Node
from vedette.supervisor import up


def options(parser: argparse.ArgumentParser) -> None:
    """The node's options."""
    node_options.add(parser)


def run(chosen: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT; prints where to go once everything is ready."""
    sections = node_options.sections_of(chosen)
    settings = node_options.node_settings(sections)
    log.configure(service="supervisor", level=settings.log_level)
    with tempfile.TemporaryDirectory(prefix="vedette-run-") as run_dir:
        node = Node.create(settings, Path(run_dir), sections)

        async def work() -> None:
            async with up(node, SystemClock(), say) as running:
                code = running.accounts.setup_code()
                hint = f" and set up the admin with the code {code}" if code else ""
                say(f"ready: open {running.url}{hint}")
                await anyio.sleep_forever()

        return run_until_signal(work)


def say(text: str) -> None:
    """One line of progress for the person at the terminal."""
    print(f"vedette: {text}", file=sys.stderr, flush=True)
