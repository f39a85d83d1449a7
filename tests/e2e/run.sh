#!/usr/bin/env bash
# Runs the end-to-end suite: `make e2e` and `make engines`, which install first, with arguments of pytest after it. Everything it
# starts listens on a free port of 127.0.0.1 and is stopped at its end.
#
#   PROFILE   what the functions are built with: dev (default, shares what `make test` compiled) or function (what Lambda runs)
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v aws >/dev/null || PATH="$PATH:$PWD/target/e2e/aws-cli/bin"
export PROFILE=${PROFILE:-dev} PATH
if [[ $PROFILE == dev ]]; then
  # As `cargo test` builds, features and all, so that what it compiled is used again.
  cargo build --locked --workspace --bins --tests
else
  cargo build --locked --profile "$PROFILE" -p trailback-cli -p trailback-simulator --bins
fi
exec target/e2e/venv/bin/python -m pytest tests/e2e -p no:cacheprovider -rA --no-header --tb=short --show-capture=no "$@"
