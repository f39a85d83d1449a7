//! A deployment without AWS: a function's binary between Lambda and S3, with a trail's bucket and a lake's.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::runtime_api::{Answer, Function};
use crate::s3_server::{Fault, Request, S3Server};

/// The trail's bucket.
pub const TRAIL: &str = "trail";

/// The lake's bucket.
pub const LAKE: &str = "lake";

/// The lake's prefix in it.
pub const PREFIX: &str = "org/trailback";

/// What manifests of this lake write before the key of a data object.
pub const BASE: &str = "s3://lake/org/trailback/";

/// How many stories are told at the same time.
const STORIES_AT_ONCE: usize = 4;

/// Long enough for anything that does not hang.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A function, its buckets and its Lambda.
pub struct Deployment {
    /// S3.
    pub s3: S3Server,
    /// The function.
    pub function: Function,
}

impl Deployment {
    /// Of a binary (`env!("CARGO_BIN_EXE_…")`). It sends each request to S3 once, so that no fault is hidden by
    /// repeating; `settings` go before that and every other default.
    pub fn of(binary: &str, settings: &[(&str, &str)]) -> Deployment {
        let s3 = S3Server::start();
        s3.create_bucket(TRAIL);
        s3.create_bucket(LAKE);
        let lake = format!("s3://{LAKE}/{PREFIX}");
        let of_s3 = s3.environment();
        let mut environment: Vec<(&str, &str)> = vec![
            ("TRAILBACK_LAKE", &lake),
            ("TRAILBACK_S3_PATH_STYLE", "true"),
            ("TRAILBACK_S3_ATTEMPTS", "1"),
        ];
        environment.extend(of_s3.iter().map(|(name, value)| (*name, &**value)));
        environment.extend(settings);
        let function = Function::new(binary, &environment);
        Deployment { s3, function }
    }

    /// Puts log objects into the trail's bucket.
    pub fn put_logs(&self, logs: &[(String, Vec<u8>)]) {
        for (key, content) in logs {
            self.s3.put(TRAIL, key, content);
        }
    }

    /// Puts objects into the lake, past the function.
    pub fn put_lake(&self, objects: &BTreeMap<String, Bytes>) {
        for (key, content) in objects {
            self.s3.put(LAKE, &format!("{PREFIX}/{key}"), content);
        }
    }

    /// What the lake holds below a prefix of its own, by key.
    pub fn lake(&self, prefix: &str) -> BTreeMap<String, Bytes> {
        let below = |key: &str| {
            let key = key.strip_prefix(PREFIX)?.strip_prefix('/')?;
            key.starts_with(prefix).then(|| key.to_owned())
        };
        let objects = self.s3.objects(LAKE).into_iter();
        objects
            .filter_map(|(key, object)| Some((below(&key)?, object.content)))
            .collect()
    }

    /// Hands the function a payload.
    pub async fn deliver(&mut self, payload: &Value) -> Answer {
        self.function.invoke(payload, TIMEOUT).await
    }

    /// The `at`-th request to S3 from now on goes wrong, and no other.
    pub fn break_call(&self, at: usize, fault: Fault) {
        let plan = move |request: &Request| (request.nth == at).then(|| fault.clone());
        self.s3.set_plan(plan);
    }

    /// What the function has logged and measured since this was asked for last, and an end to its process.
    pub async fn lines(&mut self) -> Vec<Value> {
        self.function.stop().await;
        let parsed = |line: String| serde_json::from_str(&line).unwrap_or(Value::String(line));
        self.function.take_lines().into_iter().map(parsed).collect()
    }

    /// The metrics of the last invocation, and an end to the process.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub async fn metrics(&mut self) -> Value {
        let lines = self.lines().await;
        let last = lines.into_iter().rfind(|line| !line["_aws"].is_null());
        last.expect("every invocation is measured")
    }
}

/// Asserts that a count of metrics is the sum of its parts.
#[track_caller]
pub fn assert_sum(metrics: &Value, whole: &str, parts: &[&str]) {
    let value = |name: &str| {
        let value = metrics[name].as_u64();
        value.unwrap_or_else(|| panic!("no {name} in {metrics}"))
    };
    let sum: u64 = parts.iter().map(|part| value(part)).sum();
    assert_eq!(value(whole), sum, "{whole} is not {parts:?} in {metrics}");
}

/// Asserts that a message names all of these.
#[track_caller]
pub fn assert_names(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
}

/// Tells a story for every call of a run and every fault that may befall it, a few at the same time: most of each is
/// waiting.
pub async fn at_every_call<Telling: Future<Output = ()>>(
    calls: usize,
    faults: &[Fault],
    tell: impl Fn(usize, Fault) -> Telling,
) {
    let stories = (0..calls).flat_map(|at| faults.iter().map(move |fault| (at, fault.clone())));
    let tell = |(at, fault)| tell(at, fault);
    let mut stories = stream::iter(stories)
        .map(tell)
        .buffer_unordered(STORIES_AT_ONCE);
    while stories.next().await.is_some() {}
}
