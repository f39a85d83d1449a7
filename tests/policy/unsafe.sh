#!/usr/bin/env bash
# Unsafe code stands in one module, whose reasons say why: the lint of the workspace denies it everywhere, and only that module
# names the lint. `make policy` runs it; that each unsafe block says why it is safe is clippy's to hold (`make lint`).
set -euo pipefail
cd "$(dirname "$0")/../.."
ALLOWED=crates/cloudtrail/src/scan.rs # and its children, where the processor's own instructions are called.

fail() {
  echo "unsafe: $*" >&2
  exit 1
}

grep -qx 'unsafe_code = "deny"' Cargo.toml || fail "Cargo.toml no longer denies unsafe code"
manifests=$(cargo metadata --locked --no-deps --format-version 1 |
  python3 -c 'import json, sys; print(*(package["manifest_path"] for package in json.load(sys.stdin)["packages"]), sep="\n")')
while read -r manifest; do
  grep -A 1 '^\[lints\]$' "$manifest" | grep -qx 'workspace = true' || fail "$manifest does not take the lints of the workspace"
done <<<"$manifests"
named=$(grep --recursive --files-with-matches --include='*.rs' --exclude-dir=target unsafe_code .)
[[ $named == "./$ALLOWED" ]] || fail "only $ALLOWED may allow unsafe code, and these do: $named"
echo "unsafe: only in $ALLOWED; $(wc -l <<<"$manifests") crates deny it"
