//! A linked session: an issuance, its parent, the chain behind it and the origin at its start.

use std::sync::Arc;

use trailback_cloudtrail::Timestamp;

use crate::issuance::{Issuance, TagMap, Text};
use crate::lineage::is_among;

/// One row of the table `sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The issuance, merged from all records that tell of it.
    pub issuance: Issuance,
    /// The tags in force in the session: inherited ones and those of this call.
    pub effective_tags: TagMap,
    /// The keys of `effective_tags` that pass on to the next role, sorted and unique.
    pub effective_transitive_tag_keys: Vec<Text>,
    /// False where `effective_tags` may lack some: a parent's that are unknown, or those of this call that no record tells.
    pub effective_tags_known: bool,
    /// MFA at the first hop, presented there or in the origin's session; `None` when unknown.
    pub origin_mfa: Option<bool>,
    /// MFA at the origin and neither on this call nor in the caller's session; `None` when the origin's is unknown.
    pub chain_mfa_lost: Option<bool>,
    /// How the caller's own session was found.
    pub link: Link,
    /// Who started the chain, or the furthest principal known.
    pub origin: Arc<Origin>,
    /// The ancestors.
    pub chain: Chain,
}

impl Session {
    /// Whether a tag of that key passes on to the next role.
    #[must_use]
    pub fn passes_on(&self, key: &str) -> bool {
        is_among(key, &self.effective_transitive_tag_keys)
    }

    /// Whether a row that has the event ID of this one's parent is that parent: an event ID alone may be in two accounts. Of
    /// several candidates any may be it.
    #[must_use]
    pub fn comes_from(&self, parent: &Session) -> bool {
        let hop = self.chain.hops.last();
        !self.link.candidates.is_empty() || hop.is_none_or(|hop| hop.is_of(parent))
    }

    /// Whether a tag is in force, its key in any case.
    #[must_use]
    pub fn has_tag(&self, key: &str, value: &str) -> bool {
        let mut tags = self.effective_tags.iter();
        tags.any(|(own, its)| **its == *value && is_among(key, [own]))
    }
}

/// The columns of the group Link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether the caller is the origin, has a parent, or is a gap.
    pub status: LinkStatus,
    /// On what the link stands.
    pub evidence: Option<Evidence>,
    /// The event IDs of all candidates, sorted, when more than one.
    pub candidates: Vec<Text>,
    /// Why the row is a gap.
    pub gap_reason: Option<GapReason>,
    /// The event ID of the parent's issuance.
    pub parent_event_id: Option<Text>,
    /// The key that the parent's issuance handed out, as logged.
    pub parent_access_key_id: Option<Text>,
}

/// Whether a row's caller is an origin, has a parent, or is a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkStatus {
    /// The caller is the origin of the chain.
    Origin,
    /// The caller's session was issued by a row of the table.
    Linked,
    /// The caller's session was issued by a call that cannot be named.
    #[default]
    Gap,
}

/// Why a link is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The caller's key is the one handed out (rule L3).
    IssuedKey,
    /// Principal and creation time agree (rule L4).
    SessionContext,
}

/// Why a chain stops before its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// The issuance is not in the logs.
    NotInLogs,
    /// The caller stands only in the record of the other account.
    CallerCopyMissing,
    /// Several issuances fit, and they lead to different origins.
    Ambiguous,
    /// The candidates lead back to themselves.
    Loop,
}

/// The columns of the group Origin: the identity that starts a chain, and the first hop's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Whether this is the origin; else the furthest principal known.
    pub known: bool,
    /// What kind of identity.
    pub origin_type: OriginType,
    /// Its ARN.
    pub arn: Option<Text>,
    /// What a person recognises: user name, subject, service, instance, function, pod, certificate subject.
    pub name: Option<Text>,
    /// Its account.
    pub account_id: Option<Text>,
    /// Its principal ID.
    pub principal_id: Option<Text>,
    /// The identity provider or identity store that vouches for it.
    pub identity_provider: Option<Text>,
    /// The key that the first hop's caller used.
    pub access_key_id: Option<Text>,
    /// The event ID of the first hop.
    pub event_id: Text,
    /// When the first hop was recorded.
    pub event_time: Timestamp,
    /// `sourceIPAddress` of the first hop.
    pub source_ip_address: Option<Text>,
    /// `userAgent` of the first hop.
    pub user_agent: Option<Text>,
}

