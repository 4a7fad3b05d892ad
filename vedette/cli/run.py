"""`vedette run SERVICE`: one heavy service of a node in a process of its own."""

import argparse
from pathlib import Path

from vedette.cli.process import run_until_signal
from vedette.kernel import log
from vedette.node import HEAVY, Node, run_alone


def options(parser: argparse.ArgumentParser) -> None:
    """SERVICE and `--node`."""
    parser.add_argument("service", choices=HEAVY, help="which service")
    parser.add_argument("--node", type=Path, required=True, help="run folder of the node that it belongs to")


def run(chosen: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT."""
    log.configure(service=chosen.service, level=Node.load(chosen.node).log_level)

    async def work() -> None:
        await run_alone(chosen.service, chosen.node)

    return run_until_signal(work)
