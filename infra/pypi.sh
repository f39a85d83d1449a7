#!/usr/bin/env bash
# Tools from PyPI, of just these versions: infra/pypi.sh FOLDER NAME==VERSION…. Where they are there nothing is fetched; another
# commit may have left others.
set -euo pipefail
test -x "$1/bin/pip" || python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
