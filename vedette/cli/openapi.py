"""`vedette openapi SERVICE`: the OpenAPI document, without starting anything."""

import argparse
import json

from vedette.node import SERVICES, openapi


def options(parser: argparse.ArgumentParser) -> None:
    """SERVICE."""
    parser.add_argument("service", choices=sorted(SERVICES), help="whose document to print")


def run(chosen: argparse.Namespace) -> int:
    """Prints it as JSON."""
    print(json.dumps(openapi(chosen.service), indent=1, sort_keys=True))
    return 0
