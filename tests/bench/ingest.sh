#!/usr/bin/env bash
# CPU time of a whole `trailback ingest` of one log object beside `gzip -dc` of the same file, and its peak memory.
#
#   tests/bench/ingest.sh [CALLS]     CALLS issuing calls (default 11600: 350 MB unpacked) among twenty times as many records
#
# gzip, ingest and ingest without hashes for the ledger are run in turn, five times; the table has the medians of user and
# system time together. The log object is a simulated day at a 5 % STS share, packed as one.
set -euo pipefail
cd "$(dirname "$0")/../.."
calls=${1:-11600}
cargo build --release --quiet --bin trailback --bin trailback-simulate
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
target/release/trailback-simulate --out "$room/logs" --calls "$calls" --sts-share 0.05 --duplicates 0 2>/dev/null
mkdir "$room/one"
find "$room/logs" -path '*/CloudTrail/*' -name '*.json.gz' | sort | xargs gzip -dc | gzip > "$room/one/day.json.gz"
rm -r "$room/logs"
echo "one log object: $(stat -c %s "$room/one/day.json.gz") bytes, $(gzip -dc "$room/one/day.json.gz" | wc -c) unpacked"

TIMEFORMAT='%U %S'
cpu() { { time "$@" >/dev/null 2>"$room/said"; } 2>&1 | awk '{ print $1 + $2 }'; }
for _ in 1 2 3 4 5; do
  cpu gzip -dc "$room/one/day.json.gz" >> "$room/gzip"
  rm -rf "$room/lake"
  cpu target/release/trailback ingest "$room/one" --lake "$room/lake" >> "$room/ingest"
  rm -rf "$room/lake"
  cpu target/release/trailback ingest --no-hash "$room/one" --lake "$room/lake" >> "$room/no-hash"
done
median() { sort -n "$1" | sed -n 3p; }
echo "gzip -dc $(median "$room/gzip") s of CPU"
for way in ingest no-hash; do
  awk -v way="$way" -v a="$(median "$room/$way")" -v b="$(median "$room/gzip")" 'BEGIN { printf "%s %.2f s, to gzip %.2f\n", way, a, a / b }'
done
cat "$room/said"
if [ -x /usr/bin/time ]; then
  rm -rf "$room/lake"
  /usr/bin/time -f 'peak memory %M KiB' target/release/trailback ingest "$room/one" --lake "$room/lake" 2>&1 >/dev/null | tail -1
fi
