#!/bin/sh
# Make the virtual environment $2 with interpreter $1 from requirements/$3.lock (exact versions, checked hashes).
set -eu
python=$1 venv=$2 set=$3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "yett needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Try: make PYTHON=python3.12 ..." >&2
  exit 1
}
if [ ! -x "$venv/bin/python" ]; then
  "$python" -m venv "$venv" 2>/dev/null || {
    rm -rf "$venv"
    echo "'$python -m venv' failed: the venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
  }
fi
echo "installing the $set dependencies into $venv (a minute or so the first time) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$set.lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable .
touch "$venv/.$set"
[ "$set" = test ] && touch "$venv/.run"
exit 0
