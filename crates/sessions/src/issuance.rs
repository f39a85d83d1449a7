//! An issuance: what one record says of the temporary credentials it handed out.

use std::collections::BTreeMap;

use arcstr::ArcStr;
use trailback_cloudtrail::Timestamp;

/// A text shared by the rows that hold it: chains repeat what their hops say. It is one pointer wide, for most of a
/// row's texts are absent.
pub type Text = ArcStr;

/// Tags by key. An empty map is an absent one.
pub type TagMap = BTreeMap<Text, Text>;

/// One row of a fragment: a record that handed out (or refused) temporary credentials, or a witness of a session.
///
/// Field names are column names. The order of fields is the canonical order in which two records that claim to be
/// the same one are compared (rule L1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issuance {
    /// What the envelope says.
    pub record: RecordFacts,
    /// What was handed out.
    pub session: SessionFacts,
    /// The tags of this call.
    pub tags: TagFacts,
    /// The session policies of this call.
    pub policy: PolicyFacts,
    /// What is known of multi-factor authentication from this record alone.
    pub mfa: MfaFacts,
    /// Who made the call.
    pub caller: CallerFacts,
    /// [`EXTRACT_VERSION`](crate::EXTRACT_VERSION) of the program that read the record; the highest wins (rule L1).
    pub extract_version: i32,
    /// The log objects that hold the record, sorted and unique: `s3://bucket/key`, or a path below the ingested folder.
    /// Takes no part in comparing two records.
    pub log_objects: Vec<Text>,
}

impl Issuance {
    /// Whether this is the copy of a cross-account call that names its caller by account and ID alone.
    #[must_use]
    pub fn is_bare_copy(&self) -> bool {
        self.caller.caller_type.as_deref() == Some("AWSAccount")
            && self.record.shared_event_id.is_some()
            && self.record.request_id.is_some()
    }

    /// Whether `fuller` is the copy of the same call that names the caller (rule L2), whatever second it fell into. Both must
    /// tell of the same session, so that nobody's IDs hide another call.
    #[must_use]
    pub fn is_bare_copy_of(&self, fuller: &Issuance) -> bool {
        let agree = |one: &Option<Text>, other: &Option<Text>| {
            one.is_none() || other.is_none() || one == other
        };
        let (own, its) = (&self.session, &fuller.session);
        self.is_bare_copy()
            && fuller.caller.caller_type.as_deref() != Some("AWSAccount")
            && self.record.shared_event_id == fuller.record.shared_event_id
            && self.record.request_id == fuller.record.request_id
            && agree(&own.access_key_id, &its.access_key_id)
            && agree(&own.session_arn, &its.session_arn)
    }
}

/// The columns of the group Record.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordFacts {
    /// `eventID`; of a merged row, that of the primary copy (rule L2).
    pub event_id: Text,
    /// The event IDs of all records merged into this row, sorted and unique; never empty.
    pub event_ids: Vec<Text>,
    /// `eventTime`.
    pub event_time: Timestamp,
    /// `eventSource`.
    pub event_source: Option<Text>,
    /// `eventName`.
    pub event_name: Option<Text>,
    /// `awsRegion`.
    pub aws_region: Option<Text>,
    /// `recipientAccountId`.
    pub recipient_account_id: Option<Text>,
    /// `requestID`.
    pub request_id: Option<Text>,
    /// `sharedEventID`.
    pub shared_event_id: Option<Text>,
    /// `addendum.originalEventID`.
    pub replaces_event_id: Option<Text>,
    /// `addendum.reason`.
    pub addendum_reason: Option<Text>,
    /// `sourceIPAddress`: an address or a service's name.
    pub source_ip_address: Option<Text>,
    /// `userAgent`.
    pub user_agent: Option<Text>,
    /// `additionalEventData.RequestDetails.endpointType`.
    pub endpoint_type: Option<Text>,
    /// `additionalEventData.RequestDetails.awsServingRegion`.
    pub serving_region: Option<Text>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<Text>,
    /// `vpcEndpointAccountId`.
    pub vpc_endpoint_account_id: Option<Text>,
    /// Whether the credentials were handed out.
    pub outcome: Outcome,
    /// `errorCode`.
    pub error_code: Option<Text>,
    /// `errorMessage`.
    pub error_message: Option<Text>,
}

/// Whether a call succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Credentials were handed out.
    #[default]
    Issued,
    /// The call was refused or went wrong.
    Failed,
    /// The call hands out nothing: it was made with a session's credentials, and is asked about. Never in the table.
    Used,
}

