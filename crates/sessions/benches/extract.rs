//! What it costs to make a row of a parsed record, in CPU time of one thread.
//!
//! `cargo bench -p trailback-sessions --bench extract`. Parsing is not part of it: every record is parsed once, then
//! extracted many times over. The best of five rounds counts.

use std::hint::black_box;

use cpu_time::ThreadTime;
use trailback_cloudtrail::Record;
use trailback_sessions::{caller_facts, extract};

const ROUNDS: usize = 5;
const REPEATS: u32 = 20_000;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        [STATEMENT; 8].join(", ")
    );
    let plain = assume_role("", "");
    let tagged = assume_role(TAGS, "");
    let restricted = assume_role(
        "",
        &format!(r#","policy":{}"#, serde_json::Value::from(policy.as_str())),
    );
    let other = plain
        .replace(r#""AssumeRole""#, r#""GetCallerIdentity""#)
        .replace("accessKeyId", "id");
    for (name, json) in [
        ("AssumeRole", &plain),
        ("AssumeRole with 6 tags", &tagged),
        ("AssumeRole with a policy of 1.5 kB", &restricted),
        ("another call, passed over", &other),
    ] {
        let mut json = json.clone().into_bytes();
        let record = Record::parse(&mut json).expect("the benchmark's own record");
        report(name, || drop(black_box(extract(black_box(&record)))));
    }
    let mut json = plain.into_bytes();
    let record = Record::parse(&mut json).expect("the benchmark's own record");
    report("caller facts alone", || {
        drop(black_box(caller_facts(black_box(&record))))
    });
}

#[expect(clippy::print_stdout, reason = "a benchmark reports")]
fn report(name: &str, mut work: impl FnMut()) {
    let round = |work: &mut dyn FnMut()| {
        let start = ThreadTime::now();
        (0..REPEATS).for_each(|_| work());
        start.elapsed() / REPEATS
    };
    let best = (0..ROUNDS)
        .map(|_| round(&mut work))
        .min()
        .unwrap_or_default();
    println!("{name:<40} {:>8} ns", best.as_nanos());
}

const STATEMENT: &str = r#"{
    "Effect": "Allow",
    "Action": [ "s3:GetObject", "s3:ListBucket", "ec2:DescribeInstances" ],
    "Resource": [ "arn:aws:s3:::example-bucket/*", "*" ]
  }"#;

const TAGS: &str = r#","transitiveTagKeys":["team","cost"],"tags":[{"key":"team","value":"payments"},
    {"key":"cost","value":"4711"},{"key":"stage","value":"production"},{"key":"owner","value":"ana@example.com"},
    {"key":"ticket","value":"OPS-1"},{"key":"region","value":"eu"}]"#;

/// An AssumeRole by a role session, about as long as real ones.
fn assume_role(tags: &str, policy: &str) -> String {
    let token = "A".repeat(900);
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROARTX3GSDSBROLE2222:ana",
        "arn":"arn:aws:sts::111122223333:assumed-role/web/ana","accountId":"111122223333",
        "accessKeyId":"ASIARTX3GSDSBANAANA22","sessionContext":{{"sessionIssuer":{{"type":"Role",
        "principalId":"AROARTX3GSDSBROLE2222","arn":"arn:aws:iam::111122223333:role/path/web",
        "accountId":"111122223333","userName":"web"}},"webIdFederationData":{{}},
        "attributes":{{"creationDate":"2026-11-20T04:00:00Z","mfaAuthenticated":"false"}}}}}},
        "eventTime":"2026-11-20T05:07:09Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
        "awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.31 md/awscrt#0.27 os/linux",
        "requestParameters":{{"roleArn":"arn:aws:iam::444455556666:role/ops/deploy","roleSessionName":"ana-deploys",
        "durationSeconds":3600{tags}{policy}}},
        "responseElements":{{"credentials":{{"accessKeyId":"ASIAVU4XQ5XLNISSUED22","sessionToken":"{token}",
        "expiration":"Nov 20, 2026, 6:07:09 AM"}},"assumedRoleUser":{{"assumedRoleId":"AROAVU4XQ5XLNDEPLOY22:ana-deploys",
        "arn":"arn:aws:sts::444455556666:assumed-role/deploy/ana-deploys"}}}},
        "additionalEventData":{{"RequestDetails":{{"awsServingRegion":"eu-west-1","endpointType":"regional"}}}},
        "requestID":"3b1f9a10-0000-4000-8000-0000000000aa","eventID":"3b1f9a10-0000-4000-8000-000000000001",
        "readOnly":true,"resources":[{{"accountId":"444455556666","type":"AWS::IAM::Role",
        "ARN":"arn:aws:iam::444455556666:role/ops/deploy"}}],"eventType":"AwsApiCall","managementEvent":true,
        "recipientAccountId":"444455556666","eventCategory":"Management"}}"#
    )
}
