#!/usr/bin/env bash
# Builds both functions and packs each as Lambda takes it: a zip that holds one file, `bootstrap`.
#
#   ARCH      arm64 (default) or x86_64; with BUILDER=host this machine's
#   BUILDER   zig (default) links against the glibc of Amazon Linux 2023, whatever this machine has;
#             host links against this machine's: quicker, and enough where the result runs here
#   PROFILE   function (default) or another of Cargo.toml
#   TOOLS     where zig and cargo-zigbuild are, or are put
set -euo pipefail
cd "$(dirname "$0")/.."

BUILDER=${BUILDER:-zig}
HOST=$(uname -m)
if [[ $BUILDER == host ]]; then ARCH=${ARCH:-${HOST/aarch64/arm64}}; fi
ARCH=${ARCH:-arm64}
PROFILE=${PROFILE:-function}
TOOLS=${TOOLS:-$PWD/target/tools}
OUT=target/package
# What provided.al2023 has.
GLIBC=2.34
# From PyPI, where both are prebuilt.
ZIG=(cargo-zigbuild==0.24.1 ziglang==0.17.1)

fail() {
  echo "package: $*" >&2
  exit 1
}

case $ARCH in
  # Lambda's arm64 is Graviton2 or newer.
  arm64) TARGET=aarch64-unknown-linux-gnu CPU=neoverse-n1 ;;
  x86_64) TARGET=x86_64-unknown-linux-gnu CPU=x86-64 ;;
  *) fail "ARCH is $ARCH; expected arm64 or x86_64" ;;
esac

folder=$PROFILE
if [[ $PROFILE == dev ]]; then folder=debug; fi
build=(--profile "$PROFILE" -p trailback-function-extract -p trailback-function-link --bins)
case $BUILDER in
  zig)
    infra/pypi.sh "$TOOLS" "${ZIG[@]}"
    if command -v rustup >/dev/null; then rustup target add "$TARGET"; fi
    # No path of this machine in the binary, not from C either, and not the time of the build, which mimalloc has in a message: the same sources
    # give the same zip wherever and whenever they are built (reproduce.sh), and a deployment without a change changes nothing.
    registry=${CARGO_HOME:-$HOME/.cargo}
    # Not SOURCE_DATE_EPOCH: zig keeps what it has compiled, and does not look at that.
    no_time='-Wno-builtin-macro-redefined -D__DATE__="" -D__TIME__=""'
    RUSTFLAGS="-C target-cpu=$CPU --remap-path-prefix=$registry=cargo --remap-path-prefix=$PWD=." \
      CFLAGS="-ffile-prefix-map=$registry=cargo -ffile-prefix-map=$PWD=. $no_time" \
      PATH="$TOOLS/bin:$PATH" cargo zigbuild --locked --target "$TARGET.$GLIBC" "${build[@]}"
    built=target/$TARGET/$folder
    ;;
  host)
    # As `cargo test` builds, features and all, so that what it compiled is used again.
    if [[ $PROFILE == dev ]]; then build=(--workspace --bins --tests); fi
    cargo build --locked "${build[@]}"
    built=target/$folder
    ;;
  *) fail "BUILDER is $BUILDER; expected zig or host" ;;
esac

# Fixed time and mode: the zip depends on the binary alone.
pack() {
  python3 - "$1" "$2" <<'PYTHON'
import sys, zipfile
binary, target = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.external_attr = 0o100755 << 16
entry.compress_type = zipfile.ZIP_DEFLATED
with open(binary, "rb") as read, zipfile.ZipFile(target, "w") as write:
    write.writestr(entry, read.read(), compresslevel=6)
PYTHON
}

mkdir -p "$OUT"
for function in extract link; do
  binary=$built/trailback-$function
  # Bytes, not letters: grep takes minutes over a binary that it believes to be UTF-8.
  newest=$(LC_ALL=C grep --text --only-matching --extended-regexp 'GLIBC_[0-9]+\.[0-9.]+' "$binary" | cut -d_ -f2 | sort --version-sort | tail -n 1)
  if [[ $(printf '%s\n' "$newest" $GLIBC | sort --version-sort | tail -n 1) != "$GLIBC" ]]; then
    fail "$binary needs glibc $newest, and Lambda has $GLIBC; build with BUILDER=zig"
  fi
  pack "$binary" "$OUT/$function.zip"
  echo "$OUT/$function.zip: $ARCH, glibc $newest, $(wc -c <"$OUT/$function.zip") bytes"
done
# What the zips were made from and with: who has the same gets the same bytes.
{
  echo "commit $(git describe --always --dirty --abbrev=40 2>/dev/null || echo unknown)"
  echo "Cargo.lock $(cksum <Cargo.lock)"
  echo "for $TARGET, processor $CPU, profile $PROFILE, built by $BUILDER"
  rustc --version --verbose
  if [[ $BUILDER == zig ]]; then printf '%s\n' "${ZIG[@]}"; fi
  # Not sha256sum, which not every macOS has.
  (cd "$OUT" && python3 -c 'import hashlib, sys
for name in sys.argv[1:]: print(hashlib.sha256(open(name, "rb").read()).hexdigest() + "  " + name)' extract.zip link.zip)
} >"$OUT/made-of.txt"
# deploy.sh reads it, so that a function is never told it runs on another machine than it was built for.
echo "$ARCH" >"$OUT/architecture"
