//! Near its deadline the function gives back what it has not begun.

use std::time::Duration;

use trailback_harness::deployment::TRAIL;
use trailback_harness::runtime_api::Answer;
use trailback_harness::s3_server::Fault;

use crate::room::{
    LOGS, announce, announcement, deployed, expected, holding, keys, linked, metrics, returned,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_begun_in_time_comes_back_and_nothing_is_lost() {
    let mut room = deployed(&[("TRAILBACK_OBJECTS_AT_ONCE", "1")]);
    room.put_logs(&LOGS);
    // Half of the time is left to finish: so much that three or four objects are begun.
    let timeout = Duration::from_secs(4);
    room.s3.set_plan(|request| {
        if request.bucket == TRAIL {
            std::thread::sleep(Duration::from_millis(500));
        }
        None
    });
    let batch = announcement(keys(&LOGS));
    let left = returned(&room.function.invoke(&batch, timeout).await);
    assert!(
        !left.is_empty() && left.len() < LOGS.len(),
        "{} left",
        left.len()
    );
    let metrics = metrics(&mut room).await;
    assert_eq!(metrics["LogObjectsLeft"], left.len() as u64);
    room.s3.clear_plan();
    assert!(
        announce(&mut room, left.iter().map(String::as_str))
            .await
            .is_empty()
    );
    assert!(linked(&room).await == expected(&LOGS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_killed_has_acknowledged_nothing_it_did_not_store() {
    let mut room = holding(&LOGS);
    room.s3.set_plan(|request| {
        let is_late_put = request.operation == "PutObject" && request.nth_of_operation > 2;
        is_late_put.then_some(Fault::Hangs)
    });
    let batch = announcement(keys(&LOGS));
    let answer = room.function.invoke(&batch, Duration::from_secs(3)).await;
    assert_eq!(answer, Answer::TimedOut);
    room.s3.clear_plan();
    assert!(returned(&room.deliver(&batch).await).is_empty());
    assert!(linked(&room).await == expected(&LOGS).await);
}
