#!/usr/bin/env bash
# Makes .venv with the pinned, hashed dependencies and this project in it. Called by `make`, which
# knows when that is needed. Says in one sentence what is missing when it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

python=
without_venv=
for candidate in python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            python=$candidate
            break
        fi
        without_venv=$candidate
    fi
done
if [ -z "$python" ] && [ -n "$without_venv" ]; then
    echo "$without_venv has no venv module (on Debian and Ubuntu: apt install python3-venv)." >&2
    exit 1
fi
if [ -z "$python" ]; then
    echo "Demandlink needs Python 3.11 or newer; none of python3.13, python3.12, python3.11 and" \
        "python3 is one." >&2
    exit 1
fi

# Half a .venv, or one whose Python is gone or of another version, is made again.
wanted=$("$python" -c 'import sys; print(sys.version_info[:2])')
if [ "$(.venv/bin/python -c 'import sys; print(sys.version_info[:2])' 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv
fi
echo "Making .venv with $("$python" --version) (about half a minute) ..." >&2
rm -f .venv/.complete
parts=1 # in a .venv that is there, one pip takes away and puts in its place
if [ ! -e .venv ]; then
    parts=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    [ "$parts" -le 4 ] || parts=4
fi
"$python" -m venv .venv
if [ "$parts" != 1 ]; then
    # Python 3.11 brings a setuptools, the list names another: nothing is to be taken away either.
    (cd .venv/lib/python3*/site-packages && rm -rf setuptools setuptools-* pkg_resources \
        _distutils_hack distutils-precedence.pth)
fi

# pip looks at every version that an index ever had of each of 150 packages, on one processor. So the
# list is cut into parts that are installed side by side. It names all that is needed, by hash, so
# --no-deps leaves nothing out (tests/unit/test_house.py holds it against what is installed).
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
awk -v parts="$parts" -v lists="$lists" '
    /^[A-Za-z0-9]/ { part = ++packages % parts }
    { print > (lists "/" part + 0 ".txt") }
' requirements.txt
running=()
for list in "$lists"/*.txt; do
    .venv/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes -r "$list" &
    running+=($!)
done
failed=
for one in "${running[@]}"; do
    wait "$one" || failed=yes
done
[ -z "$failed" ] || exit 1
# pip compiles one file after the other, also the thousands that only one test imports.
.venv/bin/python -m compileall -q -j 0 -x '/(mypyc?|pip|playwright|pyconnectwise|setuptools)/' .venv/lib || true
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
touch .venv/.complete
