#!/usr/bin/env bash
# Deploys Trailback with the AWS CLI: `make deploy STACK=… TRAIL_BUCKET=…`. Repeat it to update; what is not named stays as it was.
#
#   STACK             the name of the stack; the lake is the stack STACK-lake
#   TRAIL_BUCKET      the bucket that CloudTrail delivers to
#   TRAIL_PREFIX      only log objects below it, such as AWSLogs/o-a1b2c3d4e5/
#   TRAIL_ACCOUNT     the account of the trail bucket, if it is another
#   TRAIL_KMS_KEY     ARN of the key that the trail encrypts with
#   NOTIFY            s3, eventbridge or topic: who tells of new log objects
#   TOPIC             for NOTIFY=topic, its ARN: one that the bucket notifies, or the trail's own
#   CONFIGURE_BUCKET  yes: add what NOTIFY needs to the trail bucket's notification configuration (infra/notify.sh)
#   LAKE              s3://bucket/prefix/ of a bucket of yours, instead of the stack STACK-lake
#   LAKE_KMS_KEY      ARN of a key to encrypt the lake with; a lake keeps the one that it has
#   ALARM_TOPIC       ARN of the topic that alarms go to
#   CLOUDTRAIL_TABLE  your own Athena table of all CloudTrail events, as database.table, for the view attributed_events
#   ARTIFACTS         the bucket for templates and zips; made if it is not there
#   PARAMETERS        any other parameter of infra/trailback.yaml: 'LinkMemory=2048 LinkEvery="rate(2 minutes)"'
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/cli.sh
OUT=target/package

