//! Runs on a schedule: each does what there is to do, says how far it came, and the next one goes on.

use std::time::Duration;

use serde_json::{Value, json};
use trailback_harness::deployment::{Deployment, TIMEOUT, assert_names, assert_sum};
use trailback_harness::runtime_api::{Answer, Function};

use crate::room::{LONG, SMALL, deployed, seen};

/// Runs the function and gives what it answers.
async fn run(room: &mut Deployment, payload: &Value) -> Value {
    match room.deliver(payload).await {
        Answer::Response(answer) => answer,
        other => panic!("{other:?}: {:#?}", room.lines().await),
    }
}

fn on_schedule() -> Value {
    json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": {}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_publishes_what_was_extracted_and_the_next_has_nothing_to_do() {
    let mut room = deployed(&SMALL, &[]);
    let first = run(&mut room, &on_schedule()).await;
    assert!(first["hoursLinked"].as_u64().unwrap() > 2, "{first}");
    assert_eq!(
        (&first["hoursLeft"], &first["linkLagSeconds"]),
        (&json!(0), &json!(0))
    );
    assert!(seen(&room, &SMALL) == SMALL.published);
    let metrics = room.metrics().await;
    assert_sum(
        &metrics,
        "RowsLinked",
        &[
            "Origins",
            "LinkedByIssuedKey",
            "LinkedBySessionContext",
            "Gaps",
        ],
    );
    let gaps = [
        "GapsNotInLogs",
        "GapsCallerCopyMissing",
        "GapsAmbiguous",
        "GapsLoop",
    ];
    assert_sum(&metrics, "Gaps", &gaps);
    assert_eq!(metrics["Rows"], metrics["RowsLinked"]);
    room.s3.clear_plan();
    let second = run(&mut room, &Value::Null).await;
    assert_eq!(
        (&second["hoursLinked"], &second["daysPublished"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(room.s3.count("PutObject"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_makes_the_same_bytes_again() {
    let mut room = deployed(&SMALL, &[]);
    let first = run(&mut room, &on_schedule()).await;
    let again = run(&mut room, &json!({"rebuild": true})).await;
    assert_eq!(again["hoursLinked"], first["hoursLinked"]);
    assert!(seen(&room, &SMALL) == SMALL.published);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_time_says_how_far_behind_it_is_and_the_next_ones_go_on() {
    let mut room = deployed(&LONG, &[("TRAILBACK_LINK_BUDGET_SECONDS", "1")]);
    // Every request takes so long that a second is not enough.
    room.s3.set_plan(|request| {
        if request.operation == "GetObject" {
            std::thread::sleep(Duration::from_millis(25));
        }
        None
    });
    // S3 bears a quarter of an hour of difference between clocks.
    room.s3.advance_clock(Duration::from_secs(600));
    let first = run(&mut room, &on_schedule()).await;
    assert!(first["hoursLeft"].as_u64().unwrap() > 0, "{first}");
    assert!(first["linkLagSeconds"].as_u64().unwrap() >= 600, "{first}");
    let metrics = room.metrics().await;
    assert_eq!(metrics["HoursLeft"], first["hoursLeft"]);
    assert_eq!(metrics["LinkLag"], first["linkLagSeconds"]);
    room.s3.clear_plan();
    for _ in 0..200 {
        let next = run(&mut room, &on_schedule()).await;
        if next["hoursLeft"] == 0 {
            assert_eq!(next["linkLagSeconds"], 0);
            assert!(seen(&room, &LONG) == LONG.published);
            return;
        }
    }
    panic!("200 runs were not enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_fragment_fails_the_run_after_everything_else_was_done() {
    let mut room = deployed(&SMALL, &[]);
    let fragment = |key: &&String| key.starts_with("sessions/fragments/");
    let damaged = SMALL.extracted.keys().rfind(fragment).unwrap();
    let spoilt = [(damaged.clone(), "spoilt".into())];
    room.put_lake(&spoilt.into());
    let answer = room.deliver(&on_schedule()).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.error_type, "NotLinked");
    assert_names(&error.error_message, &[damaged, "--again"]);
    let published = room.lake("");
    for table in ["sessions/table/", "log_objects/table/"] {
        assert!(
            published.keys().any(|key| key.starts_with(table)),
            "{table}"
        );
    }
    let lines = room.lines().await;
    let named = |line: &&Value| line["level"] == "ERROR" && line["reason"].is_string();
    assert_names(&format!("{:?}", lines.iter().find(named)), &[damaged]);
    let counted = lines.iter().rfind(|line| !line["_aws"].is_null()).unwrap();
    assert!(counted["HoursLinked"].as_u64().unwrap() > 2, "{counted}");
    room.put_lake(&SMALL.extracted);
    run(&mut room, &on_schedule()).await;
    assert!(seen(&room, &SMALL) == SMALL.published);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_at_once_publish_what_one_would() {
    for _ in 0..4 {
        let mut room = deployed(&SMALL, &[]);
        let of_s3 = room.s3.environment();
        let mut environment: Vec<(&str, &str)> = vec![
            ("TRAILBACK_LAKE", "s3://lake/org/trailback"),
            ("TRAILBACK_S3_PATH_STYLE", "true"),
        ];
        environment.extend(of_s3.iter().map(|(name, value)| (*name, &**value)));
        let mut second = Function::new(env!("CARGO_BIN_EXE_trailback-link"), &environment);
        let payload = on_schedule();
        let answers = tokio::join!(room.deliver(&payload), second.invoke(&payload, TIMEOUT));
        for answer in [answers.0, answers.1] {
            assert!(matches!(answer, Answer::Response(_)), "{answer:?}");
        }
        assert!(seen(&room, &SMALL) == SMALL.published);
    }
}
