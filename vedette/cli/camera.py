"""`vedette camera`: video files and the synthetic scene as RTSP cameras."""

import argparse

from vedette.cli.process import run_until_signal
from vedette.kernel import log
from vedette.tools import camera


def options(parser: argparse.ArgumentParser) -> None:
    """The test camera's own options."""
    camera.add_options(parser)


def run(chosen: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT."""
    log.configure(service="camera")

    async def work() -> None:
        await camera.serve(chosen)

    return run_until_signal(work)