impl Origin {
    /// Whether two origins are the same identity, whatever record they were read from. Of two that are not known, that they
    /// are called the same.
    #[must_use]
    pub fn is_same_identity(&self, other: &Origin) -> bool {
        self.identity() == other.identity()
    }

    /// Whether two chains began with the same identity; where it is not known, with one session of it: with one key or, if no key
    /// is told, with one call. Anybody's sessions may be called the same.
    pub(crate) fn began_as(&self, other: &Origin) -> bool {
        let in_one_session = || match (&self.access_key_id, &other.access_key_id) {
            (None, None) => {
                (&self.event_id, self.event_time) == (&other.event_id, other.event_time)
            }
            (key, other_key) => key == other_key,
        };
        self.is_same_identity(other) && (self.known || in_one_session())
    }

    fn identity(&self) -> (bool, OriginType, [&Option<Text>; 5]) {
        let names = [
            &self.account_id,
            &self.principal_id,
            &self.arn,
            &self.identity_provider,
            &self.name,
        ];
        (self.known, self.origin_type, names)
    }
}

impl OriginType {
    /// The value of the column `origin_type`.
    pub const fn name(self) -> &'static str {
        match self {
            OriginType::IAMUser => "IAMUser",
            OriginType::Root => "Root",
            OriginType::SAMLUser => "SAMLUser",
            OriginType::WebIdentityUser => "WebIdentityUser",
            OriginType::IdentityCenterUser => "IdentityCenterUser",
            OriginType::AWSService => "AWSService",
            OriginType::Compute => "Compute",
            OriginType::Certificate => "Certificate",
            OriginType::AWSAccount => "AWSAccount",
            OriginType::AssumedRole => "AssumedRole",
            OriginType::Unknown => "Unknown",
        }
    }
}

/// What kind of identity an origin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginType {
    /// An IAM user.
    IAMUser,
    /// The root user of an account.
    Root,
    /// A user of a SAML provider.
    SAMLUser,
    /// A subject of an OIDC provider, or a Cognito identity.
    WebIdentityUser,
    /// A user of IAM Identity Center.
    IdentityCenterUser,
    /// An AWS service.
    AWSService,
    /// An instance, function, task or pod.
    Compute,
    /// A certificate (IAM Roles Anywhere).
    Certificate,
    /// Another account, of which no more is known.
    AWSAccount,
    /// A role session: a gap that names no more.
    AssumedRole,
    /// Nothing that has a name.
    #[default]
    Unknown,
}

/// The columns of the group Chain: the ancestors of a session, its own issuance excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// How many ancestors are known; exact even where `hops` is cut.
    pub depth: i32,
    /// The nearest ancestors (at most [`HOPS_MAX`]), origin first.
    pub hops: Vec<Arc<Hop>>,
    /// Whether older ancestors were cut from `hops`.
    pub truncated: bool,
    /// Whether the chain, origin and this session included, touches more than one account.
    pub crosses_accounts: bool,
}

/// How many ancestors a row lists (rule L10).
pub const HOPS_MAX: usize = 32;

/// One ancestor: an issuance on the way from the origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// The issuance's event ID.
    pub event_id: Text,
    /// When it was recorded.
    pub event_time: Timestamp,
    /// The issuing call.
    pub event_name: Option<Text>,
    /// The key it handed out, as logged.
    pub access_key_id: Option<Text>,
    /// The role it handed out, where it was one.
    pub role_arn: Option<Text>,
    /// The account of the session it handed out.
    pub account_id: Option<Text>,
    /// The ARN of the session it handed out.
    pub session_arn: Option<Text>,
    /// `sourceIPAddress` of the call.
    pub source_ip_address: Option<Text>,
    /// Whether MFA was presented on the call.
    pub session_mfa: Option<bool>,
    /// How this hop was linked to the one before it.
    pub link_evidence: Option<Evidence>,
}

impl Hop {
    /// Whether a row is this hop. The event ID and the time need not be enough: an altered or foreign log may have them twice.
    #[must_use]
    pub fn is_of(&self, row: &Session) -> bool {
        let (record, session) = (&row.issuance.record, &row.issuance.session);
        let agree = |told: &Option<Text>, of_row: &Option<Text>| told.is_none() || told == of_row;
        self.event_id == record.event_id
            && self.event_time == record.event_time
            && agree(&self.access_key_id, &session.access_key_id)
            && agree(&self.role_arn, &session.role_arn)
            && agree(&self.session_arn, &session.session_arn)
            && agree(&self.source_ip_address, &record.source_ip_address)
    }
}
