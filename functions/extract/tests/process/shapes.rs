//! Every shape in which an object is announced ends in the same lake.

use serde_json::Value;
use trailback_harness::deployment::TRAIL;
use trailback_harness::notices::{
    event_bridge, queued, s3_notification, sns_envelope, sns_to_lambda, test_event, trail_notice,
};
use trailback_harness::runtime_api::Answer;

use crate::room::{LOGS, deployed, expected, holding, linked, metrics, returned};

/// How an object is announced, and whether through a queue.
type Shape = (&'static str, fn(&str) -> Value, bool);

const SHAPES: [Shape; 12] = [
    (
        "S3 in a queue",
        |key| in_queue(&s3_notification(TRAIL, key)),
        true,
    ),
    (
        "S3 by SNS in a queue",
        |key| in_queue(&by_sns(&s3_notification(TRAIL, key))),
        true,
    ),
    (
        "EventBridge in a queue",
        |key| in_queue(&created(key)),
        true,
    ),
    (
        "EventBridge by SNS in a queue",
        |key| in_queue(&by_sns(&created(key))),
        true,
    ),
    (
        "the trail's notice in a queue",
        |key| in_queue(&trail_notice(TRAIL, &[key])),
        true,
    ),
    (
        "the trail's notice by SNS in a queue",
        |key| in_queue(&by_sns(&trail_notice(TRAIL, &[key]))),
        true,
    ),
    ("S3 straight", |key| s3_notification(TRAIL, key), false),
    ("EventBridge straight", created, false),
    (
        "the trail's notice straight",
        |key| trail_notice(TRAIL, &[key]),
        false,
    ),
    (
        "S3 by SNS straight",
        |key| sns_to_lambda(&s3_notification(TRAIL, key).to_string()),
        false,
    ),
    (
        "EventBridge by SNS straight",
        |key| sns_to_lambda(&created(key).to_string()),
        false,
    ),
    (
        "the trail's notice by SNS straight",
        |key| sns_to_lambda(&trail_notice(TRAIL, &[key]).to_string()),
        false,
    ),
];

fn in_queue(body: &Value) -> Value {
    queued([("message", &*body.to_string())])
}

fn by_sns(message: &Value) -> Value {
    sns_envelope(&message.to_string())
}

fn created(object_key: &str) -> Value {
    event_bridge("Object Created", TRAIL, object_key)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_ends_in_the_same_lake() {
    let mut room = holding(&LOGS);
    for ((key, _), (name, announce, is_queued)) in LOGS.iter().zip(SHAPES.iter().cycle()) {
        let answer = room.deliver(&announce(key)).await;
        let acknowledged = if *is_queued {
            serde_json::json!({"batchItemFailures": []})
        } else {
            Value::Null
        };
        assert_eq!(
            answer,
            Answer::Response(acknowledged),
            "{name}: {:?}",
            room.lines().await
        );
    }
    assert!(LOGS.len() >= SHAPES.len());
    assert!(linked(&room).await == expected(&LOGS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_with_every_kind_of_character_are_found() {
    let awkward = |number: usize, key: &str| format!("/Ümläut +%41%2B&=?#/../a//./{number} {key}");
    let is_read = |log: &&(String, Vec<u8>)| log.0.contains("_CloudTrail_");
    let logs: Vec<_> = LOGS
        .iter()
        .filter(is_read)
        .take(SHAPES.len())
        .enumerate()
        .map(|(number, (key, content))| (awkward(number, key), content.clone()))
        .collect();
    let mut room = holding(&logs);
    for ((key, _), (_, announce, _)) in logs.iter().zip(&SHAPES) {
        room.deliver(&announce(key)).await;
        assert_eq!(metrics(&mut room).await["LogObjectsExtracted"], 1, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_announces_nothing_is_acknowledged_and_touches_nothing() {
    let mut room = deployed(&[]);
    let bodies = [
        ("test", test_event(TRAIL).to_string()),
        ("test by SNS", by_sns(&test_event(TRAIL)).to_string()),
        ("validation", "CloudTrail validation message.".to_owned()),
        (
            "deleted",
            event_bridge("Object Deleted", TRAIL, "a.json.gz").to_string(),
        ),
    ];
    let batch = queued(bodies.iter().map(|(id, body)| (*id, &**body)));
    assert!(returned(&room.deliver(&batch).await).is_empty());
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["Messages"], 4);
    assert_eq!(metrics["NoticesPassedOver"], 4);
    assert_eq!(metrics["LogObjects"], 0);
    assert!(room.s3.requests().is_empty());
}
