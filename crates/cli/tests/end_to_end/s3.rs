//! Logs and lakes in S3, in any mixture with folders.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output, Stdio};

use trailback_harness::s3_server::{Fault, S3Server};
use trailback_simulator::{Folder, Plan, simulate};

use crate::room::{Room, files, printed, program, samples, table, told};

const LOGS: &str = "s3://trail/acme/";
const LAKE: &str = "s3://lake-bucket/lakes/one";

/// The days of [`server_with_two_days`].
const FIRST_DAY: &str = "2026-11-16";
const SECOND_DAY: &str = "2026-11-17";

/// A server whose bucket `trail` holds the sample below `acme/`.
fn server_with_sample() -> S3Server {
    let server = S3Server::start();
    server.create_bucket("lake-bucket");
    for (key, content) in files(&samples().join("logs")) {
        server.put("trail", &format!("acme/{key}"), &content);
    }
    server
}

/// A server whose bucket `trail` holds two days of a simulated organisation below `acme/`.
fn server_with_two_days() -> S3Server {
    let server = S3Server::start();
    server.create_bucket("lake-bucket");
    let room = Room::new();
    let mut folder = Folder::create(&room.path("logs"), None, None).unwrap();
    let plan = Plan {
        calls: 300,
        duration: 2 * 86_400,
        ..Plan::small(7)
    };
    simulate(&plan, &mut folder).unwrap();
    for (key, content) in files(&room.path("logs")) {
        server.put("trail", &format!("acme/{key}"), &content);
    }
    server
}

fn command(server: &S3Server, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .args(arguments)
        .envs(server.environment())
        .stdin(Stdio::null());
    command
}

fn run(server: &S3Server, arguments: &[&str]) -> Output {
    command(server, arguments).output().unwrap()
}

fn answer(server: &S3Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    printed(&output)
}

/// The data objects that the manifests of a lake in S3 name, by their name below its data.
fn data(server: &S3Server, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let objects = server.objects("lake-bucket");
    let is_manifest = |key: &str| key.starts_with(&format!("{prefix}sessions/table/"));
    let manifests = objects.iter().filter(|(key, _)| is_manifest(key));
    let texts = manifests.map(|(_, object)| String::from_utf8(object.content.to_vec()).unwrap());
    let texts: Vec<String> = texts.collect();
    let named = texts.iter().flat_map(|text| text.lines()).map(|line| {
        let key = line.strip_prefix("s3://lake-bucket/").unwrap();
        let name = key
            .strip_prefix(&format!("{prefix}sessions/data/"))
            .unwrap();
        (name.to_owned(), objects[key].content.to_vec())
    });
    named.collect()
}

/// The data objects of a lake in a folder.
fn data_in(room: &Room) -> BTreeMap<String, Vec<u8>> {
    let mut data = table(&room.lake());
    data.retain(|name, _| name.ends_with(".parquet"));
    data
}

#[test]
fn a_lake_in_s3_holds_the_bytes_of_one_in_a_folder() {
    let server = server_with_sample();
    let room = Room::new();
    let folder = room.lake().display().to_string();
    for lake in [LAKE, &folder] {
        answer(&server, &["ingest", LOGS, "--lake", lake]);
    }
    let data = data(&server, "lakes/one/");
    assert!(!data.is_empty());
    assert!(data == data_in(&room), "{:?}", data.keys());
    for question in [
        ["trace", "ASIAWO645SY5JF6HUBQ3"].as_slice(),
        &["descendants", "arn:aws:iam::111122223333:user/anna.berg"],
        &["sessions", "--format", "json"],
        #[cfg(feature = "investigate")]
        &[
            "query",
            "SELECT * FROM sessions ORDER BY event_time, event_id",
            "--format",
            "json",
        ],
    ] {
        let ask = |lake| answer(&server, &[question, &["--lake", lake]].concat());
        let told = ask(LAKE);
        assert_eq!(told, ask(&folder));
        assert!(told.contains("anna.berg"), "{told}");
    }
    assert!(answer(&server, &["link", "--lake", LAKE]).contains("nothing had changed"));
}

#[test]
fn folders_and_buckets_mix() {
    let server = server_with_sample();
    let logs = samples().join("logs").display().to_string();
    answer(&server, &["ingest", &logs, "--lake", LAKE]);
    let room = Room::with_sample();
    assert!(data(&server, "lakes/one/") == data_in(&room));
    // The same records from two places are the same rows, which name both.
    answer(
        &server,
        &["ingest", &logs, LOGS, "--lake", "s3://lake-bucket/two"],
    );
    let rows = answer(
        &server,
        &[
            "sessions",
            "--format",
            "json",
            "--lake",
            "s3://lake-bucket/two",
        ],
    );
    assert_eq!(
        rows.lines().count(),
        room.answer(&["sessions", "--format", "json"])
            .lines()
            .count()
    );
    assert!(
        rows.contains("\"s3://trail/acme/AWSLogs/") && rows.contains("\"AWSLogs/"),
        "{rows}"
    );
}

