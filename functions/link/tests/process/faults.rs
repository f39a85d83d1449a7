//! Whatever fails, and wherever: the next runs go on, and in the end readers see the same bytes.

use std::time::Duration;

use serde_json::Value;
use trailback_harness::deployment::{TIMEOUT, at_every_call};
use trailback_harness::runtime_api::Answer;
use trailback_harness::s3_server::Fault;

use crate::room::{SMALL, deployed, seen};

/// How many runs make good whatever happened to one.
const RUNS_MAX: usize = 4;

/// How many calls a run without faults makes.
async fn calls() -> usize {
    let mut room = deployed(&SMALL, &[]);
    room.s3.clear_plan();
    assert!(matches!(
        room.deliver(&Value::Null).await,
        Answer::Response(_)
    ));
    room.s3.requests().len()
}

/// One call of a run fails, then runs follow until one has nothing left to do.
async fn check_story(at: usize, fault: Fault, timeout: Duration) {
    let mut room = deployed(&SMALL, &[]);
    room.break_call(at, fault.clone());
    for _ in 0..RUNS_MAX {
        match room.function.invoke(&Value::Null, timeout).await {
            Answer::Response(answer) if answer["hoursLinked"] == 0 && answer["hoursLeft"] == 0 => {
                assert!(
                    seen(&room, &SMALL) == SMALL.published,
                    "{fault:?} at call {at}"
                );
                return;
            }
            Answer::Died(status) => panic!("{status}: {:?}", room.lines().await),
            _ => {}
        }
    }
    panic!("{fault:?} at call {at}: {:#?}", room.lines().await);
}

async fn check(faults: &[Fault], timeout: Duration) {
    let calls = calls().await;
    assert!(calls > 8, "{calls}");
    at_every_call(calls, faults, |at, fault| check_story(at, fault, timeout)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_before_or_after_it_is_done_costs_nothing() {
    check(
        &[Fault::Fails, Fault::FailsAfter, Fault::Cut, Fault::CutAfter],
        TIMEOUT,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_the_moment_costs_nothing() {
    let faults = [
        Fault::Throttled,
        Fault::Conflict,
        Fault::PreconditionFailed,
        Fault::TornBody,
    ];
    check(&faults, TIMEOUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_ends_costs_nothing_but_time() {
    check(&[Fault::Hangs], Duration::from_millis(1_500)).await;
}
