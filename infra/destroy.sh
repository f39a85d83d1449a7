#!/usr/bin/env bash
# Removes the stack STACK: `make destroy STACK=…`. The lake stays, and so does the stack STACK-lake that describes it.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/cli.sh

: "${STACK:?STACK is not set: the name of the stack to remove}"

bucket=$(parameter TrailBucket)
if [[ $(parameter Notify) == s3 ]]; then
  # Else the bucket would name a queue that is gone, and S3 refuse every later change of its notifications.
  infra/notify.sh remove s3 "$bucket" "$STACK" ||
    echo "destroy: have the owner of $bucket run: infra/notify.sh remove s3 $bucket $STACK" >&2
fi
aws cloudformation delete-stack --stack-name "$STACK"
aws cloudformation wait stack-delete-complete --stack-name "$STACK"
cat <<END
The stack $STACK is gone; what it had collected is not. \`make deploy STACK=$STACK …\` goes on with the same lake.
To give up the lake for good: empty its bucket with all versions, delete the bucket, then the stack $STACK-lake.
END