#[test]
fn a_key_is_found_in_raw_logs_in_s3() {
    let server = server_with_sample();
    server.create_bucket("other-trail");
    let room = Room::with_sample();
    let lake = room.lake().display().to_string();
    let key = "ASIAWO645SY5HWT5ERQN";
    let found = |logs: &str| run(&server, &["trace", key, "--lake", &lake, "--logs", logs]);
    let folder = samples().join("logs").display().to_string();
    let (in_s3, in_folder) = (found(LOGS), found(&folder));
    assert_eq!(
        in_s3.status.code(),
        in_folder.status.code(),
        "{}",
        told(&in_s3)
    );
    assert_eq!(
        printed(&in_s3).replace("s3://trail/acme/", ""),
        printed(&in_folder)
    );
}

/// The log objects of the trail, without its digests.
fn logs(server: &S3Server) -> BTreeSet<String> {
    let keys = server.objects("trail").into_keys();
    keys.filter(|key| key.contains("/CloudTrail/")).collect()
}

/// The log objects of the trail that were fetched since the plan was cleared.
fn fetched(server: &S3Server) -> BTreeSet<String> {
    let requests = server.requests().into_iter();
    let of_trail =
        requests.filter(|request| request.operation == "GetObject" && request.bucket == "trail");
    of_trail.map(|request| request.key).collect()
}

#[test]
fn a_fragment_that_is_lost_or_damaged_comes_back_when_its_log_objects_are_read_again() {
    let server = server_with_sample();
    let ingest = |options: &[&str]| {
        answer(
            &server,
            &[&["ingest", LOGS, "--lake", LAKE], options].concat(),
        )
    };
    ingest(&[]);
    let whole = data(&server, "lakes/one/");
    let is_fragment = |key: &String| key.starts_with("lakes/one/sessions/fragments/");
    let fragment = server
        .objects("lake-bucket")
        .into_keys()
        .find(is_fragment)
        .unwrap();

    server.delete("lake-bucket", &fragment);
    // The ledger says that everything was read.
    ingest(&[]);
    assert!(data(&server, "lakes/one/") != whole);
    ingest(&["--again"]);
    assert!(data(&server, "lakes/one/") == whole);

    server.put("lake-bucket", &fragment, b"damaged");
    let rebuild = ["link", "--rebuild", "--lake", LAKE];
    let refused = run(&server, &rebuild);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told(&refused).contains("with --again"),
        "{}",
        told(&refused)
    );
    ingest(&["--again"]);
    answer(&server, &rebuild);
    assert!(data(&server, "lakes/one/") == whole);
}

#[test]
fn a_backfill_reads_only_what_the_lake_has_not_read() {
    let server = server_with_two_days();
    let ingest = |options: &[&str]| {
        server.clear_plan();
        let summary = answer(
            &server,
            &[&["ingest", LOGS, "--lake", LAKE], options].concat(),
        );
        (fetched(&server), summary)
    };
    let all = logs(&server);
    let (first_day, _) = ingest(&["--until", FIRST_DAY]);
    assert!(!first_day.is_empty() && first_day.iter().all(|key| key.contains("/2026/11/16/")));
    let (rest, summary) = ingest(&[]);
    assert!(first_day.is_disjoint(&rest));
    assert_eq!(&first_day | &rest, all);
    assert!(
        summary.contains(&format!("{} read before", first_day.len())),
        "{summary}"
    );
    let (again, summary) = ingest(&["--since", SECOND_DAY]);
    assert!(
        again.is_empty() && summary.contains("nothing had changed"),
        "{summary}"
    );
    // One object is new, and one is not what it was.
    let key = all.last().unwrap().clone();
    let object = server.objects("trail").remove(&key).unwrap();
    let new = key.replace("Z_", "Z_new");
    server.put("trail", &new, &object.content);
    server.put(
        "trail",
        &key,
        &[&object.content[..], &object.content].concat(),
    );
    assert_eq!(ingest(&[]).0, BTreeSet::from([key, new]));
}

