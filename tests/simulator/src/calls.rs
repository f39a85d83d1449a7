//! Calls that hand out credentials: their records, and the truth about them.

pub(crate) mod assume_role;
pub(crate) mod certificate;
pub(crate) mod cognito;
mod copies;
mod effective_tags;
pub(crate) mod federation;
pub(crate) mod sign_in;
pub(crate) mod token;
pub(crate) mod witness;

use std::rc::Rc;

pub(crate) use copies::{Addendum, Copies};
use copies::{OwnersRow, Sent, foreign_standing};
use effective_tags::EffectiveTags;

use crate::Text;
use crate::calendar::expiration;
use crate::caller::{Ancestor, Caller, Hops, Identity, Inheritance, Keys, Standing, furthest};
use crate::dice::Dice;
use crate::json;
use crate::record::Record;
use crate::truth::{Facts, LinkTruth, OriginTruth, Tags, Truth};
use crate::world::World;

/// The start of every session token in the records: no output of a reader of these logs may hold it.
pub const SESSION_TOKEN_START: &str = "IQoJb3JpZ2luX2Vj";

/// One issuing call or witness about to be recorded.
pub(crate) struct Entry<'a> {
    pub(crate) scenario: &'static str,
    pub(crate) caller: &'a Caller,
    /// What the calls share; IDs, identity and accounts are filled in.
    pub(crate) record: Record<'a>,
    pub(crate) facts: Facts,
    /// The source identity of the session.
    pub(crate) source_identity: Option<Text>,
    pub(crate) delivery: Copies,
    pub(crate) addendum: Option<Addendum>,
}

/// A session that was handed out.
#[derive(Clone)]
pub(crate) struct Grant {
    /// Seconds since 1970: the session's creation date.
    pub(crate) at: i64,
    pub(crate) ancestor: Ancestor,
    /// Under which the session makes calls.
    pub(crate) identity: Identity,
    pub(crate) account_number: u64,
    /// As logged.
    pub(crate) access_key_id: Option<Text>,
    pub(crate) tags: Inheritance,
    pub(crate) source_identity: Option<Text>,
    pub(crate) expires_at: i64,
    pub(crate) address: Text,
    pub(crate) agent: Text,
}

impl Grant {
    /// The session in use with the key that was logged.
    pub(crate) fn by_key(&self) -> Caller {
        let key = self.access_key_id.clone();
        self.caller("issued_key", key.map_or(Keys::Unlogged, Keys::Fixed))
    }

    /// The session in use with fresh keys that were never logged as issued.
    pub(crate) fn by_context(&self) -> Caller {
        let account_number = self.account_number;
        self.caller("session_context", Keys::Fresh { account_number })
    }

    fn caller(&self, evidence: &'static str, keys: Keys) -> Caller {
        self.among(&[self], evidence, keys)
    }

    /// This session in use, where the logs allow for every one of `candidates`.
    pub(crate) fn among(
        &self,
        candidates: &[&Grant],
        evidence: &'static str,
        keys: Keys,
    ) -> Caller {
        let ancestors: Vec<&Ancestor> = candidates.iter().map(|one| &one.ancestor).collect();
        let standing = Standing::among(&ancestors, evidence, furthest(&self.identity));
        let agreed = candidates
            .iter()
            .all(|one| one.tags.known && one.tags.seen == self.tags.seen);
        let linked = standing.lineage().is_some();
        Caller {
            identity: self.identity.clone(),
            keys,
            standing,
            tags: Inheritance {
                actual: self.tags.actual.clone(),
                known: agreed && linked,
                ..if agreed && linked {
                    self.tags.clone()
                } else {
                    Inheritance {
                        actual: self.tags.actual.clone(),
                        ..Inheritance::default()
                    }
                }
            },
            source_identity: self.source_identity.clone(),
            in_use: None,
            from_console: false,
            address: self.address.clone(),
            agent: self.agent.clone(),
            expires_at: self.expires_at,
        }
    }
}

/// What the world keeps of a recorded call.
pub(crate) struct Recorded {
    ancestor: Ancestor,
    tags: Inheritance,
    source_identity: Option<Text>,
    address: Text,
    agent: Text,
}

/// Credentials as they were handed out.
pub(crate) struct Issued {
    pub(crate) at: i64,
    pub(crate) expires_at: i64,
    pub(crate) account_number: u64,
    pub(crate) access_key_id: Option<Text>,
}

impl Recorded {
    /// The session that makes calls as `identity`.
    pub(crate) fn grant(self, issued: Issued, identity: Identity) -> Grant {
        Grant {
            at: issued.at,
            ancestor: self.ancestor,
            identity,
            account_number: issued.account_number,
            access_key_id: issued.access_key_id,
            tags: self.tags,
            source_identity: self.source_identity,
            expires_at: issued.expires_at,
            address: self.address,
            agent: self.agent,
        }
    }
}

impl World {
    /// Records one issuing call: sends its copies and tells the truth about it.
    pub(crate) fn issue(&mut self, entry: Entry<'_>) -> Recorded {
        let key = self.key_of(entry.caller);
        self.issue_with_key(entry, key)
    }

    /// As [`issue`](Self::issue), with a key that the caller has chosen already.
    pub(crate) fn issue_with_key(&mut self, entry: Entry<'_>, key: Option<Text>) -> Recorded {
        let request_id = match &entry.addendum {
            Some(Addendum::Updated { request_id, .. }) => request_id.clone(),
            _ => self.dice.guid(),
        };
        let sent = self.send_copies(&entry, key.as_deref(), &request_id);
        let tags = EffectiveTags::of(&sent.standing_tags(entry.caller), &entry.facts);
        let passed_on = tags.passed_on.clone();
        let (source_identity, caller) = (entry.source_identity.clone(), entry.caller);
        let ancestor = self.tell(entry, key, sent, tags);
        Recorded {
            ancestor: Ancestor {
                request_id,
                ..ancestor
            },
            tags: passed_on,
            source_identity,
            address: caller.address.clone(),
            agent: caller.agent.clone(),
        }
    }

