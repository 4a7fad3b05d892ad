"""`vedette` and `python -m vedette`."""

import sys

from vedette.cli.main import main as run


def main() -> None:
    """Runs the command line and leaves with its status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