#[test]
fn a_backfill_that_was_refused_an_object_goes_on_when_it_may() {
    let server = server_with_two_days();
    let logs = logs(&server);
    let refused = logs.iter().nth(logs.len() / 2).unwrap().clone();
    let is_refused = refused.clone();
    server.set_plan(move |request| {
        let is_meant = request.operation == "GetObject" && request.key == is_refused;
        is_meant.then_some(Fault::AccessDenied)
    });
    let output = run(&server, &["ingest", LOGS, "--lake", LAKE]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let permission = format!("allow s3:GetObject on arn:aws:s3:::trail/{refused}");
    assert!(told(&output).contains(&permission), "{}", told(&output));
    server.clear_plan();
    answer(&server, &["ingest", LOGS, "--lake", LAKE]);
    assert_eq!(fetched(&server), BTreeSet::from([refused]));
    answer(
        &server,
        &["ingest", LOGS, "--lake", "s3://lake-bucket/whole"],
    );
    assert!(data(&server, "lakes/one/") == data(&server, "whole/"));
}

#[test]
fn programs_that_ingest_into_one_lake_at_once_lose_nothing() {
    let server = server_with_two_days();
    let parts = [
        ["--until", FIRST_DAY],
        ["--since", SECOND_DAY],
        ["--since", FIRST_DAY],
    ];
    let programs = parts.map(|part| {
        let arguments = [["ingest", LOGS, "--lake", LAKE].as_slice(), &part].concat();
        command(&server, &arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut program in programs {
        assert!(program.wait().unwrap().success());
    }
    answer(
        &server,
        &["ingest", LOGS, "--lake", "s3://lake-bucket/alone"],
    );
    assert!(data(&server, "lakes/one/") == data(&server, "alone/"));
}

#[test]
fn a_kms_key_and_the_path_style_can_be_asked_for() {
    let server = server_with_sample();
    let options = ["--s3-kms-key", "alias/trailback", "--s3-path-style"];
    answer(
        &server,
        &[["ingest", LOGS, "--lake", LAKE].as_slice(), &options].concat(),
    );
    let is_encrypted = |object: &trailback_harness::s3_server::StoredObject| {
        object.kms_key_id.as_deref() == Some("alias/trailback")
    };
    assert!(server.objects("lake-bucket").values().all(is_encrypted));
}

/// Standard error as one line, whatever lines it was broken into.
fn told_in_one_line(output: &Output) -> String {
    let told = told(output).replace('│', " ");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_bucket_in_another_region_is_told_with_its_region() {
    let server = server_with_sample();
    for arguments in [
        ["ingest", LOGS, "--lake", LAKE],
        ["trace", "ASIAWO645SY5JF6HUBQ3", "--lake", LAKE],
    ] {
        server.set_plan(|_| Some(Fault::OtherRegion("ap-south-1")));
        let output = run(&server, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = told_in_one_line(&output);
        assert!(told.contains("set AWS_REGION to ap-south-1"), "{told}");
    }
}

#[test]
fn wrong_places_are_told_and_left_alone() {
    let server = server_with_sample();
    let before = server.objects("trail");
    for (arguments, expected) in [
        (
            ["trace", "ASIAWO645SY5JF6HUBQ3", "--lake", LAKE],
            "there is no lake at s3://lake-bucket/lakes/one",
        ),
        (
            ["link", "--lake", "s3://lake-bucket", "--rebuild"],
            "there is no lake at s3://lake-bucket",
        ),
        (
            ["ingest", LOGS, "--lake", "s3://no-such-bucket/lake"],
            "there is no bucket",
        ),
        (
            ["ingest", "s3://trail/typo", "--lake", LAKE],
            "s3://trail/typo does not exist",
        ),
        (
            ["ingest", LOGS, "--lake", "s3://trail/acme"],
            "holds something else than a lake",
        ),
    ] {
        let output = run(&server, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = told_in_one_line(&output);
        assert!(told.contains(expected), "{told}");
    }
    assert!(server.objects("trail") == before);
}

#[test]
fn without_credentials_or_region_the_settings_are_named() {
    let server = server_with_sample();
    let home = Room::new();
    let without = |names: &[&str]| {
        let mut command = command(&server, &["ingest", LOGS, "--lake", LAKE]);
        names.iter().for_each(|name| {
            command.env_remove(name);
        });
        // A profile of the person who runs the tests is none of theirs.
        let output = command.env("HOME", home.path("home")).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        told_in_one_line(&output)
    };
    let told = without(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    assert!(told.contains("no AWS credentials were found"), "{told}");
    let told = without(&["AWS_REGION"]);
    assert!(told.contains("set AWS_REGION"), "{told}");
}
