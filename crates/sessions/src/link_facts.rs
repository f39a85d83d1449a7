//! What children match or inherit of a linked row: the part of an hour that later hours depend on.

use crate::candidates::{can_be_parent, session_account};
use crate::issuance::{Issuance, TagMap, Text};
use crate::session::{Hop, Session};

/// Writes what children match or inherit of a row; an hour's link ID is the hash of this over all its rows.
///
/// Nothing is written for a row that no look-up can meet. `log_objects`, user agents and the like take no part, so
/// that an added duplicate changes no link ID. Every value is framed by its length: no two rows write the same bytes.
pub fn write_link_facts(session: &Session, write: &mut impl FnMut(&[u8])) {
    let row = &session.issuance;
    if !can_be_parent(row) && row.record.replaces_event_id.is_none() {
        return;
    }
    let mut facts = Facts { write };
    facts.matched(row);
    facts.inherited(session);
    for hop in &session.chain.hops {
        facts.hop(hop);
    }
    facts.number(i64::from(session.chain.depth));
    facts.flags(&[
        Some(session.chain.truncated),
        Some(session.chain.crosses_accounts),
    ]);
}

struct Facts<'w, W> {
    write: &'w mut W,
}

impl<W: FnMut(&[u8])> Facts<'_, W> {
    fn matched(&mut self, row: &Issuance) {
        let (record, session) = (&row.record, &row.session);
        self.number(record.event_time.0);
        self.texts(&record.event_ids);
        self.number(session.session_type as i64);
        self.flags(&[Some(can_be_parent(row))]);
        for text in [
            Some(&record.event_id),
            record.recipient_account_id.as_ref(),
            record.replaces_event_id.as_ref(),
            record.shared_event_id.as_ref(),
            record.request_id.as_ref(),
            session.access_key_id.as_ref(),
            session.session_principal_id.as_ref(),
            session.role_account_id.as_ref(),
            session.role_name.as_ref(),
            session.session_name.as_ref(),
            row.caller.caller_type.as_ref(),
        ] {
            self.text(text.map(|text| &**text));
        }
        self.text(session_account(row));
    }

    fn inherited(&mut self, session: &Session) {
        let (row, origin) = (&session.issuance, &session.origin);
        for text in [
            &row.record.event_name,
            &row.record.source_ip_address,
            &row.session.role_arn,
            &row.session.session_arn,
            &row.session.source_identity,
            &origin.arn,
            &origin.name,
            &origin.account_id,
            &origin.principal_id,
            &origin.identity_provider,
            &origin.access_key_id,
            &origin.source_ip_address,
            &origin.user_agent,
        ] {
            self.text(text.as_deref());
        }
        self.text(Some(&origin.event_id));
        self.number(origin.event_time.0);
        self.number(origin.origin_type as i64);
        self.number(session.link.gap_reason.map_or(-1, |reason| reason as i64));
        self.number(session.link.evidence.map_or(-1, |evidence| evidence as i64));
        self.flags(&[
            Some(origin.known),
            Some(session.effective_tags_known),
            session.origin_mfa,
            row.mfa.session_mfa,
        ]);
        self.tags(&session.effective_tags);
        self.texts(&session.effective_transitive_tag_keys);
    }

    fn hop(&mut self, hop: &Hop) {
        self.text(Some(&hop.event_id));
        self.number(hop.event_time.0);
        for text in [
            &hop.event_name,
            &hop.access_key_id,
            &hop.role_arn,
            &hop.account_id,
            &hop.session_arn,
            &hop.source_ip_address,
        ] {
            self.text(text.as_deref());
        }
        self.flags(&[hop.session_mfa]);
        self.number(hop.link_evidence.map_or(-1, |evidence| evidence as i64));
    }

    fn text(&mut self, text: Option<&str>) {
        self.number(text.map_or(-1, |text| text.len() as i64));
        (self.write)(text.unwrap_or_default().as_bytes());
    }

    fn texts(&mut self, texts: &[Text]) {
        self.number(texts.len() as i64);
        texts.iter().for_each(|text| self.text(Some(text)));
    }

    fn tags(&mut self, tags: &TagMap) {
        self.number(tags.len() as i64);
        for (key, value) in tags {
            self.text(Some(key));
            self.text(Some(value));
        }
    }

    fn number(&mut self, number: i64) {
        (self.write)(&number.to_le_bytes());
    }

    fn flags(&mut self, flags: &[Option<bool>]) {
        for flag in flags {
            (self.write)(&[flag.map_or(2, u8::from)]);
        }
    }
}
