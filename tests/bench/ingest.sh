#!/usr/bin/env bash
# CPU time of a whole `trailback ingest` of one log object beside `gzip -dc` of the same file, and its peak memory.
#
#   tests/bench/ingest.sh [CALLS]     CALLS issuing calls (default 16000) among twenty times as many records
#
# Both are run in turn, five times; the table has the median of user and system time together. The log object is a
# simulated day at a 5 % STS share, all its log objects written one behind the other: gzip members, as CloudTrail's.
set -euo pipefail
cd "$(dirname "$0")/../.."
calls=${1:-16000}
cargo build --release --quiet --bin trailback --bin trailback-simulate
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
target/release/trailback-simulate --out "$room/logs" --calls "$calls" --sts-share 0.05 --duplicates 0 2>/dev/null
mkdir "$room/one"
find "$room/logs" -path '*/CloudTrail/*' -name '*.json.gz' | sort | xargs cat > "$room/one/day.json.gz"
rm -r "$room/logs"
echo "one log object: $(stat -c %s "$room/one/day.json.gz") bytes, $(gzip -dc "$room/one/day.json.gz" | wc -c) unpacked"

TIMEFORMAT='%U %S'
cpu() { { time "$@" >/dev/null 2>"$room/said"; } 2>&1 | awk '{ print $1 + $2 }'; }
for _ in 1 2 3 4 5; do
  cpu gzip -dc "$room/one/day.json.gz" >> "$room/gzip"
  rm -rf "$room/lake"
  cpu target/release/trailback ingest "$room/one" --lake "$room/lake" >> "$room/ingest"
done
median() { sort -n "$1" | sed -n 3p; }
echo "gzip -dc $(median "$room/gzip") s, trailback ingest $(median "$room/ingest") s of CPU"
awk -v a="$(median "$room/ingest")" -v b="$(median "$room/gzip")" 'BEGIN { printf "ratio %.2f\n", a / b }'
cat "$room/said"
if [ -x /usr/bin/time ]; then
  rm -rf "$room/lake"
  /usr/bin/time -f 'peak memory %M KiB' target/release/trailback ingest "$room/one" --lake "$room/lake" 2>&1 >/dev/null | tail -1
fi
