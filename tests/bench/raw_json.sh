#!/usr/bin/env bash
# The key look-up without Trailback: DuckDB over one simulated day of raw CloudTrail JSON, for the table in infra/athena/README.md.
#
#   tests/bench/raw_json.sh [CALLS]     default: 1000000 calls for credentials, 9 of 10 records
#
# Needs the Python environment of tests/e2e (`make e2e-tools` makes it).
set -euo pipefail
cd "$(dirname "$0")/../.."
python=target/e2e/venv/bin/python
test -x $python || { echo "raw_json: no Python environment; run make e2e-tools" >&2 && exit 1; }
cargo build --release --quiet --bin trailback-simulate
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
target/release/trailback-simulate --out "$logs" --truth "$logs/truth.jsonl" --calls "${1:-1000000}" --hours 24 \
  --sts-share 0.9 --duplicates 0 --uses-told 0 --delivery-minutes 60 2>/dev/null
key=$(grep -o -m 1 '"access_key_id":"ASIA[A-Z0-9]*"' "$logs/truth.jsonl" | cut -d'"' -f4)
$python tests/bench/raw_json.py "$logs/AWSLogs" "$key"
