"""The command line: one file a verb, each row of the table below adds one."""

import argparse
import importlib
from collections.abc import Sequence
from types import ModuleType

from vedette import __version__
from vedette.kernel.errors import Fault

EXIT_FAULT = 1
EXIT_INTERRUPTED = 130

VERBS = {
    "up": "run a whole edge node",
    "demo": "run a whole node with two virtual cameras",
    "run": "run one service of a node that a supervisor has described",
    "camera": "serve video files and a synthetic scene as RTSP cameras",
    "cameras": "serve the virtual cameras of a demo that a supervisor has described",
    "token": "make, list and revoke bearer tokens",
    "fsck": "check every promise of the recording catalogue, and repair",
    "export": "write footage as evidence that anybody can check offline",
    "verify": "check exported footage and signed manifests",
    "openapi": "print the OpenAPI document of a service",
}
"""A verb is the module `vedette.cli.<verb>` with `options(parser)` and `run(chosen) -> status`.

Only the one that was asked for is imported: a child of a node starts in a third of the time and memory that all need.
"""


def main(arguments: Sequence[str]) -> int:
    """Runs one verb; the exit status is 0, or 1 with a sentence on standard error that says what to do."""
    parser = argparse.ArgumentParser(prog="vedette", description="Open microservices for vision AI at the edge.")
    parser.add_argument("--version", action="version", version=f"vedette {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    modules: dict[str, ModuleType] = {}
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name in arguments[:1]:
            modules[name] = importlib.import_module(f"vedette.cli.{name}")
            modules[name].options(verb)
    chosen = parser.parse_args(arguments)
    try:
        status: int = modules[chosen.verb].run(chosen)
        return status
    except Fault as fault:
        parser.exit(EXIT_FAULT, f"vedette: {fault.message}\n")
    except BaseExceptionGroup as group:
        found = first_fault(group)
        if found is None:
            raise
        parser.exit(EXIT_FAULT, f"vedette: {found.message}\n")
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def first_fault(group: BaseExceptionGroup) -> Fault | None:
    """The fault inside nested task groups, if a fault is what ended them."""
    for error in group.exceptions:
        found = first_fault(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, Fault):
            return found
    return None
