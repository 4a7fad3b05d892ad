#!/bin/sh
# Print the path of the Python that the virtual environment is made from.
#
# Order: the newest of python3.14, 3.13, 3.12 and python3 on the PATH; one that pyenv has installed; one that uv manages.
# A name on the PATH proves nothing (a pyenv shim may stand for a version that is not selected), so each candidate is run.
set -u

usable='
import sys, sysconfig
import ensurepip, ssl, sqlite3, venv  # Debian packs some of these apart
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
good = sys.version_info >= (3, 12) and sys.version_info.releaselevel == "final"
sys.exit(not good or free_threaded or sys.implementation.name != "cpython")
'

take_if_usable() {
    "$1" -c "$usable" >/dev/null 2>&1 || return 0
    "$1" -c 'import sys; print(sys.executable)'
    exit 0
}

for name in python3.14 python3.13 python3.12 python3; do
    command -v "$name" >/dev/null 2>&1 && take_if_usable "$name"
done

login_home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) # HOME may be set to something else
for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv" "$login_home/.pyenv"; do
    [ -d "$root/versions" ] || continue
    for version in $(ls "$root/versions" | grep '^3\.' | sort -t. -k2,2nr -k3,3nr); do
        [ -x "$root/versions/$version/bin/python" ] && take_if_usable "$root/versions/$version/bin/python"
    done
done

for uv in uv "${HOME:-}/.local/bin/uv" "$login_home/.local/bin/uv"; do
    command -v "$uv" >/dev/null 2>&1 || continue
    echo "setup: no Python 3.12 or newer is installed; asking uv for one" >&2
    "$uv" python install 3.13 >&2 || continue
    take_if_usable "$("$uv" python find --managed-python 3.13)"
done

cat >&2 <<'MESSAGE'
setup: Vedette needs Python 3.12 or newer, and none was found that runs.
  Looked for: python3.14, python3.13, python3.12 and python3 on the PATH, pyenv's versions, uv.
  Debian 13, Ubuntu 24.04 or newer:  apt-get install python3 python3-venv
  Fedora:                            dnf install python3
  Any Linux or macOS:                install uv, then run make again (uv brings a Python of its own)
MESSAGE
exit 1
