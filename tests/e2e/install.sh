#!/usr/bin/env bash
# Installs in target/e2e what the suite stands on, and Chromium where Debian's packages can be had. What is there stays as it is.
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
if ! command -v aws >/dev/null && ! test -x $HOME_OF_SUITE/aws-cli/bin/aws; then
  python3 -m venv $HOME_OF_SUITE/aws-cli
  $HOME_OF_SUITE/aws-cli/bin/pip install --quiet --disable-pip-version-check awscli==1.45.64
fi
