#!/usr/bin/env bash
# The job with jq, or with jaq, which speaks its language: `with_jq.sh JQ FOLDER OUT`. See the README of this folder.
set -euo pipefail
jq=$1 folder=$2 out=$3

# shellcheck disable=SC2016 # The dollars are jq's.
extract='def set(names): [names | {key: ., value: true}] | from_entries;
  set("cognito-identity", "eks-auth", "rolesanywhere", "signin", "sso-oauth", "sso", "sts" | . + ".amazonaws.com") as $sources
  | set("AssumeRole", "AssumeRoleForPodIdentity", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "ConsoleLogin",
      "CreateOAuth2Token", "CreateSession", "CreateToken", "CreateTokenWithIAM", "GetCredentialsForIdentity", "GetDelegatedAccessToken",
      "GetFederationToken", "GetRoleCredentials", "GetSessionToken", "GetSigninToken", "SwitchRole") as $names
  | inputs.Records[]
  | (.responseElements // {}) as $response | ($response.credentialSet[0]? // $response) as $issued
  | select($issued.credentials.accessKeyId? or ($sources[.eventSource // ""] and $names[.eventName // ""]))
  | {event_id: .eventID, event_time: .eventTime, event_name: .eventName, access_key_id: $issued.credentials.accessKeyId?,
     session_arn: ($issued.assumedRoleUser.arn? // $issued.federatedUser.arn?), role_arn: .requestParameters.roleArn?,
     caller_arn: .userIdentity.arn, caller_access_key_id: .userIdentity.accessKeyId}'
# shellcheck disable=SC2016
link='unique_by(.event_id)
  | (map(select(.access_key_id and .access_key_id != .caller_access_key_id)) | group_by(.access_key_id)
    | map({key: .[0].access_key_id, value: sort_by([.event_time, .event_id])}) | from_entries) as $issued
  | .[] | . as $row
  | .parent_event_id = ([$issued[.caller_access_key_id // ""][]? | select(.event_time <= $row.event_time)] | last | .event_id)'

find "$folder" -name '*.json.gz' -print0 | xargs -0 gzip -dc | "$jq" -n -c "$extract" >"$out.records"
"$jq" -s -c "$link" "$out.records" >"$out"
echo "$(wc -l <"$out.records") $(wc -l <"$out") $("$jq" -r 'select(.parent_event_id) | 1' "$out" | wc -l)"
