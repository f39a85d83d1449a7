#!/usr/bin/env bash
# What each function is made of: target/package/FUNCTION.cdx.json, a software bill of materials in CycloneDX 1.5.
#
#   ARCH   arm64 (default) or x86_64, as for package.sh
#
# Held to CycloneDX's schema, and to what cargo itself says is compiled into the function (sbom.py).
set -euo pipefail
cd "$(dirname "$0")/.."
TOOLS=target/tools
OUT=target/package
# The CycloneDX project's own, from crates.io: compiled once, some minutes.
CARGO_CYCLONEDX=0.5.9
# From PyPI: the schemas, and what holds a document against them.
SCHEMAS='cyclonedx-python-lib[json-validation]==11.12.0'

case ${ARCH:-arm64} in
  arm64) TARGET=aarch64-unknown-linux-gnu ;;
  x86_64) TARGET=x86_64-unknown-linux-gnu ;;
  *) echo "sbom: ARCH is $ARCH; expected arm64 or x86_64" >&2 && exit 1 ;;
esac
infra/pypi.sh $TOOLS "$SCHEMAS"
cargo install --quiet --locked --root $TOOLS "cargo-cyclonedx@$CARGO_CYCLONEDX"

# It writes beside every manifest of the workspace; ours are the functions'.
NAME=written-by-sbom
clear_away() { find . -path ./target -prune -o -name $NAME.json -exec rm {} +; }
trap clear_away EXIT
# The same commit gives the same document.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
PATH="$PWD/$TOOLS/bin:$PATH" cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$TARGET" --no-build-deps --override-filename $NAME

mkdir -p $OUT
for function in extract link; do
  # Both at once, as package.sh builds them: what one asks of a shared crate the other gets too.
  cargo tree --locked -p trailback-function-extract -p trailback-function-link --edges normal --target "$TARGET" --prefix none --no-dedupe \
    --format "{p}" |
    $TOOLS/bin/python3 -B infra/sbom.py $function functions/$function/$NAME.json $OUT/$function.cdx.json
done
