#!/usr/bin/env bash
# Fuzzes targets with libFuzzer: tests/fuzz/run.sh SECONDS [TARGET…], by default all of them, each for so long.
#
# FUZZ_RUNS=N ends a target after so many executions and takes the dice away: the same inputs in the same order, without
# what earlier runs found. FUZZ_SANITIZER=address looks at every access to memory, in the libraries' unsafe code too.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:?how many seconds for each target?}
shift
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for file in tests/fuzz/targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

export CARGO_TARGET_DIR=target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz passes, without a tool of its own: LLVM counts edges and shows what is compared.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
features=()
if [ -n "${FUZZ_SANITIZER:-}" ]; then
  # A flag of nightly, which the compiler of the workspace understands when told to.
  export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target/fuzz-$FUZZ_SANITIZER
  RUSTFLAGS+=" -Zsanitizer=$FUZZ_SANITIZER"
  features=(--no-default-features)
fi
export RUSTFLAGS
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
cargo build --manifest-path tests/fuzz/Cargo.toml --locked --release --target "$host" "${features[@]}" "${bins[@]}"

# A reader that takes ten seconds for a few kilobytes hangs; one that takes so much memory grows.
limits=(-rss_limit_mb=1024 -malloc_limit_mb=512)
for target in "${targets[@]}"; do
  echo "== fuzz $target, $seconds s"
  corpus=$CARGO_TARGET_DIR/corpus/$target
  dice=()
  if [ -n "${FUZZ_RUNS:-}" ]; then
    corpus=$CARGO_TARGET_DIR/fresh/$target
    rm -rf "$corpus"
    dice=(-seed=1 "-runs=$FUZZ_RUNS" -verbosity=0)
  fi
  timeout=10
  # Parquet's reader passes over what a page header claims, two thousand million empty elements too, one by one: seconds in
  # a build that counts every step. Only who writes fragments on purpose gets there, for their name is the hash of their bytes.
  case $target in fragment | data_object) timeout=120 ;; esac
  words=tests/fuzz/words/$target.txt
  [ ! -f "$words" ] || dice+=("-dict=$words")
  mkdir -p "$corpus" "$CARGO_TARGET_DIR/found"
  "$CARGO_TARGET_DIR/$host/release/$target" "${limits[@]}" "-timeout=$timeout" "${dice[@]}" "-max_total_time=$seconds" \
    "-artifact_prefix=$CARGO_TARGET_DIR/found/$target-" -print_final_stats=1 \
    "$corpus" "tests/fuzz/seeds/$target"
done
