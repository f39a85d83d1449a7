//! The copies of a call: one, or one in each account that takes part.

use super::Entry;
use crate::Text;
use crate::caller::{Caller, Identity, Inheritance, Standing, furthest};
use crate::json;
use crate::record::Record;
use crate::world::World;

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

impl World {
    pub(super) fn send_copies(
        &mut self,
        entry: &Entry<'_>,
        key: Option<&str>,
        request_id: &str,
    ) -> Sent {
        let whole = entry.caller.identity.to_json(key);
        let mut sending = Sending {
            record: Record {
                // The sign-in page makes no requests of an API.
                request_id: (entry.record.event_type != "AwsConsoleSignIn").then_some(request_id),
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
}

struct Sending<'a> {
    record: Record<'a>,
    addendum: Option<&'a Addendum>,
}

#[derive(Clone)]
pub(super) struct OwnersRow {
    pub(super) event_id: Text,
    pub(super) recipient: Text,
    pub(super) seconds_apart: i64,
}

/// The copies of a call that are delivered.
pub(super) struct Sent {
    pub(super) event_id: Text,
    pub(super) event_ids: Vec<Text>,
    pub(super) recipient: Text,
    /// Only the owner's copy is delivered.
    pub(super) only_foreign: bool,
    pub(super) owners_row: Option<OwnersRow>,
}

impl Sent {
    pub(super) fn one(event_id: Text, recipient: &Text) -> Self {
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
    pub(super) fn standing_tags(&self, caller: &Caller) -> Inheritance {
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

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Delayed => "DELIVERY_DELAY",
            Self::Updated { .. } => "UPDATED_DATA",
        }
    }

    pub(super) fn original(&self) -> Option<Text> {
        match self {
            Self::Delayed => None,
            Self::Updated { original, .. } => Some(original.clone()),
        }
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

pub(super) fn foreign_standing(identity: &Identity) -> Standing {
    Standing::Gap("caller_copy_missing", furthest(&foreign(identity)))
}
