//! Exactly the messages whose objects are not safe come back.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;
use trailback_harness::deployment::{Deployment, LAKE, PREFIX, TRAIL};
use trailback_harness::notices::{event_bridge, queued, s3_notification, trail_notice};
use trailback_harness::runtime_api::Answer;

use crate::room::{
    LOGS, announce, announcement, deployed, expected, holding, keys, linked, metrics, packed,
    returned,
};

#[tokio::test(flavor = "multi_thread")]
async fn any_order_grouping_and_repetition_makes_the_same_bytes() {
    let expected = expected(&LOGS).await;
    for seed in 0..4 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut delivered: Vec<&str> = keys(&LOGS).collect();
        let repeated: Vec<&str> = keys(&LOGS).filter(|_| dice.next_u32() % 3 == 0).collect();
        delivered.extend(repeated);
        for place in (1..delivered.len()).rev() {
            delivered.swap(place, dice.next_u32() as usize % (place + 1));
        }
        let mut room = holding(&LOGS);
        let mut rest = &delivered[..];
        while !rest.is_empty() {
            let size = (1 + dice.next_u32() as usize % 12).min(rest.len());
            let (batch, later) = rest.split_at(size);
            assert!(announce(&mut room, batch.iter().copied()).await.is_empty());
            rest = later;
        }
        assert!(linked(&room).await == expected, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_batch_again_finds_its_fragments_there() {
    let mut room = holding(&LOGS);
    assert!(announce(&mut room, keys(&LOGS)).await.is_empty());
    let before = room.lake("");
    let mut backwards: Vec<&str> = keys(&LOGS).collect();
    backwards.reverse();
    assert!(announce(&mut room, backwards).await.is_empty());
    assert!(room.lake("") == before);
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["FragmentsWritten"], 0);
    assert!(metrics["FragmentsPresent"].as_u64().unwrap() > 0);
}

/// Delivers a good object, announced twice, among an unreadable, a cut, a deleted one and a malformed message.
async fn delivered_with_poison() -> (Deployment, Answer) {
    let mut room = holding(&LOGS);
    let good = &LOGS[0].0;
    let gone = good.replace("_CloudTrail_", "_CloudTrail_gone-");
    let poison: [(&str, &[u8]); 2] = [
        (
            "AWSLogs/poison.json.gz",
            b"\x1f\x8b and then nothing sensible",
        ),
        (
            "AWSLogs/cut.json.gz",
            &packed(b"{\"Records\":[{\"eventID\":"),
        ),
    ];
    for (key, content) in poison {
        room.s3.put(TRAIL, key, content);
    }
    let announced = |key: &str| s3_notification(TRAIL, key).to_string();
    let bodies = [
        ("good", announced(good)),
        ("poison", announced("AWSLogs/poison.json.gz")),
        ("cut", announced("AWSLogs/cut.json.gz")),
        (
            "malformed",
            "{\"Records\":[{\"eventSource\":\"aws:s3\"}]}".to_owned(),
        ),
        ("gone", announced(&gone)),
        (
            "good again",
            event_bridge("Object Created", TRAIL, good).to_string(),
        ),
    ];
    let batch = queued(bodies.iter().map(|(id, body)| (*id, &**body)));
    let answer = room.deliver(&batch).await;
    (room, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_object_or_message_fails_alone() {
    let (mut room, answer) = delivered_with_poison().await;
    assert_eq!(returned(&answer), ["poison", "cut", "malformed"]);
    let requests = room.s3.requests();
    let of_good = requests.iter().filter(|request| request.key == LOGS[0].0);
    assert_eq!(of_good.count(), 1);
    let metrics = metrics(&mut room).await;
    for (name, value) in [
        ("Messages", 6),
        ("MessagesReturned", 3),
        ("MessagesUnreadable", 1),
        ("LogObjects", 4),
        ("LogObjectsExtracted", 1),
        ("LogObjectsFailed", 2),
        ("LogObjectsGone", 1),
    ] {
        assert_eq!(metrics[name], value, "{name} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_back_is_named_in_the_log_with_its_reason() {
    let (mut room, _) = delivered_with_poison().await;
    let lines = room.lines().await;
    let line_with = |field: &str, value: &str| {
        let line = lines.iter().find(|line| line[field] == value).expect(value);
        assert_eq!(line["level"], "ERROR");
        assert!(
            line["span"]["requestId"].as_str().unwrap().len() > 30,
            "{line}"
        );
        line
    };
    for key in ["poison", "cut"] {
        let line = line_with("log_object", &format!("s3://trail/AWSLogs/{key}.json.gz"));
        assert!(!line["reason"].as_str().unwrap().is_empty());
    }
    let message = &line_with("message_id", "malformed")["message"];
    assert!(
        message
            .as_str()
            .unwrap()
            .contains("missing field `eventName`"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_several_objects_goes_when_all_are_safe() {
    let mut room = holding(&LOGS[..3]);
    let [first, second, third] = [0, 1, 2].map(|place| &*LOGS[place].0);
    room.s3.put(TRAIL, "AWSLogs/poison.json.gz", b"poison");
    let bodies = [
        ("all", trail_notice(TRAIL, &[first, second]).to_string()),
        (
            "one bad",
            trail_notice(TRAIL, &[third, "AWSLogs/poison.json.gz"]).to_string(),
        ),
    ];
    let batch = queued(bodies.iter().map(|(id, body)| (*id, &**body)));
    assert_eq!(returned(&room.deliver(&batch).await), ["one bad"]);
    // What is good in a message that comes back is stored all the same.
    assert_eq!(metrics(&mut room).await["LogObjectsExtracted"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_log_object_is_acknowledged_unread() {
    let mut room = deployed(&[]);
    let digest = LOGS[0].0.replace("_CloudTrail_", "_CloudTrail-Digest_");
    room.s3.put(TRAIL, &digest, b"a digest");
    assert!(
        announce(&mut room, [&*digest, "AWSLogs/README.md"])
            .await
            .is_empty()
    );
    assert_eq!(
        room.s3
            .requests()
            .iter()
            .filter(|request| request.bucket == TRAIL)
            .count(),
        0
    );
    assert_eq!(metrics(&mut room).await["LogObjectsSkipped"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_outside_of_the_prefix_is_acknowledged_unread() {
    let mut room = deployed(&[("TRAILBACK_TRAIL_PREFIX", "AWSLogs/o-one/")]);
    let (inside, content) = (format!("AWSLogs/o-one/{}", LOGS[0].0), &LOGS[0].1);
    let outside = ["AWSLogs/o-two/a.json.gz", "AWSLogs/o-one-more/b.json.gz"];
    room.s3.put(TRAIL, &inside, content);
    for key in outside {
        room.s3.put(TRAIL, key, b"not to be read");
    }
    let announced = [outside[0], &*inside, outside[1]];
    assert!(announce(&mut room, announced).await.is_empty());
    let requests = room.s3.requests();
    let of_trail = requests.iter().filter(|request| request.bucket == TRAIL);
    let fetched: Vec<&str> = of_trail.map(|request| &*request.key).collect();
    assert_eq!(fetched, [&*inside]);
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["LogObjectsSkipped"], 2);
    assert_eq!(metrics["LogObjectsExtracted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_the_lake_itself_are_refused_and_leave_no_trace() {
    let mut room = holding(&LOGS[..2]);
    assert!(announce(&mut room, keys(&LOGS[..2])).await.is_empty());
    let before = room.lake("");
    let mine: Vec<String> = before.keys().map(|key| format!("{PREFIX}/{key}")).collect();
    // Somebody else's, beside the lake in the same bucket, is a log object like any other.
    room.s3
        .put(LAKE, &format!("{PREFIX}-logs/a.json"), &LOGS[0].1);
    let beside = format!("{PREFIX}-logs/a.json");
    let bodies: Vec<(&str, String)> = mine
        .iter()
        .chain([&beside])
        .map(|key| (&**key, s3_notification(LAKE, key).to_string()))
        .collect();
    let batch = queued(bodies.iter().map(|(id, body)| (*id, &**body)));
    room.s3.clear_plan();
    assert!(returned(&room.deliver(&batch).await).is_empty());
    let requests = room.s3.requests();
    let fetched: Vec<&str> = requests
        .iter()
        .filter(|request| request.operation == "GetObject" && !request.key.ends_with("lake.json"))
        .map(|request| &*request.key)
        .collect();
    assert_eq!(fetched, [&*beside]);
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["LogObjectsSkipped"], mine.len() as u64);
    assert_eq!(metrics["LogObjectsExtracted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_objects_where_the_lake_should_lie_are_not_taken_for_its_own() {
    for place in ["s3://trail", "s3://trail/AWSLogs"] {
        let mut room = deployed(&[("TRAILBACK_LAKE", place)]);
        room.put_logs(&LOGS[..2]);
        let answer = room.deliver(&announcement(keys(&LOGS[..2]))).await;
        let Answer::Error(error) = answer else {
            panic!("{place}: {answer:?}");
        };
        assert_eq!(error.error_type, "LakeUnusable");
    }
    // A lake that was there first shares its place.
    let mut room = deployed(&[("TRAILBACK_LAKE", "s3://trail")]);
    room.s3.put(
        TRAIL,
        "trailback-lake.json",
        br#"{"format":"trailback-lake","layout":1}"#,
    );
    room.put_logs(&LOGS[..2]);
    assert!(announce(&mut room, keys(&LOGS[..2])).await.is_empty());
    assert_eq!(metrics(&mut room).await["LogObjectsExtracted"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_straight_fails_as_a_whole_and_says_so() {
    let mut room = holding(&LOGS[..1]);
    let missing_permission = trail_notice(TRAIL, &[&LOGS[0].0, "AWSLogs/poison.json.gz"]);
    room.s3.put(TRAIL, "AWSLogs/poison.json.gz", b"poison");
    let answer = room.deliver(&missing_permission).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.error_type, "Incomplete");
    assert!(
        error
            .error_message
            .contains("1 of 2 log objects are not stored"),
        "{error:?}"
    );
    let answer = room.deliver(&json!({"hello": "world"})).await;
    assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_answered_in_one_go() {
    let mut room = holding(&LOGS);
    let many: Vec<&str> = keys(&LOGS).cycle().take(1_000).collect();
    let answer = room.deliver(&announcement(many)).await;
    assert!(returned(&answer).is_empty());
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["Messages"], 1_000);
    assert_eq!(metrics["LogObjects"], LOGS.len() as u64);
}
