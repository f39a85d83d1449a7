//! The texts that stand in the table for the domain's enumerations, both ways.

use trailback_sessions::{Evidence, GapReason, LinkStatus, OriginType, Outcome, SessionType};

use crate::ledger::{LogObjectKind, LogObjectOutcome};

/// An enumeration whose values are texts in the table.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Every value and its text. The texts are an interface: people filter on them.
    const WORDS: &'static [(Self, &'static str)];

    /// The text of the value.
    fn text(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(value, _)| *value == self);
        known.map_or("Unknown", |(_, text)| text)
    }

    /// The value that the text stands for; `None` for a text this version does not know.
    fn from_text(text: &str) -> Option<Self> {
        let known = Self::WORDS.iter().find(|(_, word)| *word == text);
        known.map(|(value, _)| *value)
    }
}

impl Word for Outcome {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Issued, "issued"),
        (Self::Failed, "failed"),
        (Self::Used, "used"),
    ];
}

impl Word for SessionType {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::AssumedRole, "AssumedRole"),
        (Self::AssumedRoot, "AssumedRoot"),
        (Self::SessionToken, "SessionToken"),
        (Self::FederatedUser, "FederatedUser"),
        (Self::Console, "Console"),
        (Self::Delegated, "Delegated"),
        (Self::WebIdentity, "WebIdentity"),
        (Self::Witness, "Witness"),
        (Self::Unknown, "Unknown"),
    ];
}

impl Word for LinkStatus {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Origin, "origin"),
        (Self::Linked, "linked"),
        (Self::Gap, "gap"),
    ];
}

impl Word for Evidence {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::IssuedKey, "issued_key"),
        (Self::SessionContext, "session_context"),
    ];
}

impl Word for GapReason {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::NotInLogs, "not_in_logs"),
        (Self::CallerCopyMissing, "caller_copy_missing"),
        (Self::Ambiguous, "ambiguous"),
        (Self::Loop, "loop"),
    ];
}

impl Word for OriginType {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::IAMUser, Self::IAMUser.name()),
        (Self::Root, Self::Root.name()),
        (Self::SAMLUser, Self::SAMLUser.name()),
        (Self::WebIdentityUser, Self::WebIdentityUser.name()),
        (Self::IdentityCenterUser, Self::IdentityCenterUser.name()),
        (Self::AWSService, Self::AWSService.name()),
        (Self::Compute, Self::Compute.name()),
        (Self::Certificate, Self::Certificate.name()),
        (Self::AWSAccount, Self::AWSAccount.name()),
        (Self::AssumedRole, Self::AssumedRole.name()),
        (Self::Unknown, Self::Unknown.name()),
    ];
}

impl Word for LogObjectOutcome {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Extracted, "extracted"),
        (Self::Skipped, "skipped"),
        (Self::Failed, "failed"),
        (Self::Gone, "gone"),
    ];
}

impl Word for LogObjectKind {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::LogObject, "log_object"),
        (Self::Digest, "digest"),
        (Self::Insights, "insights"),
        (Self::NetworkActivity, "network_activity"),
        (Self::Aggregated, "aggregated"),
        (Self::OtherJson, "other_json"),
        (Self::Other, "other"),
    ];
}