/// The columns of the group Session.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionFacts {
    /// What kind of credentials.
    pub session_type: SessionType,
    /// The issued access key ID.
    pub access_key_id: Option<Text>,
    /// The `principalId` under which the session makes calls (rule L4).
    pub session_principal_id: Option<Text>,
    /// The ARN under which the session makes calls.
    pub session_arn: Option<Text>,
    /// The role session name, or the federated user's name.
    pub session_name: Option<Text>,
    /// The ARN of the role, with its path where the request names it.
    pub role_arn: Option<Text>,
    /// The role's name, without path.
    pub role_name: Option<Text>,
    /// The account of the role.
    pub role_account_id: Option<Text>,
    /// `credentials.expiration` as logged; console sessions outlive it.
    pub expires_at: Option<Timestamp>,
    /// The duration asked for, in seconds.
    pub duration_seconds: Option<i32>,
    /// `externalId`.
    pub external_id: Option<Text>,
    /// The source identity set on this call; in a linked row also the one carried along the chain.
    pub source_identity: Option<Text>,
    /// The ARN of the SAML or OIDC provider, or the trust anchor.
    pub identity_provider_arn: Option<Text>,
    /// The audience of the web identity token.
    pub oidc_audience: Option<Text>,
    /// The providers of `providedContexts`, sorted and unique.
    pub provided_context_arns: Vec<Text>,
    /// `taskPolicyArn.arn` of AssumeRoot.
    pub task_policy_arn: Option<Text>,
    /// `additionalEventData.explicitTrustGrant`.
    pub explicit_trust_grant: Option<bool>,
}

/// What kind of credentials were handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionType {
    /// A role session.
    AssumedRole,
    /// A privileged root session of a member account (AssumeRoot).
    AssumedRoot,
    /// Temporary credentials of an IAM user or root (GetSessionToken).
    SessionToken,
    /// A federated user (GetFederationToken).
    FederatedUser,
    /// A console session (ConsoleLogin, GetSigninToken).
    Console,
    /// A delegated session (GetDelegatedAccessToken).
    Delegated,
    /// A Cognito identity (GetCredentialsForIdentity).
    WebIdentity,
    /// No issuance, but a call that tells of a session; never a parent.
    Witness,
    /// A call this version does not know whose response carries credentials.
    #[default]
    Unknown,
}

/// The columns of the group Tags that one record says.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagFacts {
    /// The tags of this call (`tags` or `principalTags`).
    pub session_tags: TagMap,
    /// `incomingTransitiveTags`, as logged.
    pub inherited_tags: TagMap,
    /// `transitiveTagKeys` of this call, sorted and unique.
    pub transitive_tag_keys: Vec<Text>,
}

/// The columns of the group Policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyFacts {
    /// The inline session policy, as sent.
    pub session_policy: Option<Text>,
    /// SHA-256 (hex) of the policy's RFC 8785 canonical form; of the raw text where it is not JSON.
    pub session_policy_sha256: Option<Text>,
    /// SHA-256 (hex) of the policy as sent.
    pub session_policy_raw_sha256: Option<Text>,
    /// The managed policies passed as session policies, sorted and unique.
    pub session_policy_arns: Vec<Text>,
    /// One SHA-256 (hex) over inline policy and ARNs: same restriction, same value.
    pub session_scope_sha256: Option<Text>,
    /// `packedPolicySize`, in percent of the limit.
    pub packed_policy_size: Option<i32>,
}

/// The columns of the group MFA that one record says. Unknown is `None`, never false.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MfaFacts {
    /// The device named on this call.
    pub mfa_serial_number: Option<Text>,
    /// `mfaAuthenticated` of the caller's session.
    pub caller_mfa: Option<bool>,
    /// MFA was presented on this call; `None` where the call cannot take it or failed.
    pub session_mfa: Option<bool>,
}

/// The columns of the group Caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerFacts {
    /// `userIdentity.type`.
    pub caller_type: Option<Text>,
    /// `userIdentity.arn`.
    pub caller_arn: Option<Text>,
    /// `userIdentity.principalId`.
    pub caller_principal_id: Option<Text>,
    /// `userIdentity.accountId`.
    pub caller_account_id: Option<Text>,
    /// `userIdentity.userName`.
    pub caller_user_name: Option<Text>,
    /// `userIdentity.accessKeyId`.
    pub caller_access_key_id: Option<Text>,
    /// `sessionContext.sessionIssuer.arn`: the role with its path, or the federated user's issuer.
    pub caller_session_issuer_arn: Option<Text>,
    /// `sessionContext.attributes.creationDate`.
    pub caller_session_created_at: Option<Timestamp>,
    /// `sessionContext.sourceIdentity`.
    pub caller_source_identity: Option<Text>,
    /// `userIdentity.invokedBy`.
    pub caller_invoked_by: Option<Text>,
    /// `userIdentity.identityProvider`.
    pub caller_identity_provider: Option<Text>,
    /// `userIdentity.onBehalfOf.userId`.
    pub caller_on_behalf_of_user_id: Option<Text>,
    /// `userIdentity.onBehalfOf.identityStoreArn`.
    pub caller_on_behalf_of_identity_store_arn: Option<Text>,
    /// `userIdentity.inScopeOf.sourceArn`.
    pub caller_in_scope_of_arn: Option<Text>,
    /// `sessionContext.ec2RoleDelivery`.
    pub caller_ec2_role_delivery: Option<Text>,
    /// `sessionCredentialFromConsole`.
    pub caller_from_console: Option<bool>,
    /// `sessionContext.signInSessionArn`.
    pub caller_sign_in_session_arn: Option<Text>,
    /// `sessionContext.assumedRoot`: the session is one of AssumeRoot.
    pub caller_assumed_root: Option<bool>,
    /// `userIdentity.invokedByDelegate.accountId`: the product provider that was let use the caller's rights.
    pub caller_delegate_account_id: Option<Text>,
}
