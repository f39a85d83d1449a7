//! What a perfect auditor who sees exactly the delivered logs would say.

use std::collections::BTreeMap;

use crate::Text;
use crate::calendar::rfc3339;
use crate::json::{self, Members};

/// Tags by key.
pub type Tags = BTreeMap<Text, Text>;

/// The truth about one issuing call or witness, its twin copies and duplicates merged.
///
/// Written as JSON, the members bear the column names of the table `sessions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Which story of the simulation made the call.
    pub scenario: &'static str,
    /// `eventID` of the primary copy.
    pub event_id: Text,
    /// The event IDs of all copies, sorted.
    pub event_ids: Vec<Text>,
    /// Seconds since 1970.
    pub event_time: i64,
    /// `eventName`.
    pub event_name: &'static str,
    /// `recipientAccountId` of the primary copy.
    pub recipient_account_id: Text,
    /// For a correction, the event ID it replaces.
    pub replaces_event_id: Option<Text>,
    /// `addendum.reason`.
    pub addendum_reason: Option<&'static str>,
    /// What was handed out.
    pub facts: Facts,
    /// Who called.
    pub link: LinkTruth,
    /// The tags in force in the session.
    pub effective_tags: Tags,
    /// The keys of those that pass on, sorted.
    pub effective_transitive_tag_keys: Vec<Text>,
    /// False where the logs do not tell which tags were inherited; then `effective_tags` lacks them.
    pub effective_tags_known: bool,
    /// The source identity of the session, set on this call or carried.
    pub source_identity: Option<Text>,
}

/// What one call says of the session it hands out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// As in the column of this name.
    pub session_type: &'static str,
    /// The call was refused.
    pub failed: bool,
    /// The issued key, as logged.
    pub access_key_id: Option<Text>,
    /// The ARN under which the session makes calls.
    pub session_arn: Option<Text>,
    /// The role session name, or the federated user's name.
    pub session_name: Option<Text>,
    /// The role, where the record names it.
    pub role_arn: Option<Text>,
    /// The tags of this call.
    pub session_tags: Tags,
    /// AWS sets tags that the record does not show.
    pub tags_untold: bool,
    /// `incomingTransitiveTags`, where logged.
    pub inherited_tags: Option<Tags>,
    /// `transitiveTagKeys` of this call, sorted.
    pub transitive_tag_keys: Vec<Text>,
    /// SHA-256 of the canonical form of the inline session policy.
    pub session_policy_sha256: Option<Text>,
    /// The managed policies passed as session policies, sorted.
    pub session_policy_arns: Vec<Text>,
    /// MFA was presented on this call; `None` where the call cannot take it or failed.
    pub session_mfa: Option<bool>,
    /// `mfaAuthenticated` of the caller's session.
    pub caller_mfa: Option<bool>,
}

/// The truth about the caller of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkTruth {
    /// `origin`, `linked` or `gap`.
    pub link_status: &'static str,
    /// `issued_key` or `session_context`.
    pub link_evidence: Option<&'static str>,
    /// `not_in_logs`, `caller_copy_missing` or `ambiguous`.
    pub gap_reason: Option<&'static str>,
    /// The issuance of the caller's session.
    pub parent_event_id: Option<Text>,
    /// The key that issuance handed out, as logged.
    pub parent_access_key_id: Option<Text>,
    /// All issuances that fit, sorted, when more than one.
    pub link_candidates: Vec<Text>,
    /// How many ancestors are known.
    pub chain_depth: u32,
    /// The nearest 32 ancestors, origin first.
    pub chain_event_ids: Vec<Text>,
    /// Who started the chain.
    pub origin: OriginTruth,
    /// MFA at the first hop; `None` when unknown, as in every gap.
    pub origin_mfa: Option<bool>,
}

/// Who started a chain, or the furthest principal known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OriginTruth {
    /// Whether this is the origin.
    pub known: bool,
    /// As in the column `origin_type`.
    pub origin_type: &'static str,
    /// Its ARN.
    pub arn: Option<Text>,
    /// What a person recognises.
    pub name: Option<Text>,
    /// Its account.
    pub account_id: Option<Text>,
    /// Its principal ID.
    pub principal_id: Option<Text>,
    /// Who vouches for it.
    pub identity_provider: Option<Text>,
    /// The key that the first hop's caller used.
    pub access_key_id: Option<Text>,
    /// The first hop.
    pub event_id: Text,
}

