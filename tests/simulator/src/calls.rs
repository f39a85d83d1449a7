//! Calls that hand out credentials: their records, and the truth about them.

pub(crate) mod assume_role;
pub(crate) mod certificate;
pub(crate) mod cognito;
pub(crate) mod federation;
pub(crate) mod sign_in;
pub(crate) mod token;
pub(crate) mod witness;

use std::rc::Rc;

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

/// Which copies of the record there are.
pub(crate) enum Copies {
    /// One, in this account.
    One(Text),
    /// One, in this account, with a `sharedEventID`: a service's call.
    Shared(Text),
    /// The caller's and the owner's; those of accounts outside the organisation are not delivered.
    Twins {
        caller: Text,
        owner: Text,
        /// The owner's copy is dated this many seconds later, so that it is a row of its own.
        seconds_apart: i64,
    },
}

/// What a record says of being no ordinary one.
#[derive(Clone)]
pub(crate) enum Addendum {
    /// Delivered late.
    Delayed,
    /// Corrects the record with this event ID.
    Updated { original: Text, request_id: Text },
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

/// The tags of a session, as its issuing record and those before it tell.
pub(crate) struct EffectiveTags {
    all: Tags,
    known: bool,
    transitive_keys: Vec<Text>,
    pub(crate) passed_on: Inheritance,
}

impl EffectiveTags {
    /// Rule L8.
    pub(crate) fn of(caller: &Inheritance, facts: &Facts) -> Self {
        let (inherited, known) = match &facts.inherited_tags {
            Some(logged) => (logged, true),
            None => (&caller.seen, caller.known),
        };
        let with_own = |inherited: &Tags| {
            let mut all = inherited.clone();
            all.extend(facts.session_tags.clone());
            all
        };
        let own_transitive = |all: &Tags, inherited: &Tags| -> Tags {
            let passes =
                |key: &Text| inherited.contains_key(key) || facts.transitive_tag_keys.contains(key);
            let passing = all.iter().filter(|(key, _)| passes(key));
            passing
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        // A console session is the session it was made from: all tags stay in force, the same ones pass on.
        let is_console = facts.session_type == "Console" && facts.inherited_tags.is_none();
        let all = with_own(if is_console {
            &caller.in_force
        } else {
            inherited
        });
        let seen = own_transitive(&all, inherited);
        let mut transitive_keys: Vec<Text> = inherited.keys().cloned().collect();
        transitive_keys.extend(facts.transitive_tag_keys.iter().cloned());
        transitive_keys.sort();
        transitive_keys.dedup();
        Self {
            passed_on: Inheritance {
                actual: own_transitive(&with_own(&caller.actual), &caller.actual),
                seen,
                in_force: all.clone(),
                known,
            },
            all,
            known,
            transitive_keys,
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

    fn send_copies(&mut self, entry: &Entry<'_>, key: Option<&str>, request_id: &str) -> Sent {
        let whole = entry.caller.identity.to_json(key);
        let mut sending = Sending {
            record: Record {
                request_id: Some(request_id),
                ..entry.record
            },
            addendum: entry.addendum.as_ref(),
        };
        match &entry.delivery {
            Copies::One(account) => {
                sending.record.identity = &whole;
                Sent::one(self.send_copy(&sending, account, None), account)
            }
            Copies::Shared(account) => {
                sending.record.identity = &whole;
                let shared = self.dice.guid();
                Sent::one(self.send_copy(&sending, account, Some(&shared)), account)
            }
            Copies::Twins {
                caller,
                owner,
                seconds_apart,
            } => {
                let shared = self.dice.guid();
                let foreign = foreign_identity(&entry.caller.identity);
                sending.record.identity = &whole;
                let ours = self
                    .is_logged(caller)
                    .then(|| self.send_copy(&sending, caller, Some(&shared)));
                sending.record.identity = &foreign;
                sending.record.time += seconds_apart;
                let theirs = self
                    .is_logged(owner)
                    .then(|| self.send_copy(&sending, owner, Some(&shared)));
                Sent::twins(ours, theirs, caller, owner, *seconds_apart != 0)
            }
        }
    }

    fn is_logged(&self, account_id: &Text) -> bool {
        let accounts = &self.organisation.accounts;
        accounts
            .iter()
            .any(|account| account.id == *account_id && account.logged)
    }

    fn send_copy(&mut self, sending: &Sending<'_>, account: &str, shared: Option<&str>) -> Text {
        let event_id = self.dice.guid();
        let addendum = sending.addendum.map(Addendum::to_json);
        let mut json = String::with_capacity(2_048);
        let record = Record {
            event_id: &event_id,
            recipient: account,
            shared_event_id: shared,
            addendum: addendum.as_deref(),
            ..sending.record
        };
        record.write(&mut json);
        if sending.addendum.is_some() {
            self.send_late(account, record.region, record.time, &json);
        } else {
            self.send(account, record.region, record.time, &json);
        }
        self.tally.issuing_records += 1;
        event_id
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
        let first_hop_mfa = either(entry.facts.session_mfa, entry.facts.caller_mfa);
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

struct Sending<'a> {
    record: Record<'a>,
    addendum: Option<&'a Addendum>,
}

#[derive(Clone)]
struct OwnersRow {
    event_id: Text,
    recipient: Text,
    seconds_apart: i64,
}

/// The copies of a call that are delivered.
struct Sent {
    event_id: Text,
    event_ids: Vec<Text>,
    recipient: Text,
    /// Only the owner's copy is delivered.
    only_foreign: bool,
    owners_row: Option<OwnersRow>,
}

impl Sent {
    fn one(event_id: Text, recipient: &Text) -> Self {
        Self {
            event_ids: vec![event_id.clone()],
            event_id,
            recipient: recipient.clone(),
            only_foreign: false,
            owners_row: None,
        }
    }

    fn twins(
        ours: Option<Text>,
        theirs: Option<Text>,
        caller: &Text,
        owner: &Text,
        apart: bool,
    ) -> Self {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) if apart => Self {
                owners_row: Some(OwnersRow {
                    event_id: theirs,
                    recipient: owner.clone(),
                    seconds_apart: 1,
                }),
                ..Self::one(ours, caller)
            },
            (Some(ours), Some(theirs)) => {
                let mut event_ids = vec![ours.clone(), theirs];
                event_ids.sort();
                Self {
                    event_ids,
                    ..Self::one(ours, caller)
                }
            }
            (Some(ours), None) => Self::one(ours, caller),
            (None, theirs) => Self {
                only_foreign: true,
                ..Self::one(theirs.unwrap_or_else(|| "".into()), owner)
            },
        }
    }

    /// What the logs tell of the tags that the caller passes on.
    fn standing_tags(&self, caller: &Caller) -> Inheritance {
        if self.only_foreign {
            return Inheritance {
                actual: caller.tags.actual.clone(),
                ..Inheritance::default()
            };
        }
        caller.tags.clone()
    }
}

impl Addendum {
    fn to_json(&self) -> String {
        json::object(|members| {
            members.text("reason", self.reason());
            if let Self::Updated {
                original,
                request_id,
            } = self
            {
                members.text("updatedFields", "responseElements,requestParameters");
                members.text("originalRequestID", request_id);
                members.text("originalEventID", original);
            }
        })
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Delayed => "DELIVERY_DELAY",
            Self::Updated { .. } => "UPDATED_DATA",
        }
    }

    fn original(&self) -> Option<Text> {
        match self {
            Self::Delayed => None,
            Self::Updated { original, .. } => Some(original.clone()),
        }
    }
}

fn either(first: Option<bool>, second: Option<bool>) -> Option<bool> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first || second),
        (first, second) => first.or(second),
    }
}

/// The caller as the other account sees it: account and principal, no more.
fn foreign(identity: &Identity) -> Identity {
    Identity {
        kind: "AWSAccount",
        principal_id: identity.principal_id.clone(),
        account_id: identity.account_id.clone(),
        ..Identity::default()
    }
}

fn foreign_identity(identity: &Identity) -> String {
    foreign(identity).to_json(None)
}

fn foreign_standing(identity: &Identity) -> Standing {
    Standing::Gap("caller_copy_missing", furthest(&foreign(identity)))
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
