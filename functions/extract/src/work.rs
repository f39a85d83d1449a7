//! What an invocation has to do, and which of its messages may go when it is done.
//!
//! A message may go when all that it names is safe: stored, or known to need nothing. An object that several messages
//! name is read once and speaks for all of them.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use trailback_operation::invocation::Failure;

use crate::notification::{Delivery, NamedObject};

/// The objects of a delivery, each once, and who named them.
#[derive(Debug)]
pub(crate) struct Work {
    /// What is named, each object once, in the order of the names.
    pub(crate) objects: Vec<NamedObject>,
    is_batch: bool,
    messages: Vec<Waiting>,
}

/// A message that waits for its objects.
#[derive(Debug)]
struct Waiting {
    id: Option<String>,
    /// Places in [`Work::objects`].
    objects: Vec<usize>,
    is_at_fault: bool,
}

/// What Lambda is told: `null`, or which messages of the batch to try again.
pub(crate) type Answer = Option<SqsBatchResponse>;

impl Work {
    /// The work of a delivery.
    pub(crate) fn of(delivery: Delivery) -> Work {
        let mut places = BTreeMap::new();
        for named in delivery.messages.iter().flat_map(|message| &message.named) {
            let is_known = places.entry(identity(named)).or_insert((0, named));
            // One notice may tell more of an object than another.
            is_known.1 = is_known.1.max(named);
        }
        let mut objects = Vec::with_capacity(places.len());
        for (place, named) in places.values_mut() {
            *place = objects.len();
            objects.push(named.clone());
        }
        let waiting = |message: &crate::notification::Message| Waiting {
            id: message.id.clone(),
            objects: message
                .named
                .iter()
                .map(|named| places[&identity(named)].0)
                .collect(),
            is_at_fault: !message.faults.is_empty(),
        };
        let messages = delivery.messages.iter().map(waiting).collect();
        Work {
            objects,
            is_batch: delivery.is_batch,
            messages,
        }
    }

    /// How many messages may not go, given which of the objects are safe.
    pub(crate) fn returned(&self, is_safe: &[bool]) -> usize {
        self.messages
            .iter()
            .filter(|message| !message.may_go(is_safe))
            .count()
    }

    /// How many messages there are.
    pub(crate) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// What Lambda is to be told, given which of the objects are safe.
    ///
    /// # Errors
    ///
    /// Where single messages cannot be returned, the invocation fails, and all of it is tried again.
    pub(crate) fn answer(&self, is_safe: &[bool]) -> Result<Answer, Failure> {
        let returned = self
            .messages
            .iter()
            .filter(|message| !message.may_go(is_safe));
        if !self.is_batch {
            return match returned.count() {
                0 => Ok(None),
                _ => Err(self.incomplete(is_safe)),
            };
        }
        let mut response = SqsBatchResponse::default();
        for message in returned {
            let mut failure = BatchItemFailure::default();
            // An answer with an empty ID fails the batch too, but in words that say nothing.
            failure.item_identifier = message.id.clone().ok_or_else(without_id)?;
            response.batch_item_failures.push(failure);
        }
        Ok(Some(response))
    }

    fn incomplete(&self, is_safe: &[bool]) -> Failure {
        let unsafe_objects = is_safe.iter().filter(|is_safe| !**is_safe).count();
        let is_at_fault = self.messages.iter().any(|message| message.is_at_fault);
        let fault = if is_at_fault {
            ", and the notification is not all understood"
        } else {
            ""
        };
        let all = self.objects.len();
        let told = format!(
            "{unsafe_objects} of {all} log objects are not stored{fault}; the log names each with its reason"
        );
        Failure::new("Incomplete", told)
    }
}

fn without_id() -> Failure {
    Failure::new(
        "MessageWithoutId",
        "a message of the queue has no messageId and cannot be returned alone; the whole batch is",
    )
}

impl Waiting {
    fn may_go(&self, is_safe: &[bool]) -> bool {
        !self.is_at_fault && self.objects.iter().all(|place| is_safe[*place])
    }
}