impl OriginTruth {
    /// Rule L5: whether two candidates lead back to the same origin.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let first_hop_apart = |origin: &Self| Self {
            access_key_id: None,
            event_id: "".into(),
            ..origin.clone()
        };
        first_hop_apart(self) == first_hop_apart(other)
    }
}

/// A record of another service, made with a session, and who made it.
#[derive(Clone, Debug, PartialEq)]
pub struct UseTruth {
    /// The record as delivered, JSON.
    pub record: String,
    /// Its event ID.
    pub event_id: Text,
    /// The story that uses the session.
    pub scenario: &'static str,
    /// Who called: the parent is the issuance that a trace of the record should find.
    pub link: LinkTruth,
}

impl Truth {
    /// One JSON object without line breaks.
    pub fn to_json(&self) -> String {
        json::object(|members| {
            members.text("scenario", self.scenario);
            members.text("event_id", &self.event_id);
            members.raw("event_ids", &json::texts(&self.event_ids));
            members.text("event_time", &rfc3339(self.event_time));
            members.text("event_name", self.event_name);
            members.text("recipient_account_id", &self.recipient_account_id);
            members.text_or_null("replaces_event_id", self.replaces_event_id.as_deref());
            members.text_or_null("addendum_reason", self.addendum_reason);
            self.facts.write(members);
            self.link.write(members);
            members.raw("effective_tags", &json::map(&self.effective_tags));
            members.raw(
                "effective_transitive_tag_keys",
                &json::texts(&self.effective_transitive_tag_keys),
            );
            members.flag("effective_tags_known", self.effective_tags_known);
            members.text_or_null("source_identity", self.source_identity.as_deref());
        })
    }
}

impl Facts {
    fn write(&self, members: &mut Members<'_>) {
        members.text("session_type", self.session_type);
        members.text("outcome", if self.failed { "failed" } else { "issued" });
        members.text_or_null("access_key_id", self.access_key_id.as_deref());
        members.text_or_null("session_arn", self.session_arn.as_deref());
        members.text_or_null("session_name", self.session_name.as_deref());
        members.text_or_null("role_arn", self.role_arn.as_deref());
        members.raw("session_tags", &json::map(&self.session_tags));
        match &self.inherited_tags {
            Some(tags) => members.raw("inherited_tags", &json::map(tags)),
            None => members.raw("inherited_tags", "null"),
        }
        members.raw(
            "transitive_tag_keys",
            &json::texts(&self.transitive_tag_keys),
        );
        members.text_or_null(
            "session_policy_sha256",
            self.session_policy_sha256.as_deref(),
        );
        members.raw(
            "session_policy_arns",
            &json::texts(&self.session_policy_arns),
        );
        members.flag_or_null("session_mfa", self.session_mfa);
        members.flag_or_null("caller_mfa", self.caller_mfa);
    }
}

impl LinkTruth {
    fn write(&self, members: &mut Members<'_>) {
        members.text("link_status", self.link_status);
        members.text_or_null("link_evidence", self.link_evidence);
        members.text_or_null("gap_reason", self.gap_reason);
        members.text_or_null("parent_event_id", self.parent_event_id.as_deref());
        members.text_or_null("parent_access_key_id", self.parent_access_key_id.as_deref());
        members.raw("link_candidates", &json::texts(&self.link_candidates));
        members.int("chain_depth", i64::from(self.chain_depth));
        members.raw("chain_event_ids", &json::texts(&self.chain_event_ids));
        let origin = &self.origin;
        members.flag("origin_known", origin.known);
        members.text("origin_type", origin.origin_type);
        members.text_or_null("origin_arn", origin.arn.as_deref());
        members.text_or_null("origin_name", origin.name.as_deref());
        members.text_or_null("origin_account_id", origin.account_id.as_deref());
        members.text_or_null("origin_principal_id", origin.principal_id.as_deref());
        members.text_or_null(
            "origin_identity_provider",
            origin.identity_provider.as_deref(),
        );
        members.text_or_null("origin_access_key_id", origin.access_key_id.as_deref());
        members.text("origin_event_id", &origin.event_id);
        members.flag_or_null("origin_mfa", self.origin_mfa);
    }
}

impl UseTruth {
    /// One JSON object without line breaks; `record` is the record itself.
    pub fn to_json(&self) -> String {
        json::object(|members| {
            members.text("scenario", self.scenario);
            members.text("event_id", &self.event_id);
            self.link.write(members);
            members.raw("record", &self.record);
        })
    }
}
