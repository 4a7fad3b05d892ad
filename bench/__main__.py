"""`python -m bench [NAME …]`: runs the benches and prints one table; without names, all of them."""

import argparse
import sys
from collections.abc import Callable, Mapping

from bench import catalogue, demo, faults, recording
from bench.table import Figure, render

BENCHES: Mapping[str, Callable[[], list[Figure]]] = {
    "startup": demo.startup,
    "counting": demo.counting,
    "cpu": recording.cpu,
    "seams": recording.seams,
    "catalogue": catalogue.catalogue,
    "powercut": faults.powercut,
    "rotation": faults.rotation,
    "retention": faults.retention,
}


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    names = parser.parse_args().names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {unknown[0]}; choose from {', '.join(BENCHES)}")
    figures: list[Figure] = []
    for name in names:
        print(f"bench: {name} …", file=sys.stderr, flush=True)
        figures += BENCHES[name]()
    print(render(figures))


if __name__ == "__main__":
    main()
