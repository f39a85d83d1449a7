//! What an invocation says: nothing is silently acknowledged, nothing secret is repeated, and the same message names the same
//! objects straight, through a queue, and in an envelope of SNS.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use trailback_fuzz as _;

/// The reader is a room of a function, which is a program and no library: it is taken in as it stands there.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../functions/extract/src"]
mod extract {
    pub(crate) mod notification;
}

use extract::notification::{Delivery, Fault, Message, read};

/// More of an unknown message is never told, in bytes.
const TOLD_MAX: usize = 8_000;

fuzz_target!(|payload: &[u8]| {
    let straight = read(payload);
    check(&straight);
    let Ok(text) = std::str::from_utf8(payload) else {
        return;
    };
    let queued = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m-1", "body": text}]});
    let queued = read_value(&queued);
    assert!(queued.is_batch && queued.messages.len() == 1);
    assert_eq!(queued.messages[0].id.as_deref(), Some("m-1"));
    let envelope = json!({"Type": "Notification", "Message": text});
    let enveloped = read_value(&envelope);
    if enveloped.messages[0].faults.contains(&Fault::TooDeep) {
        return;
    }
    check_same(&queued.messages[0], &enveloped.messages[0]);
    // A queue's own batch lies in no queue, and the words by which a trail tries a topic are no JSON.
    let is_plain = !straight.is_batch && serde_json::from_str::<Value>(text).is_ok();
    if is_plain {
        check_same(&queued.messages[0], &straight.messages[0]);
    }
});

fn read_value(payload: &Value) -> Delivery {
    let delivery = read(payload.to_string().as_bytes());
    check(&delivery);
    delivery
}

fn check(delivery: &Delivery) {
    assert!(!delivery.messages.is_empty());
    for message in &delivery.messages {
        let says = message.named.len() as u64 + message.passed_over + message.faults.len() as u64;
        assert!(says > 0);
        for named in &message.named {
            assert!(!named.bucket.is_empty() && !named.object_key.is_empty());
        }
        for fault in &message.faults {
            let told = fault.to_string();
            assert!(
                told.len() < TOLD_MAX && !told.contains(char::is_control),
                "{told:?}"
            );
        }
    }
}

fn check_same(a: &Message, b: &Message) {
    assert_eq!(
        (&a.named, a.passed_over, &a.faults),
        (&b.named, b.passed_over, &b.faults)
    );
}
