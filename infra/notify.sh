#!/usr/bin/env bash
# Adds what Trailback needs to the notification configuration of a trail bucket, or takes it out again. The configuration is one
# document that can only be replaced as a whole: it is read, changed in one place and put back, and all that others configured is kept.
#
#   notify.sh add s3          BUCKET STACK QUEUE_ARN [PREFIX]   the bucket sends to the queue
#   notify.sh add eventbridge BUCKET STACK                      the bucket sends to EventBridge
#   notify.sh remove s3       BUCKET STACK
#
# Needs s3:GetBucketNotification and s3:PutBucketNotification on the bucket. S3 has no condition for this write: do not run two
# programs that change it at once. EventBridge is never switched off again: others may listen.
set -euo pipefail
export AWS_PAGER=""
# Version 1 of the AWS CLI does not know the first name.
if [[ -n ${AWS_REGION:-} ]]; then export AWS_DEFAULT_REGION=$AWS_REGION; fi

fail() {
  echo "notify: $*" >&2
  exit 1
}
(($# >= 4)) || fail "expected: add s3|eventbridge BUCKET STACK [QUEUE_ARN] [PREFIX], or remove s3 BUCKET STACK"
deed=$1 kind=$2 bucket=$3 stack=$4 queue=${5:-} prefix=${6:-}
[[ $stack =~ ^[A-Za-z0-9-]+$ ]] || fail "the stack is named $stack; expected letters, digits and hyphens"
[[ $queue =~ ^(arn:[A-Za-z0-9:_-]+)?$ ]] || fail "the queue is $queue; expected an ARN"
[[ $prefix =~ ^[A-Za-z0-9/_.-]*$ ]] || fail "the prefix is $prefix; expected letters, digits and / _ . -"
id=trailback-$stack

# In JMESPath, the CLI's own language for answers: all configurations of queues, those that are not ours, and ours.
all="not_null(QueueConfigurations, \`[]\`)"
others="${all}[?Id != '$id']"
rules="${prefix:+{\"Name\": \"prefix\", \"Value\": \"$prefix\"\}, }{\"Name\": \"suffix\", \"Value\": \".json.gz\"}"
ours="{\"Id\": \"$id\", \"QueueArn\": \"$queue\", \"Events\": [\"s3:ObjectCreated:*\"], \"Filter\": {\"Key\": {\"FilterRules\": [$rules]}}}"
case $deed-$kind in
  add-s3)
    [[ -n $queue ]] || fail "add s3 needs the ARN of the queue"
    change="QueueConfigurations: [$others, \`[$ours]\`][]"
    ;;
  add-eventbridge) change="QueueConfigurations: $all, EventBridgeConfiguration: \`{}\`" ;;
  remove-s3) change="QueueConfigurations: $others" ;;
  *) fail "cannot $deed $kind" ;;
esac

read_configuration() {
  aws s3api get-bucket-notification-configuration --bucket "$bucket" --query "merge(@, {$1})" --output json
}

before=$(read_configuration "QueueConfigurations: $all")
after=$(read_configuration "$change")
if [[ $before == "$after" ]]; then
  echo "notifications of $bucket: nothing to change"
  exit
fi
aws s3api put-bucket-notification-configuration --bucket "$bucket" --notification-configuration "$after"
# To put back by hand, should it ever be needed.
printf 'notifications of %s were:\n%s\nand are:\n%s\n' "$bucket" "$before" "$after"
