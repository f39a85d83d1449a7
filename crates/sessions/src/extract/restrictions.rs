//! The group Policy: the session policies of a request, and how much of their limit they took.

use trailback_cloudtrail::Fields;

use super::credentials::number;
use super::tags::sorted_texts;
use crate::issuance::PolicyFacts;
use crate::policy;

/// Reads `policy` and `policyArns` out of a request and `packedPolicySize` out of its response.
pub(super) fn read(request: Fields<'_>, response: Fields<'_>) -> PolicyFacts {
    let arns = request
        .list("policyArns")
        .filter_map(|item| item.text("arn").or(item.as_text()));
    PolicyFacts {
        packed_policy_size: number(response, "packedPolicySize"),
        ..policy::describe(request.text("policy"), sorted_texts(arns))
    }
}
