//! Any row at all, for property tests: every field is filled by name, so that one without a column cannot hide.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use trailback_sessions::{
    CallerFacts, Chain, Evidence, GapReason, Hop, Issuance, Link, LinkStatus, MfaFacts, Origin,
    OriginType, Outcome, PolicyFacts, RecordFacts, Session, SessionFacts, SessionType, TagFacts,
    TagMap, Text, Timestamp,
};

use crate::columns::Word;
use crate::ledger::{LedgerEntry, LogObjectKind, LogObjectOutcome};

/// Any linked row.
pub(crate) fn session() -> impl Strategy<Value = Session> {
    Just(()).prop_perturb(|(), rng| Dice(rng).session())
}

/// Up to so many linked rows.
pub(crate) fn sessions(count_max: usize) -> impl Strategy<Value = Vec<Session>> {
    proptest::collection::vec(session(), 1..=count_max)
}

/// Any unlinked row.
pub(crate) fn issuance() -> impl Strategy<Value = Issuance> {
    Just(()).prop_perturb(|(), rng| Dice(rng).issuance())
}

/// Any row of the ledger.
pub(crate) fn ledger_entry() -> impl Strategy<Value = LedgerEntry> {
    Just(()).prop_perturb(|(), rng| Dice(rng).ledger_entry())
}

/// Up to so many readings of a few log objects.
pub(crate) fn repeated_ledger_entries(count_max: usize) -> impl Strategy<Value = Vec<LedgerEntry>> {
    let entry = Just(()).prop_perturb(|(), rng| Dice(rng).reading_of_a_few());
    proptest::collection::vec(entry, 1..=count_max)
}

/// Texts that recur, so that filters find something.
pub(crate) const RECURRING: [&str; 6] = [
    "",
    "a",
    "ASIA0001",
    "arn:aws:iam::111122223333:role/x",
    "Ünïcödé \u{1F511}",
    "\u{0}\n'\"\\",
];

