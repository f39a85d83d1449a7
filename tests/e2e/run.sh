#!/usr/bin/env bash
# Runs the end-to-end suite: `make e2e`, with arguments of pytest after it. Everything it starts listens on a free port of 127.0.0.1
# and is stopped at its end; everything it installs lies in target/e2e.
#
#   PROFILE   what the functions are built with: dev (default, shares what `make test` compiled) or function (what Lambda runs)
set -euo pipefail
cd "$(dirname "$0")/../.."
HOME_OF_SUITE=target/e2e

if ! command -v python3 >/dev/null; then
  echo "e2e: python3 is not installed; nothing was tested" >&2
  exit 1
fi
# An environment belongs to one list of requirements: a changed list makes a new one.
wanted=$(cksum <tests/e2e/requirements.txt)
if [[ $(cat $HOME_OF_SUITE/requirements.cksum 2>/dev/null) != "$wanted" ]]; then
  rm -rf $HOME_OF_SUITE/venv
  python3 -m venv $HOME_OF_SUITE/venv
  $HOME_OF_SUITE/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/e2e/requirements.txt
  echo "$wanted" >$HOME_OF_SUITE/requirements.cksum
fi
# The browser that looks at the case report. Without one those tests are skipped, and say so.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 || true
fi
# The AWS CLI pins another botocore than ministack does.
if ! command -v aws >/dev/null; then
  test -x $HOME_OF_SUITE/aws-cli/bin/aws || {
    python3 -m venv $HOME_OF_SUITE/aws-cli
    $HOME_OF_SUITE/aws-cli/bin/pip install --quiet --disable-pip-version-check awscli==1.45.64
  }
  PATH="$PATH:$PWD/$HOME_OF_SUITE/aws-cli/bin"
fi
export PROFILE=${PROFILE:-dev} PATH
if [[ $PROFILE == dev ]]; then
  # As `cargo test` builds, features and all, so that what it compiled is used again.
  cargo build --locked --workspace --bins --tests
else
  cargo build --locked --profile "$PROFILE" -p trailback-cli -p trailback-simulator --bins
fi
exec $HOME_OF_SUITE/venv/bin/python -m pytest tests/e2e -p no:cacheprovider -rA --no-header --tb=short --show-capture=no "$@"
