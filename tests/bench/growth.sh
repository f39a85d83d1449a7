#!/usr/bin/env bash
# How linking an hour grows with an organisation: `make growth` measures sizes one after the other and draws them.
#
#   tests/bench/growth.sh [SIZE…]   SIZE is SESSIONS_A_DAY[:HOURS] as for `cargo bench -p trailback-function-link --bench hour`
#                                   (default 1000 100000 1000000 10000000, which takes ten minutes and 4 GB of disk;
#                                   100000000 takes another hour and a half, 30 GB of disk and 16 GB of memory)
#
# Adds lines to docs/scale/growth.tsv, the newest of each size counting, and draws docs/scale/growth.svg of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
sizes=("$@")
[[ ${#sizes[@]} -gt 0 ]] || sizes=(1000 100000 1000000 10000000)
mkdir -p docs/scale
tools=target/growth
test -x $tools/bin/python3 || python3 -m venv $tools
$tools/bin/python3 -c 'import matplotlib' 2>/dev/null || $tools/bin/pip install --quiet --disable-pip-version-check matplotlib==3.11.2
for size in "${sizes[@]}"; do
  a_day=${size%%:*} hours=36
  [[ $size != *:* ]] || hours=${size##*:}
  echo "== $a_day sessions a day, $hours hours behind"
  cargo bench --quiet --locked -p trailback-function-link --bench hour -- "$a_day" "$hours" | tee $tools/said
  $tools/bin/python3 -B tests/bench/growth.py add "$a_day" $tools/said
done
$tools/bin/python3 -B tests/bench/growth.py draw