struct Dice(TestRng);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.next_u32() % limit
    }

    fn text(&mut self) -> Text {
        match self.below(4) {
            0 => Text::from(format!("{:x}", self.0.next_u64())),
            1 => Text::from("long ".repeat(self.below(300) as usize)),
            _ => Text::from(RECURRING[self.below(6) as usize]),
        }
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| value(self))
    }

    fn maybe_text(&mut self) -> Option<Text> {
        self.maybe(Self::text)
    }

    fn maybe_bool(&mut self) -> Option<bool> {
        self.maybe(|dice| dice.below(2) == 0)
    }

    fn maybe_int(&mut self) -> Option<i32> {
        self.maybe(|dice| dice.0.next_u32() as i32)
    }

    /// A count that Parquet's signed integers hold.
    fn maybe_count(&mut self) -> Option<u64> {
        self.maybe(|dice| dice.0.next_u64() >> 1)
    }

    fn moment(&mut self) -> Timestamp {
        match self.below(8) {
            0 => Timestamp(i64::MIN),
            1 => Timestamp(i64::MAX),
            2 => Timestamp(self.0.next_u64() as i64),
            _ => Timestamp(i64::from(self.below(100))),
        }
    }

    fn texts(&mut self) -> Vec<Text> {
        (0..self.below(3)).map(|_| self.text()).collect()
    }

    fn tags(&mut self) -> TagMap {
        (0..self.below(3))
            .map(|_| (self.text(), self.text()))
            .collect::<BTreeMap<_, _>>()
    }

    fn word<W: Word>(&mut self) -> W {
        W::WORDS[self.below(W::WORDS.len() as u32) as usize].0
    }

    fn issuance(&mut self) -> Issuance {
        Issuance {
            record: self.record(),
            session: self.session_facts(),
            tags: TagFacts {
                session_tags: self.tags(),
                inherited_tags: self.tags(),
                transitive_tag_keys: self.texts(),
            },
            policy: PolicyFacts {
                session_policy: self.maybe_text(),
                session_policy_sha256: self.maybe_text(),
                session_policy_raw_sha256: self.maybe_text(),
                session_policy_arns: self.texts(),
                session_scope_sha256: self.maybe_text(),
                packed_policy_size: self.maybe_int(),
            },
            mfa: MfaFacts {
                mfa_serial_number: self.maybe_text(),
                caller_mfa: self.maybe_bool(),
                session_mfa: self.maybe_bool(),
            },
            caller: self.caller(),
            extract_version: self.0.next_u32() as i32,
            log_objects: self.texts(),
        }
    }

    fn record(&mut self) -> RecordFacts {
        RecordFacts {
            event_id: self.text(),
            event_ids: self.texts(),
            event_time: self.moment(),
            event_source: self.maybe_text(),
            event_name: self.maybe_text(),
            aws_region: self.maybe_text(),
            recipient_account_id: self.maybe_text(),
            request_id: self.maybe_text(),
            shared_event_id: self.maybe_text(),
            replaces_event_id: self.maybe_text(),
            addendum_reason: self.maybe_text(),
            source_ip_address: self.maybe_text(),
            user_agent: self.maybe_text(),
            endpoint_type: self.maybe_text(),
            serving_region: self.maybe_text(),
            vpc_endpoint_id: self.maybe_text(),
            vpc_endpoint_account_id: self.maybe_text(),
            outcome: self.word::<Outcome>(),
            error_code: self.maybe_text(),
            error_message: self.maybe_text(),
        }
    }

    fn session_facts(&mut self) -> SessionFacts {
        SessionFacts {
            session_type: self.word::<SessionType>(),
            access_key_id: self.maybe_text(),
            session_principal_id: self.maybe_text(),
            session_arn: self.maybe_text(),
            session_name: self.maybe_text(),
            role_arn: self.maybe_text(),
            role_name: self.maybe_text(),
            role_account_id: self.maybe_text(),
            expires_at: self.maybe(Self::moment),
            duration_seconds: self.maybe_int(),
            external_id: self.maybe_text(),
            source_identity: self.maybe_text(),
            identity_provider_arn: self.maybe_text(),
            oidc_audience: self.maybe_text(),
            provided_context_arns: self.texts(),
            task_policy_arn: self.maybe_text(),
            explicit_trust_grant: self.maybe_bool(),
        }
    }

    fn caller(&mut self) -> CallerFacts {
        CallerFacts {
            caller_type: self.maybe_text(),
            caller_arn: self.maybe_text(),
            caller_principal_id: self.maybe_text(),
            caller_account_id: self.maybe_text(),
            caller_user_name: self.maybe_text(),
            caller_access_key_id: self.maybe_text(),
            caller_session_issuer_arn: self.maybe_text(),
            caller_session_created_at: self.maybe(Self::moment),
            caller_source_identity: self.maybe_text(),
            caller_invoked_by: self.maybe_text(),
            caller_identity_provider: self.maybe_text(),
            caller_on_behalf_of_user_id: self.maybe_text(),
            caller_on_behalf_of_identity_store_arn: self.maybe_text(),
            caller_in_scope_of_arn: self.maybe_text(),
            caller_ec2_role_delivery: self.maybe_text(),
            caller_from_console: self.maybe_bool(),
            caller_sign_in_session_arn: self.maybe_text(),
            caller_assumed_root: self.maybe_bool(),
            caller_delegate_account_id: self.maybe_text(),
        }
    }

    fn ledger_entry(&mut self) -> LedgerEntry {
        LedgerEntry {
            location: self.text(),
            etag: self.maybe_text(),
            version_id: self.maybe_text(),
            size_bytes: self.maybe_count(),
            kind: self.word::<LogObjectKind>(),
            account_id: self.maybe_text(),
            region: self.maybe_text(),
            delivered_at: self.maybe(Self::moment),
            outcome: self.word::<LogObjectOutcome>(),
            reason: self.maybe_text(),
            unpacked_bytes: self.maybe_count(),
            sha256: self.maybe_text(),
            records: self.maybe_count(),
            issuances: self.maybe_count(),
            witnesses: self.maybe_count(),
            passed_over: self.maybe_count(),
            unreadable: self.maybe_count(),
            first_event_time: self.maybe(Self::moment),
            last_event_time: self.maybe(Self::moment),
            extract_version: self.0.next_u32() as i32,
        }
    }

    fn reading_of_a_few(&mut self) -> LedgerEntry {
        let few = |dice: &mut Self| Text::from(["a", "b"][dice.below(2) as usize]);
        let few_bytes = |dice: &mut Self| u64::from(dice.below(2));
        LedgerEntry {
            location: few(self),
            etag: self.maybe(few),
            version_id: self.maybe(few),
            sha256: self.maybe(few),
            region: self.maybe(few),
            outcome: self.word::<LogObjectOutcome>(),
            size_bytes: self.maybe(few_bytes),
            unpacked_bytes: self.maybe(few_bytes),
            first_event_time: self.maybe(|dice| Timestamp(dice.below(2).into())),
            unreadable: self.maybe(few_bytes),
            extract_version: self.below(2) as i32,
            ..LedgerEntry::default()
        }
    }

    fn session(&mut self) -> Session {
        Session {
            issuance: self.issuance(),
            effective_tags: self.tags(),
            effective_transitive_tag_keys: self.texts(),
            effective_tags_known: self.below(2) == 0,
            origin_mfa: self.maybe_bool(),
            chain_mfa_lost: self.maybe_bool(),
            link: Link {
                status: self.word::<LinkStatus>(),
                evidence: self.maybe(Self::word::<Evidence>),
                candidates: self.texts(),
                gap_reason: self.maybe(Self::word::<GapReason>),
                parent_event_id: self.maybe_text(),
                parent_access_key_id: self.maybe_text(),
            },
            origin: Arc::new(self.origin()),
            chain: Chain {
                depth: self.0.next_u32() as i32,
                hops: (0..self.below(4)).map(|_| Arc::new(self.hop())).collect(),
                truncated: self.below(2) == 0,
                crosses_accounts: self.below(2) == 0,
            },
        }
    }

    fn origin(&mut self) -> Origin {
        Origin {
            known: self.below(2) == 0,
            origin_type: self.word::<OriginType>(),
            arn: self.maybe_text(),
            name: self.maybe_text(),
            account_id: self.maybe_text(),
            principal_id: self.maybe_text(),
            identity_provider: self.maybe_text(),
            access_key_id: self.maybe_text(),
            event_id: self.text(),
            event_time: self.moment(),
            source_ip_address: self.maybe_text(),
            user_agent: self.maybe_text(),
        }
    }

    fn hop(&mut self) -> Hop {
        Hop {
            event_id: self.text(),
            event_time: self.moment(),
            event_name: self.maybe_text(),
            access_key_id: self.maybe_text(),
            role_arn: self.maybe_text(),
            account_id: self.maybe_text(),
            session_arn: self.maybe_text(),
            source_ip_address: self.maybe_text(),
            session_mfa: self.maybe_bool(),
            link_evidence: self.maybe(Self::word::<Evidence>),
        }
    }
}
