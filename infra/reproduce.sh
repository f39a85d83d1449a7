#!/usr/bin/env bash
# Whether the same commit and compiler give the same zips, wherever they are built: `make reproducible` packs what is committed twice, in
# two folders and with cargo's home in two places, and compares. Takes as long as two builds from nothing; ARCH and PROFILE as for package.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
HERE=(one another/and/deeper)
home=${CARGO_HOME:-$HOME/.cargo}
commit=$(git rev-parse HEAD)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

for folder in "${HERE[@]}"; do
  # Only what is committed.
  mkdir -p "$room/$folder"
  git archive "$commit" | tar -x -C "$room/$folder"
  ln -s "$home" "$room/$folder-cargo"
  CARGO_HOME="$room/$folder-cargo" TOOLS="$PWD/target/tools" "$room/$folder/infra/package.sh"
done
for function in extract link; do
  cmp "$room/${HERE[0]}/target/package/$function.zip" "$room/${HERE[1]}/target/package/$function.zip"
  echo "$function.zip: the same bytes twice, SHA-256 $(sha256sum <"$room/${HERE[0]}/target/package/$function.zip" | cut -d' ' -f1)"
done
