#!/usr/bin/env bash
# What each saved investigation reads: requests and bytes as S3 would count them, and time, on DuckDB over a local lake.
#
#   tests/bench/investigations.sh LAKE [SINCE UNTIL]     default: all days of the lake
#
# Prints a table in Markdown. Needs the Python environment of tests/e2e (`make e2e-tools` makes it).
set -euo pipefail
cd "$(dirname "$0")/../.."
python=target/e2e/venv/bin/python
test -x $python || { echo "investigations: no Python environment; run make e2e-tools" >&2 && exit 1; }
PYTHONPATH=tests/e2e exec $python tests/bench/what_they_read.py "$@"
