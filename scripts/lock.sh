#!/bin/sh
# Resolve pyproject.toml into requirements/: one lock for every platform and every supported Python, pinned with hashes.
# No address of any package index is written, so the files work with whatever index a machine is set up to use.
# Pins that still fit are kept; `scripts/lock.sh --upgrade` takes the newest of everything.
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .venv/bin/uv)
[ -x "$uv" ] || { echo "lock: uv is needed; run 'make setup' first, which puts it into .venv" >&2; exit 1; }
upgrade=${1:-}

compile() {
    # shellcheck disable=SC2086 # an empty $upgrade must vanish
    "$uv" pip compile --quiet $upgrade --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url "$@"
}
compile pyproject.toml --output-file requirements/runtime.txt
compile pyproject.toml requirements/build.in --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
echo "lock: $(grep -c == requirements/runtime.txt) run-time and $(grep -c == requirements/dev.txt) development packages pinned"
