//! Whatever fails, and wherever: what comes back is tried again, and in the end nothing is lost and nothing doubled.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use trailback_harness::deployment::{Deployment, TIMEOUT, at_every_call};
use trailback_harness::runtime_api::Answer;
use trailback_harness::s3_server::Fault;

use crate::room::{
    LOGS, Logs, announce, announcement, deployed, expected, holding, keys, linked, returned,
};

/// How often a message comes before it would end in the dead-letter queue.
const RECEIVES_MAX: usize = 5;

/// A batch that touches two event hours.
fn logs() -> Logs {
    LOGS[..4].to_vec()
}

/// Delivers a batch as a queue does, until all of it is acknowledged; gives what is published then.
async fn delivered_at_last(room: &mut Deployment, timeout: Duration) -> BTreeMap<String, Bytes> {
    let logs = logs();
    let mut waiting: Vec<String> = keys(&logs).map(str::to_owned).collect();
    for _ in 0..RECEIVES_MAX {
        let batch = announcement(waiting.iter().map(String::as_str));
        match room.function.invoke(&batch, timeout).await {
            answer @ Answer::Response(_) => waiting = returned(&answer),
            // All of it comes again.
            Answer::Error(_) | Answer::TimedOut => {}
            Answer::Died(status) => panic!("{status}: {:?}", room.lines().await),
        }
        if waiting.is_empty() {
            room.s3.clear_plan();
            return linked(room).await;
        }
    }
    panic!("not acknowledged: {waiting:?}: {:#?}", room.lines().await);
}

/// How many calls a run without faults makes.
async fn calls() -> usize {
    let mut room = holding(&logs());
    room.s3.clear_plan();
    assert!(announce(&mut room, keys(&logs())).await.is_empty());
    room.s3.requests().len()
}

async fn check(faults: &[Fault], timeout: Duration) {
    let (expected, calls) = (expected(&logs()).await, calls().await);
    assert!(calls > 8, "{calls}");
    let expected = &expected;
    let tell = |at, fault: Fault| async move {
        let mut room = holding(&logs());
        room.break_call(at, fault.clone());
        let published = delivered_at_last(&mut room, timeout).await;
        assert!(published == *expected, "{fault:?} at call {at}");
    };
    at_every_call(calls, faults, tell).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_before_or_after_it_is_done_costs_nothing() {
    let faults = [Fault::Fails, Fault::FailsAfter, Fault::Cut, Fault::CutAfter];
    check(&faults, TIMEOUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_the_moment_costs_nothing() {
    let faults = [
        Fault::Throttled,
        Fault::Conflict,
        Fault::TornBody,
        Fault::ExpiredToken,
    ];
    check(&faults, TIMEOUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_ends_costs_nothing_but_time() {
    check(&[Fault::Hangs], Duration::from_secs(2)).await;
}

/// S3 says so only where the object is there: after an answer that was lost, or where another function was faster.
#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_is_there_already_is_as_good_as_written() {
    let logs = logs();
    let expected = expected(&logs).await;
    let mut room = holding(&logs);
    assert!(announce(&mut room, keys(&logs)).await.is_empty());
    let written = room.lake("");
    room.s3.set_plan(|request| {
        (request.operation == "PutObject").then_some(Fault::PreconditionFailed)
    });
    assert!(announce(&mut room, keys(&logs)).await.is_empty());
    assert!(room.lake("") == written);
    room.s3.clear_plan();
    assert!(linked(&room).await == expected);
}

/// With the retries that hold by default, a fault that passes is not even seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_is_not_seen_from_outside() {
    let logs = logs();
    let mut room = deployed(&[("TRAILBACK_S3_ATTEMPTS", "8")]);
    room.put_logs(&logs);
    room.s3.set_plan(|request| match request.nth_of_operation {
        0 => Some(Fault::Throttled),
        1 => Some(Fault::Fails),
        2 => Some(Fault::CutAfter),
        _ => None,
    });
    assert!(announce(&mut room, keys(&logs)).await.is_empty());
    room.s3.clear_plan();
    assert!(linked(&room).await == expected(&logs).await);
}