: "${STACK:?STACK is not set: the name of the stack, such as trailback}"
: "${TRAIL_BUCKET:?TRAIL_BUCKET is not set: the bucket that CloudTrail delivers to}"
if [[ -n ${LAKE:-} && $LAKE != s3://[!/]* ]]; then
  echo "deploy: LAKE is $LAKE; expected s3://bucket/prefix/" >&2
  exit 1
fi
test -f $OUT/architecture || { echo "deploy: there is no package; run make package" >&2 && exit 1; }

account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
: "${region:?no region; set AWS_REGION}"
ARTIFACTS=${ARTIFACTS:-trailback-artifacts-$account-$region}

output() { # STACK OUTPUT
  aws cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text
}

exists() { # STACK: no only where AWS says so, for on a no a lake is made
  local said
  if said=$(aws cloudformation describe-stacks --stack-name "$1" 2>&1 >/dev/null); then return; fi
  if [[ $said == *"does not exist"* ]]; then return 1; fi
  echo "$said" >&2
  exit 1
}

deploy() { # STACK TEMPLATE PARAMETER…
  local overrides=()
  if (($# > 2)); then overrides=(--parameter-overrides "${@:3}"); fi
  aws cloudformation deploy --stack-name "$1" --template-file "$2" --capabilities CAPABILITY_IAM \
    --no-fail-on-empty-changeset --tags Application=trailback "${overrides[@]}"
}

artifacts() {
  if aws s3api head-bucket --bucket "$ARTIFACTS" --expected-bucket-owner "$account" >/dev/null 2>&1; then return; fi
  local place=()
  # The one region that must not be named.
  if [[ $region != us-east-1 ]]; then place=(--create-bucket-configuration "LocationConstraint=$region"); fi
  aws s3api create-bucket --bucket "$ARTIFACTS" "${place[@]}" >/dev/null
  aws s3api put-public-access-block --bucket "$ARTIFACTS" --public-access-block-configuration \
    BlockPublicAcls=true,BlockPublicPolicy=true,IgnorePublicAcls=true,RestrictPublicBuckets=true
}

others=()
if [[ -n ${PARAMETERS:-} ]]; then
  # Words and quotes as a shell reads them, but nothing is run.
  words=$(xargs -n 1 printf '%s\n' <<<"$PARAMETERS") || { echo "deploy: PARAMETERS cannot be read: $PARAMETERS" >&2 && exit 1; }
  mapfile -t others <<<"$words"
fi
key='' lake='' trail='' trail_prefix=''
if exists "$STACK"; then
  key=$(parameter LakeKmsKeyArn)
  lake=$(parameter LakeBucket)
  trail=$(parameter TrailBucket)
  trail_prefix=$(parameter TrailPrefix)
elif exists "$STACK-lake"; then
  # make destroy has left it, and its lake is gone on with.
  key=$(parameter KmsKeyArn "$STACK-lake")
fi
if [[ -n $key && -z ${LAKE:-} && " ${others[*]} " != *" LakeKmsKeyArn="* ]]; then
  if [[ ${LAKE_KMS_KEY:-$key} != "$key" ]]; then
    echo "deploy: the lake is encrypted with $key, and the functions may use one key only; infra/README.md says how to change it" >&2
    exit 1
  fi
  LAKE_KMS_KEY=$key
fi

parameters=("TrailBucket=$TRAIL_BUCKET" "Architecture=$(<$OUT/architecture)")
add() { # NAME VALUE: only what was named, so that an update keeps the rest
  if [[ -n $2 ]]; then parameters+=("$1=$2"); fi
}

if [[ -n ${LAKE:-} ]]; then
  bucket=${LAKE#s3://}
  bucket=${bucket%%/*}
  prefix=${LAKE#"s3://$bucket"}
  prefix=${prefix#/}
  parameters+=("LakeBucket=$bucket" "LakePrefix=${prefix:+${prefix%/}/}")
elif [[ -n $lake && $lake != "$(output "$STACK-lake" LakeBucket 2>/dev/null)" ]]; then
  : # An earlier deployment named a lake of yours, and it stays.
else
  deploy "$STACK-lake" infra/lake.yaml ${LAKE_KMS_KEY:+"KmsKeyArn=$LAKE_KMS_KEY"}
  parameters+=("LakeBucket=$(output "$STACK-lake" LakeBucket)" "QueryResultsBucket=$(output "$STACK-lake" QueryResultsBucket)")
fi
add LakeKmsKeyArn "${LAKE_KMS_KEY:-}"
add TrailPrefix "${TRAIL_PREFIX:-}"
add TrailAccount "${TRAIL_ACCOUNT:-}"
add TrailKmsKeyArn "${TRAIL_KMS_KEY:-}"
add Notify "${NOTIFY:-}"
add TopicArn "${TOPIC:-}"
add AlarmTopicArn "${ALARM_TOPIC:-}"
add CloudTrailTable "${CLOUDTRAIL_TABLE:-}"
parameters+=("${others[@]}")

artifacts
aws cloudformation package --template-file infra/trailback.yaml --s3-bucket "$ARTIFACTS" --s3-prefix "$STACK" \
  --output-template-file $OUT/trailback.yaml >/dev/null
deploy "$STACK" $OUT/trailback.yaml "${parameters[@]}"

kind=$(parameter Notify)
# What a bucket was told is of the place before.
moved=''
if [[ -n $trail && $trail/$trail_prefix != "$TRAIL_BUCKET/$(parameter TrailPrefix)" ]]; then moved=yes; fi
if [[ -n ${NOTIFY:-}${CONFIGURE_BUCKET:-}$moved && ($kind == s3 || $kind == eventbridge) ]]; then
  notify=(infra/notify.sh add "$kind" "$TRAIL_BUCKET" "$STACK" "$(output "$STACK" QueueArn)" "$(parameter TrailPrefix)")
  if [[ ${CONFIGURE_BUCKET:-} == yes ]]; then
    "${notify[@]}"
  else
    printf '\nThe trail bucket is as it was. It must be told to notify; with the rights of its owner, once:\n  '
    printf '%q ' "${notify[@]}"
    printf '\nor deploy with CONFIGURE_BUCKET=yes. Notifications that the bucket has already are kept either way.\n'
  fi
fi
if [[ -n $trail && $trail != "$TRAIL_BUCKET" && $kind == s3 ]]; then
  printf '\nThe bucket %s still has an entry for the queue, which does not let it send any more. Take it out, with the rights of its owner:\n  ' "$trail"
  printf '%q ' infra/notify.sh remove s3 "$trail" "$STACK"
  printf '\n'
fi
if [[ -n ${TRAIL_ACCOUNT:-} && $TRAIL_ACCOUNT != "$account" ]]; then
  printf '\nThe trail bucket is account %s'"'"'s. Its policy must let this role read (infra/README.md, "A trail bucket of another account"):\n  %s\n' \
    "$TRAIL_ACCOUNT" "$(output "$STACK" ExtractRoleArn)"
fi
printf '\nThe lake: %s\n' "$(output "$STACK" Lake)"
