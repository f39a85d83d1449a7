#!/usr/bin/env bash
# Time to first answer: `trailback trace` of a key on a local lake, the whole process included.
#
#   tests/bench/trace.sh [CALLS] [DAYS]     default: 1000000 sessions over 30 days
#
# The lake is made once, in target/bench-lake-CALLS, and kept. Twenty keys drawn from all over it are traced, one process
# each; the table has the median and the slowest wall-clock time.
set -euo pipefail
cd "$(dirname "$0")/../.."
calls=${1:-1000000} days=${2:-30}
cargo build --release --quiet --bin trailback --bin trailback-simulate
lake=target/bench-lake-$calls
if [ ! -d "$lake/sessions/table" ]; then
  logs=$(mktemp -d)
  trap 'rm -rf "$logs"' EXIT
  target/release/trailback-simulate --out "$logs" --truth "$logs/truth.jsonl" --calls "$calls" --hours $((days * 24)) \
    --sts-share 0.9 --duplicates 0 --uses-told 0 --delivery-minutes 60 2>/dev/null
  time target/release/trailback ingest "$logs/AWSLogs" --lake "$lake"
  grep -o '"access_key_id":"ASIA[A-Z0-9]*"' "$logs/truth.jsonl" | cut -d'"' -f4 | awk 'NR % 997 == 1' | shuf -n 20 --random-source=<(yes) > "$lake.keys"
fi
TIMEFORMAT='%R'
while read -r key; do
  { time target/release/trailback trace "$key" --lake "$lake" >/dev/null 2>&1; } 2>&1
done < "$lake.keys" | sort -n > "$lake.times"
echo "trace on $calls sessions: median $(sed -n 10p "$lake.times") s, slowest $(tail -1 "$lake.times") s, $(wc -l < "$lake.times") keys"