    /// The truth about a call whose copies were sent.
    fn tell(
        &mut self,
        mut entry: Entry<'_>,
        key: Option<Text>,
        sent: Sent,
        tags: EffectiveTags,
    ) -> Ancestor {
        if let Some(copy) = &sent.owners_row {
            self.tell_owners_copy(&entry, copy);
        }
        let foreign = sent
            .only_foreign
            .then(|| foreign_standing(&entry.caller.identity));
        let (standing, key) = match &foreign {
            Some(standing) => (standing, None),
            None => (&entry.caller.standing, key),
        };
        let session = entry.caller.identity.session.as_ref();
        entry.facts.caller_mfa = session
            .filter(|_| foreign.is_none())
            .map(|session| session.mfa);
        let told_mfa = either(entry.facts.session_mfa, entry.facts.caller_mfa);
        let first_hop_mfa = told_mfa.filter(|mfa| entry.caller.identity.tells_mfa(*mfa));
        let link = standing.of_call(&sent.event_id, key, first_hop_mfa);
        let ancestor = Ancestor {
            event_id: sent.event_id.clone(),
            request_id: "".into(),
            access_key_id: entry.facts.access_key_id.clone(),
            depth: link.chain_depth,
            origin: Rc::new(link.origin.clone()),
            origin_mfa: link.origin_mfa,
            hops: Hops::after(standing.lineage(), sent.event_id.clone()),
        };
        self.add_row(&entry, sent, link, tags);
        ancestor
    }

    /// An owner's copy that fell into another second is a row of its own, and names nobody.
    fn tell_owners_copy(&mut self, entry: &Entry<'_>, copy: &OwnersRow) {
        let unseen = Inheritance {
            actual: entry.caller.tags.actual.clone(),
            ..Inheritance::default()
        };
        let tags = EffectiveTags::of(&unseen, &entry.facts);
        let link = foreign_standing(&entry.caller.identity).of_call(&copy.event_id, None, None);
        let sent = Sent::one(copy.event_id.clone(), &copy.recipient);
        self.add_row(entry, sent, link, tags);
        if let Some(row) = self.truths.last_mut() {
            row.event_time += copy.seconds_apart;
        }
    }

    fn add_row(&mut self, entry: &Entry<'_>, sent: Sent, link: LinkTruth, tags: EffectiveTags) {
        self.tally.calls += 1;
        *self.tally.scenarios.entry(entry.scenario).or_default() += 1;
        self.truths.push(Truth {
            scenario: entry.scenario,
            event_id: sent.event_id,
            event_ids: sent.event_ids,
            event_time: entry.record.time,
            event_name: entry.record.name,
            recipient_account_id: sent.recipient,
            replaces_event_id: entry.addendum.as_ref().and_then(Addendum::original),
            addendum_reason: entry.addendum.as_ref().map(Addendum::reason),
            facts: entry.facts.clone(),
            link,
            effective_tags: tags.all,
            effective_transitive_tag_keys: tags.transitive_keys,
            effective_tags_known: tags.known,
            source_identity: entry.source_identity.clone(),
        });
    }
}

fn either(first: Option<bool>, second: Option<bool>) -> Option<bool> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first || second),
        (first, second) => first.or(second),
    }
}

/// A session token: long, secret-looking, dropped by every careful reader.
fn session_token(dice: &mut Dice) -> String {
    let mut token = String::from(SESSION_TOKEN_START);
    let count = dice.between(380, 900) as usize;
    dice.push_base64(&mut token, count);
    token.push_str("==");
    token
}

/// `responseElements.credentials`.
fn credentials(dice: &mut Dice, access_key_id: &str, expires_at: i64) -> String {
    let token = session_token(dice);
    json::object(|members| {
        members.text("accessKeyId", access_key_id);
        members.text("sessionToken", &token);
        members.text("expiration", &expiration(expires_at));
    })
}

/// A caller that is its own origin.
pub(crate) fn original(
    identity: Identity,
    keys: Keys,
    origin: OriginTruth,
    address: &Text,
    agent: &str,
) -> Caller {
    Caller {
        identity,
        keys,
        standing: Standing::Origin(origin),
        tags: Inheritance {
            known: true,
            ..Inheritance::default()
        },
        source_identity: None,
        in_use: None,
        from_console: false,
        address: address.clone(),
        agent: agent.into(),
        expires_at: i64::MAX,
    }
}

/// A list of tags as AssumeRole and GetFederationToken log it.
fn tag_list(tags: &Tags) -> String {
    let one = |(key, value): (&Text, &Text)| {
        json::object(|members| {
            members.text("key", key);
            members.text("value", value);
        })
    };
    format!("[{}]", tags.iter().map(one).collect::<Vec<_>>().join(","))
}

/// `resources` of a role, and of whatever vouched for the caller.
fn resources(account_id: &str, role_arn: &str, provider: Option<(&str, &str)>) -> String {
    let one = |kind: &str, arn: &str| {
        json::object(|members| {
            members.text("accountId", account_id);
            members.text("type", kind);
            members.text("ARN", arn);
        })
    };
    let role = one("AWS::IAM::Role", role_arn);
    match provider {
        Some((kind, arn)) => format!("[{role},{}]", one(kind, arn)),
        None => format!("[{role}]"),
    }
}