/// What makes an object the same.
fn identity(named: &NamedObject) -> (&str, &str, Option<&str>) {
    (
        &named.bucket,
        &named.object_key,
        named.version_id.as_deref(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::notification::{Fault, Message};

    fn named(object_key: &str) -> NamedObject {
        NamedObject {
            bucket: "b".to_owned(),
            object_key: object_key.to_owned(),
            ..NamedObject::default()
        }
    }

    fn message(id: &str, object_keys: &[&str]) -> Message {
        Message {
            id: Some(id.to_owned()),
            named: object_keys.iter().map(|key| named(key)).collect(),
            passed_over: u64::from(object_keys.is_empty()),
            faults: Vec::new(),
        }
    }

    fn batch(messages: Vec<Message>) -> Work {
        Work::of(Delivery {
            is_batch: true,
            messages,
        })
    }

    fn returned(work: &Work, is_safe: &[bool]) -> Vec<String> {
        let answer = work.answer(is_safe).unwrap().unwrap();
        let ids = answer.batch_item_failures.into_iter();
        ids.map(|failure| failure.item_identifier).collect()
    }

    #[test]
    fn an_object_that_several_messages_name_is_read_once() {
        let work = batch(vec![
            message("1", &["a", "b"]),
            message("2", &["b"]),
            message("3", &["c"]),
        ]);
        assert_eq!(work.objects, ["a", "b", "c"].map(named));
        assert_eq!(returned(&work, &[true, false, true]), ["1", "2"]);
        assert_eq!(returned(&work, &[true, true, false]), ["3"]);
        assert!(returned(&work, &[true; 3]).is_empty());
    }

    #[test]
    fn versions_of_one_key_are_different_objects() {
        let version = |id: &str| NamedObject {
            version_id: Some(id.to_owned()),
            ..named("a")
        };
        let of = |id: &str, version_id| Message {
            named: vec![version(version_id)],
            ..message(id, &[])
        };
        let work = batch(vec![of("1", "v1"), of("2", "v2")]);
        assert_eq!(work.objects.len(), 2);
        assert_eq!(returned(&work, &[false, true]), ["1"]);
    }

    #[test]
    fn what_any_notice_tells_of_an_object_is_kept() {
        let sized = NamedObject {
            size_bytes: Some(7),
            ..named("a")
        };
        let with_size = Message {
            named: vec![sized.clone()],
            ..message("2", &[])
        };
        let work = batch(vec![message("1", &["a"]), with_size, message("3", &["a"])]);
        assert_eq!(work.objects, [sized]);
    }

    #[test]
    fn a_message_at_fault_is_returned_and_names_its_objects_all_the_same() {
        let mut faulty = message("1", &["a"]);
        faulty.faults.push(Fault::NotJson);
        let work = batch(vec![faulty, message("2", &["a"])]);
        assert_eq!(work.objects.len(), 1);
        assert_eq!(returned(&work, &[true]), ["1"]);
    }

    #[test]
    fn what_names_nothing_may_go() {
        assert!(returned(&batch(vec![message("1", &[])]), &[]).is_empty());
    }

    #[test]
    fn what_came_straight_fails_as_a_whole() {
        let straight = |messages| {
            Work::of(Delivery {
                is_batch: false,
                messages,
            })
        };
        let work = straight(vec![Message {
            id: None,
            ..message("", &["a", "b"])
        }]);
        assert_eq!(work.answer(&[true, true]).unwrap(), None);
        let failure = work.answer(&[true, false]).unwrap_err().to_string();
        assert!(
            failure.contains("1 of 2 log objects are not stored;"),
            "{failure}"
        );
        let faulty = Message {
            id: None,
            faults: vec![Fault::NotJson],
            ..Message::default()
        };
        let failure = straight(vec![faulty]).answer(&[]).unwrap_err().to_string();
        assert!(
            failure.contains("the notification is not all understood"),
            "{failure}"
        );
    }

    #[test]
    fn a_message_without_an_id_cannot_be_returned_alone() {
        let work = batch(vec![Message {
            id: None,
            ..message("", &["a"])
        }]);
        assert_eq!(
            work.answer(&[true]).unwrap(),
            Some(SqsBatchResponse::default())
        );
        assert!(
            work.answer(&[false])
                .unwrap_err()
                .to_string()
                .contains("has no messageId")
        );
    }

    proptest! {
        #[test]
        fn exactly_the_messages_whose_objects_are_not_safe_are_returned(
            messages in prop::collection::vec(prop::collection::vec("[a-e]", 0..4), 1..8),
            safe_keys in prop::collection::btree_set("[a-e]", 0..6),
        ) {
            let delivered = messages.iter().zip(0..).map(|(keys, number): (_, u32)| {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                message(&number.to_string(), &keys)
            });
            let work = batch(delivered.collect());
            let is_safe: Vec<bool> = work.objects.iter().map(|named| safe_keys.contains(&named.object_key)).collect();
            let expected = messages.iter().zip(0_u32..).filter(|(keys, _)| !keys.iter().all(|key| safe_keys.contains(key)));
            let expected: Vec<String> = expected.map(|(_, number)| number.to_string()).collect();
            prop_assert_eq!(work.returned(&is_safe), expected.len());
            prop_assert_eq!(returned(&work, &is_safe), expected);
            let distinct: BTreeSet<&String> = messages.iter().flatten().collect();
            prop_assert_eq!(work.objects.len(), distinct.len());
        }
    }
}
