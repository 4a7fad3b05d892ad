#!/bin/sh
# Run npm in web/ with the Node that set-up chose: the machine's own, or the one in .venv/node when that was too old.
set -eu
cd "$(dirname "$0")/.."
[ -f web/package.json ] || { echo "no web app yet: web/package.json does not exist"; exit 0; }
PATH="$PWD/.venv/node:$PATH"
export PATH
cd web
exec npm "$@"
