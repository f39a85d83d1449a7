//! What fails, and what is said of it.

use super::*;

/// The S3 operation behind a call.
fn operation(call: &str) -> &'static str {
    match call {
        "list" | "now" => "ListObjectsV2",
        "get" | "get_range" => "GetObject",
        "put" => "PutObject",
        "head" => "HeadObject",
        _ => "DeleteObjects",
    }
}

/// Fails the first `times` requests of a call's operation.
fn fail(server: &S3Server, call: &str, fault: Fault, times: usize) {
    let operation = operation(call);
    server.set_plan(move |request| {
        let is_meant = request.operation == operation && request.nth_of_operation < times;
        is_meant.then(|| fault.clone())
    });
}

/// All calls; of those that cost a wait, one that reads and one that writes.
fn calls_for(fault: &Fault) -> Vec<&'static str> {
    match fault {
        Fault::Hangs => vec!["get", "put"],
        _ => CALLS.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_outlives_a_fault_that_passes() {
    let Room { server, store, .. } = room().await;
    let passing = [
        Fault::Fails,
        Fault::FailsAfter,
        Fault::Cut,
        Fault::CutAfter,
        Fault::Throttled,
        Fault::Hangs,
    ];
    for fault in passing {
        for name in calls_for(&fault) {
            server.put(BUCKET, "lakes/one/a", b"old");
            fail(&server, name, fault.clone(), 2);
            let done = call(&store, name).await;
            assert!(done.is_ok(), "{name} {fault:?}: {done:?}");
            assert_eq!(server.count(operation(name)), 3, "{name} {fault:?}");
            let expected = match name {
                "put" => Some("new"),
                "delete" => None,
                _ => Some("old"),
            };
            let objects = server.objects(BUCKET);
            let there = objects
                .get("lakes/one/a")
                .map(|object| object.content.as_ref());
            assert_eq!(there, expected.map(str::as_bytes), "{name} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_is_told_and_leaves_the_rest_alone() {
    let Room { server, store, .. } = room().await;
    let staying = [
        Fault::Fails,
        Fault::Cut,
        Fault::Throttled,
        Fault::Hangs,
        Fault::Conflict,
    ];
    for fault in staying {
        for name in CALLS {
            server.put(BUCKET, "lakes/one/a", b"old");
            fail(&server, name, fault.clone(), usize::MAX);
            let failure = call(&store, name).await.unwrap_err();
            assert!(
                matches!(failure, StoreError::Unavailable { .. }),
                "{name} {fault:?}: {failure:?}"
            );
            let text = told(&failure);
            assert!(text.contains("s3://lake-bucket/lakes/one"), "{text}");
            assert_eq!(server.objects(BUCKET)["lakes/one/a"].content, "old");
            server.clear_plan();
            call(&store, name).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_conditional_write_whose_reply_is_lost_is_there_once() {
    let Room { server, store, .. } = room().await;
    for fault in [Fault::FailsAfter, Fault::CutAfter] {
        server.delete(BUCKET, "lakes/one/a");
        fail(&server, "put", fault, 1);
        let put = store
            .put("a", "one".into(), Condition::IfAbsent, Metadata::new())
            .await;
        // The second attempt meets what the first one wrote: to look again tells the caller whose it is.
        assert!(
            matches!(put, Err(StoreError::Precondition { .. })),
            "{put:?}"
        );
        assert_eq!(read(&store, "a").await.unwrap(), "one");
    }
}

#[tokio::test]
async fn a_conflict_with_another_write_is_tried_again() {
    let Room { server, store, .. } = room().await;
    fail(&server, "put", Fault::Conflict, 2);
    let put = store
        .put("a", "one".into(), Condition::IfAbsent, Metadata::new())
        .await;
    assert!(put.is_ok(), "{put:?}");
    assert_eq!(server.count("PutObject"), 3);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_not_tried_again() {
    let Room { server, store, .. } = room().await;
    fail(&server, "put", Fault::PreconditionFailed, usize::MAX);
    let put = store
        .put("a", "one".into(), Condition::IfAbsent, Metadata::new())
        .await;
    assert!(
        matches!(put, Err(StoreError::Precondition { .. })),
        "{put:?}"
    );
    assert_eq!(server.count("PutObject"), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_on() {
    let Room { server, store, .. } = room().await;
    let content: Vec<u8> = (0..1_000_000_u32)
        .map(|place| (place % 251) as u8)
        .collect();
    server.put(BUCKET, "lakes/one/a", &content);
    fail(&server, "get", Fault::TornBody, 3);
    assert_eq!(read(&store, "a").await.unwrap(), content);
    assert_eq!(server.count("GetObject"), 4);
    fail(&server, "get_range", Fault::TornBody, 3);
    let part = store.get_range("a", 1000..900_000, None).await.unwrap();
    assert_eq!(part, content[1000..900_000]);
}

#[tokio::test]
async fn a_body_that_always_breaks_off_is_given_up() {
    let Room { server, store, .. } = room().await;
    server.put(BUCKET, "lakes/one/a", &[7; 1_000_000]);
    for name in ["get", "get_range"] {
        fail(&server, name, Fault::TornBody, usize::MAX);
        let failure = call(&store, name).await.unwrap_err();
        assert!(
            matches!(failure, StoreError::Unavailable { .. }),
            "{failure:?}"
        );
        assert!(told(&failure).contains("broke off again and again"));
    }
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_read_is_no_mixture() {
    let Room { server, store, .. } = room().await;
    server.put(BUCKET, "lakes/one/a", &[1; 1_000_000]);
    fail(&server, "get", Fault::TornBody, 1);
    let object = store.get("a").await.unwrap();
    server.put(BUCKET, "lakes/one/a", &[2; 1_000_000]);
    let failure = object.bytes().await.unwrap_err();
    assert!(
        matches!(failure, StoreError::Precondition { .. }),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_refused_permission_is_named_with_what_it_is_for() {
    let Room { server, store, s3 } = room().await;
    server.put(BUCKET, "lakes/one/a", b"old");
    let cases = [
        ("list", "allow s3:ListBucket on arn:aws:s3:::lake-bucket,"),
        (
            "get",
            "allow s3:GetObject on arn:aws:s3:::lake-bucket/lakes/one/a ",
        ),
        (
            "get_range",
            "allow s3:GetObject on arn:aws:s3:::lake-bucket/lakes/one/a ",
        ),
        (
            "head",
            "allow s3:GetObject on arn:aws:s3:::lake-bucket/lakes/one/a ",
        ),
        (
            "put",
            "allow s3:PutObject on arn:aws:s3:::lake-bucket/lakes/one/a,",
        ),
        (
            "delete",
            "allow s3:DeleteObject on arn:aws:s3:::lake-bucket/lakes/one/a,",
        ),
    ];
    for (name, expected) in cases {
        fail(&server, name, Fault::AccessDenied, usize::MAX);
        let failure = call(&store, name).await.unwrap_err();
        assert!(
            matches!(failure, StoreError::Denied { .. }),
            "{name}: {failure:?}"
        );
        let text = told(&failure);
        assert!(text.contains(expected), "{text}");
        assert_eq!(server.count(operation(name)), 1, "{name}");
    }
    fail(&server, "get", Fault::AccessDenied, 1);
    let failure = s3.open("trail", "A", Some("7")).await.unwrap_err();
    assert!(
        told(&failure).contains("s3:GetObjectVersion on arn:aws:s3:::trail/A"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_refused_kms_key_is_named_with_the_action() {
    let Room { server, store, .. } = room().await;
    server.put(BUCKET, "lakes/one/a", b"old");
    for (name, action) in [("get", "kms:Decrypt"), ("put", "kms:GenerateDataKey")] {
        fail(&server, name, Fault::KmsDenied { action }, usize::MAX);
        let failure = call(&store, name).await.unwrap_err();
        let text = told(&failure);
        let key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert!(text.contains(&format!("allow {action} on {key}")), "{text}");
    }
}

#[tokio::test]
async fn what_is_set_up_wrongly_is_named_by_its_setting() {
    let Room { server, store, .. } = room().await;
    server.put(BUCKET, "lakes/one/a", b"old");
    let other_region = Fault::OtherRegion("ap-southeast-2");
    let cases = [
        (
            other_region,
            "lies in ap-southeast-2, but eu-central-1 is set; set AWS_REGION to ap-southeast-2",
        ),
        (Fault::ExpiredToken, "expired"),
        (
            Fault::UnknownAccessKey,
            "check AWS_PROFILE or AWS_ACCESS_KEY_ID",
        ),
    ];
    for (fault, expected) in cases {
        // Answers to HEAD have no body, and so no name for what is wrong, but for the region.
        let is_told = |name: &&str| *name != "head" || matches!(fault, Fault::OtherRegion(_));
        for name in CALLS.into_iter().filter(|name| is_told(name)) {
            fail(&server, name, fault.clone(), usize::MAX);
            let failure = call(&store, name).await.unwrap_err();
            assert!(
                matches!(failure, StoreError::Unusable { .. }),
                "{name}: {failure:?}"
            );
            let text = told(&failure);
            assert!(text.contains(expected), "{name}: {text}");
            assert_eq!(server.count(operation(name)), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_an_absent_object() {
    let room = room().await;
    let store = S3Store::new(room.s3.clone(), "no-such-bucket", "");
    for name in CALLS.into_iter().filter(|name| *name != "head") {
        let failure = call(&store, name).await.unwrap_err();
        assert!(
            matches!(failure, StoreError::Unusable { .. }),
            "{name}: {failure:?}"
        );
        assert!(told(&failure).contains("there is no bucket \"no-such-bucket\""));
    }
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_named() {
    let Room { server, .. } = room().await;
    let settings = settings(&server);
    let endpoint = server.endpoint();
    drop(server);
    let store = S3Store::new(S3::connect(settings).await, BUCKET, "");
    for name in CALLS {
        let failure = call(&store, name).await.unwrap_err();
        assert!(
            matches!(failure, StoreError::Unavailable { .. }),
            "{name}: {failure:?}"
        );
        let text = told(&failure);
        assert!(
            text.contains(&format!("cannot connect to {endpoint}")),
            "{text}"
        );
    }
}
