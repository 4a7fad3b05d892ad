#!/bin/sh
# `make setup`: make .venv when it is missing or broken, then let its Python do the rest (scripts/set_up.py).
set -eu
cd "$(dirname "$0")/.."

ready() {
    # A virtual environment knows its own path: one that was copied or moved here starts the wrong programs.
    [ -x .venv/bin/python ] && grep -q "$PWD/.venv" .venv/bin/activate 2>/dev/null &&
        .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

if ! ready; then
    python=$(scripts/find_python.sh)
    echo "setup: virtual environment in .venv from $("$python" --version) ($python)"
    rm -rf .venv
    "$python" -m venv .venv
fi
exec .venv/bin/python scripts/set_up.py "$@"
