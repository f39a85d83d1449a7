# shellcheck shell=bash
# How deploy.sh and destroy.sh speak to AWS; they source it. notify.sh has its own: the owner of a bucket may have nothing else.
export AWS_PAGER=""
# Version 1 of the AWS CLI does not know the first name.
if [[ -n ${AWS_REGION:-} ]]; then export AWS_DEFAULT_REGION=$AWS_REGION; fi

parameter() { # NAME [STACK]: its value in a stack; nothing where that has none yet
  local value
  value=$(aws cloudformation describe-stacks --stack-name "${2:-$STACK}" --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue" --output text) || return
  if [[ $value != None ]]; then printf '%s\n' "$value"; fi
}
