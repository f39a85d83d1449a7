//! Log objects as no one should write them: each is named once, everything else is read.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::room::{Room, printed, told};

fn record(id: &str, rest: &str) -> String {
    format!(
        r#"{{"eventID":"{id}","eventTime":"2026-11-20T09:00:00Z","eventSource":"sts.amazonaws.com","eventName":"GetSessionToken",
        "userIdentity":{{"type":"IAMUser","principalId":"AIDARTX3GSDSTN2YHC5K","arn":"arn:aws:iam::111122223333:user/anna.berg",
        "accountId":"111122223333","accessKeyId":"AKIARTX3GSDSW4KXJQ6B","userName":"anna.berg"}},
        "responseElements":{{"credentials":{{"accessKeyId":"ASIARTX3GSDSYQ7MVN4D","expiration":"Nov 20, 2026, 9:00:00 PM"}}}},
        "recipientAccountId":"111122223333"{rest}}}"#
    )
}

fn object(records: &[String]) -> Vec<u8> {
    format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A record of a gigabyte: many gzip members, each a megabyte of the same letter.
fn gigabyte_record() -> Vec<u8> {
    let megabyte = gzip(&vec![b'x'; 1 << 20]);
    let mut packed = gzip(br#"{"Records":[{"eventSource":"sts.amazonaws.com","a":""#);
    (0..1024).for_each(|_| packed.extend_from_slice(&megabyte));
    packed.extend(gzip(br#""}]}"#));
    packed
}

/// What no program can read, or only in part, by the name of its object.
fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    let whole = gzip(&object(&[record("truncated", "")]));
    let deep = format!(r#","a":{}1{}"#, "[".repeat(200_000), "]".repeat(200_000));
    vec![
        ("truncated.json.gz", whole[..whole.len() / 2].to_vec()),
        ("not-gzip.json.gz", b"\x1f\x8bthis is no gzip".to_vec()),
        (
            "not-json.json",
            b"<html>service unavailable</html>".to_vec(),
        ),
        ("empty.json", Vec::new()),
        ("cut-off.json", b"{\"Records\":[{\"eventID\":\"x\"".to_vec()),
        ("wrong-top-level.json", b"{\"logFiles\":[]}".to_vec()),
        ("deep.json", object(&[record("deep", &deep)])),
        ("gigabyte.json.gz", gigabyte_record()),
        ("no-id.json", object(&[record("", "")])),
        (
            "no-time.json",
            object(&[record("no-time", "").replace("2026-11-20T09:00:00Z", "yesterday")]),
        ),
        (
            "record-is-text.json",
            b"{\"Records\":[\"sts.amazonaws.com\"]}".to_vec(),
        ),
    ]
}

/// What is odd, but tells enough to be a row, or is no row for certain.
fn odd_but_readable() -> Vec<(&'static str, Vec<u8>)> {
    let mut broken_utf8 = object(&[record("broken-utf8", r#","userAgent":"a?b""#)]);
    let place = broken_utf8.iter().position(|byte| *byte == b'?').unwrap();
    broken_utf8[place] = 0xff;
    vec![
        (
            "lone-surrogate.json",
            object(&[record("lone-surrogate", r#","userAgent":"\ud800 x""#)]),
        ),
        (
            "duplicate-fields.json",
            object(&[record(
                "duplicates",
                r#","eventSource":"sts.amazonaws.com","userAgent":"a","userAgent":"b""#,
            )]),
        ),
        (
            "numbers.json",
            object(&[record(
                "numbers",
                r#","requestID":17,"awsRegion":3.5,"sourceIPAddress":null,"errorCode":{}"#,
            )]),
        ),
        ("broken-utf8.json", broken_utf8),
        ("no-records.json", b"{\"Records\":[]}".to_vec()),
    ]
}

#[test]
fn each_unreadable_object_is_named_once_and_everything_else_is_ingested() {
    let room = Room::new();
    for (name, content) in unreadable() {
        room.write_log(name, &content);
    }
    room.write_log("good.json.gz", &gzip(&object(&[record("good", "")])));
    let output = room.run(&["ingest", &room.path("logs").display().to_string()]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for (name, _) in unreadable() {
        let lines = told.lines().filter(|line| line.contains(name)).count();
        assert_eq!(lines, 1, "{name} in:\n{told}");
    }
    assert!(!told.contains("panicked"), "{told}");
    insta::assert_snapshot!(format!("{told}\n{}", printed(&output)));
    assert!(
        room.answer(&["trace", "AKIARTX3GSDSW4KXJQ6B"])
            .contains("good.json.gz")
    );
}

#[test]
fn an_odd_object_costs_nothing_but_itself() {
    for (name, content) in odd_but_readable() {
        let room = Room::new();
        room.write_log(name, &content);
        room.write_log(
            "good.json",
            &object(&[record("60061e5d-0000-4000-8000-000000000001", "")]),
        );
        let output = room.run(&["ingest", &room.path("logs").display().to_string()]);
        let told = told(&output);
        println!("{name}: {} {told}", printed(&output));
        let named = told.lines().filter(|line| line.contains(name)).count();
        assert!(named <= 1 && !told.contains("panicked"), "{name}: {told}");
        assert_eq!(
            output.status.code(),
            Some(i32::from(named > 0)),
            "{name}: {told}"
        );
        assert!(
            room.answer(&["trace", "60061e5d-0000-4000-8000-000000000001"])
                .contains("good.json"),
            "{name}"
        );
    }
}

#[test]
fn a_long_record_is_read_once_the_limit_that_the_error_names_is_raised() {
    let room = Room::new();
    let agent = format!(r#","userAgent":"{}""#, "x".repeat(2 << 20));
    room.write_log("long.json", &object(&[record("long", &agent)]));
    let logs = room.path("logs").display().to_string();
    let refused = room.run(&["ingest", &logs]);
    assert!(told(&refused).contains("raise the record limit"));
    let read = room.run(&["ingest", &logs, "--record-limit", "4194304"]);
    assert_eq!(read.status.code(), Some(0), "{}", told(&read));
    let refused = room.run(&["ingest", &logs, "--unpacked-limit", "1000"]);
    assert!(told(&refused).contains("raise the unpacked limit"));
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let room = Room::new();
    let pipe = room.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let output = room.run(&["ingest", &pipe.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("is neither a file nor a folder"));
}

#[test]
fn a_corrupt_copy_leaves_nothing_behind_once_the_object_was_fetched_again() {
    let (room, other) = (Room::new(), Room::new());
    let sound = gzip(&object(&[record(
        "60061e5d-0000-4000-8000-000000000001",
        "",
    )]));
    let mut corrupt = sound.clone();
    let checksum = corrupt.len() - 8;
    corrupt[checksum] ^= 1;
    let ingest = |room: &Room, content: &[u8]| {
        room.write_log("a.json.gz", content);
        room.run(&["ingest", &room.path("logs").display().to_string()])
    };
    let output = ingest(&room, &corrupt);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("1 of its records are not believed"),
        "{}",
        told(&output)
    );
    assert!(ingest(&room, &sound).status.success());
    assert!(ingest(&other, &sound).status.success());
    assert_eq!(
        crate::room::table(&room.lake()),
        crate::room::table(&other.lake())
    );
}

#[test]
fn a_damaged_data_object_is_never_believed_and_can_be_made_again() {
    let room = Room::with_sample();
    let whole = crate::room::table(&room.lake());
    let name = whole
        .keys()
        .find(|name| name.ends_with(".parquet"))
        .unwrap();
    let path = room.lake().join("sessions/data").join(name);
    let sound = room.answer(&["sessions", "--format", "json", "--limit", "0"]);
    for place in (0..whole[name].len()).step_by(whole[name].len() / 20) {
        let mut damaged = whole[name].clone();
        damaged[place] ^= 4;
        std::fs::write(&path, damaged).unwrap();
        let output = room.run(&["sessions", "--format", "json", "--limit", "0"]);
        match output.status.code() {
            Some(0) => assert_eq!(printed(&output), sound, "byte {place}"),
            _ => assert!(
                told(&output).contains("trailback link --rebuild"),
                "{}",
                told(&output)
            ),
        }
    }
    assert!(room.run(&["link", "--rebuild"]).status.success());
    assert_eq!(
        room.answer(&["sessions", "--format", "json", "--limit", "0"]),
        sound
    );
}

#[cfg(not(feature = "investigate"))]
#[test]
fn a_build_without_the_engine_says_so_when_it_is_asked_in_sql() {
    let room = Room::new();
    for typed in [
        ["investigate", "--explain"].as_slice(),
        &["query", "SELECT 1", "--lake", "lake", "--format", "csv"],
        &["query", "--help"],
    ] {
        let output = room.run(typed);
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains("without --no-default-features"));
    }
}
