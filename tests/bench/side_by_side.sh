#!/usr/bin/env bash
# Trailback and what people would take instead, on one simulated day of log objects: CPU time, wall time and memory of each.
#
#   tests/bench/side_by_side.sh [CALLS [ROUNDS]]   CALLS issuing calls (default 11600) among twenty times as many records, 350 MB unpacked;
#                                                  the table has medians of ROUNDS (default 5), in each of which all run once
#
#   MINUTES=5                           between deliveries: 60 makes fewer log objects, each twelve times as large
#   README=README.md                    also puts the table there, between its marks
#   TRAILBACK_BIN=…, SIMULATE_BIN=…     programs that were built before; else cargo builds them
#
# What each of them is asked for, and what only Trailback does, says tests/bench/side_by_side/README.md. Writes
# target/side-by-side/table.md. Needs Python 3, and jq and time (Debian: apt-get install jq time); the rest comes from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench/side_by_side room=target/side-by-side
calls=${1:-11600} rounds=${2:-5}
for needed in python3 jq gzip /usr/bin/time; do
  command -v "$needed" >/dev/null || { echo "side_by_side: no $needed; apt-get install python3 jq gzip time" >&2 && exit 1; }
done
if [[ -z ${TRAILBACK_BIN:-} || -z ${SIMULATE_BIN:-} ]]; then
  cargo build --release --locked --quiet --bin trailback --bin trailback-simulate
fi
trailback=${TRAILBACK_BIN:-target/release/trailback} simulate=${SIMULATE_BIN:-target/release/trailback-simulate}

mkdir -p $room
# An environment belongs to one list of requirements, as in tests/e2e.
wanted=$(cksum <$here/requirements.txt)
if [[ $(cat $room/requirements.cksum 2>/dev/null) != "$wanted" ]]; then
  rm -rf $room/venv
  python3 -m venv $room/venv
  $room/venv/bin/pip install --quiet --disable-pip-version-check --requirement $here/requirements.txt
  echo "$wanted" >$room/requirements.cksum
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$simulate" --out "$work/day" --calls "$calls" --sts-share 0.05 --hours 24 --delivery-minutes "${MINUTES:-5}" &>/dev/null
# All but log objects: Trailback knows them by their names, and so would anybody's find.
find "$work/day" -type f \( -path '*/CloudTrail-Digest/*' -o -path '*/CloudTrail-Insight/*' \) -delete
$room/venv/bin/python -B $here/compare.py --trailback "$trailback" --day "$work/day" --work "$work" --rounds "$rounds" --table $room/table.md \
  ${README:+--readme "$README"}
