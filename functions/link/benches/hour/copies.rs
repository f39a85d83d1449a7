//! Copies of an organisation's sessions: the same stories under other identifiers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use trailback_sessions::{Hop, Issuance, Origin, Session, Text};

/// Gives one copy of an organisation names that no other has: of records, keys, sessions and users' principals. What
/// accounts, roles, users, addresses and policies are called stays. New names are as random as the old ones, or files would
/// be smaller than they are.
pub(crate) struct Copy {
    number: usize,
}

impl Copy {
    pub(crate) fn number(number: usize) -> Copy {
        Copy { number }
    }

    /// A copy of a linked row.
    pub(crate) fn of_session(&self, row: &Session) -> Session {
        let mut copy = row.clone();
        self.rename(&mut copy.issuance);
        let link = &mut copy.link;
        self.rename_record(&mut link.parent_event_id);
        self.rename_key(&mut link.parent_access_key_id);
        link.candidates
            .iter_mut()
            .for_each(|id| *id = self.record(id));
        let mut origin = Origin::clone(&copy.origin);
        origin.event_id = self.record(&origin.event_id);
        self.rename_key(&mut origin.access_key_id);
        self.rename_principal(&mut origin.principal_id);
        copy.origin = Arc::new(origin);
        for hop in &mut copy.chain.hops {
            let mut renamed = Hop::clone(hop);
            renamed.event_id = self.record(&renamed.event_id);
            self.rename_key(&mut renamed.access_key_id);
            self.rename_arn(&mut renamed.session_arn);
            *hop = Arc::new(renamed);
        }
        copy
    }

    /// A copy of an issuance.
    pub(crate) fn of_issuance(&self, row: &Issuance) -> Issuance {
        let mut copy = row.clone();
        self.rename(&mut copy);
        copy
    }

    fn rename(&self, row: &mut Issuance) {
        let (record, session, caller) = (&mut row.record, &mut row.session, &mut row.caller);
        record.event_id = self.record(&record.event_id);
        record
            .event_ids
            .iter_mut()
            .for_each(|id| *id = self.record(id));
        record.event_ids.sort();
        self.rename_record(&mut record.request_id);
        self.rename_record(&mut record.shared_event_id);
        self.rename_record(&mut record.replaces_event_id);
        self.rename_key(&mut session.access_key_id);
        self.rename_principal(&mut session.session_principal_id);
        self.rename_arn(&mut session.session_arn);
        if let Some(name) = &mut session.session_name {
            *name = self.session(name);
        }
        self.rename_key(&mut caller.caller_access_key_id);
        self.rename_principal(&mut caller.caller_principal_id);
        self.rename_arn(&mut caller.caller_arn);
    }

    /// The name of a record: a UUID.
    fn record(&self, id: &Text) -> Text {
        let (high, low) = (self.hash(id, 0), self.hash(id, 1));
        let groups = [high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48];
        let [a, b, c, d] = groups;
        Text::from(format!(
            "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{:012x}",
            low & 0xffff_ffff_ffff
        ))
    }

    fn rename_record(&self, id: &mut Option<Text>) {
        if let Some(id) = id {
            *id = self.record(id);
        }
    }

    /// Temporary keys alone: a user's own key is the same in all copies.
    fn rename_key(&self, key: &mut Option<Text>) {
        if let Some(key) = key
            && key.starts_with("ASIA")
        {
            *key = self.identifier(key);
        }
    }

    fn rename_principal(&self, id: &mut Option<Text>) {
        if let Some(id) = id {
            if id.contains(':') {
                *id = self.session(id);
            } else if id.starts_with('A') && id.len() > 12 {
                *id = self.identifier(id);
            }
        }
    }

    fn rename_arn(&self, arn: &mut Option<Text>) {
        if let Some(arn) = arn
            && (arn.contains(":assumed-role/") || arn.contains(":federated-user/"))
        {
            *arn = self.session(arn);
        }
    }

    /// A text that ends with a session's name: by itself, after a principal or in an ARN.
    fn session(&self, text: &Text) -> Text {
        let name = text.rsplit(['/', ':']).next().unwrap_or(text);
        let suffix = self.hash(name, 0) & 0xffff_ffff;
        Text::from(format!("{text}-{suffix:08x}"))
    }

    /// An identifier of AWS: four letters that tell what it is, and sixteen others.
    fn identifier(&self, id: &Text) -> Text {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = u128::from(self.hash(id, 0)) << 64 | u128::from(self.hash(id, 1));
        let letter = |place: u32| char::from(LETTERS[(bits >> (5 * place) & 31) as usize]);
        Text::from(
            id.chars()
                .take(4)
                .chain((0..16).map(letter))
                .collect::<String>(),
        )
    }

    fn hash(&self, text: &str, salt: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (text, self.number, salt).hash(&mut hasher);
        hasher.finish()
    }
}
