//! Folders that are no lake, or cannot be written, and places that are not there yet.

use std::fs;

use crate::room::{Room, files, printed, program, samples, told};

fn logs() -> String {
    samples().join("logs").display().to_string()
}

#[test]
fn a_folder_that_holds_something_else_is_left_as_it_is() {
    let room = Room::new();
    fs::create_dir_all(room.lake().join("holiday")).unwrap();
    fs::write(room.lake().join("holiday/photo.jpg"), b"not ours").unwrap();
    let before = files(&room.lake());
    for arguments in [
        &["ingest", &logs()][..],
        &["link"],
        &["link", "--rebuild"],
        &["trace", "ASIAWO645SY5JF6HUBQ3"],
    ] {
        let output = room.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            told(&output).contains("something else"),
            "{}",
            told(&output)
        );
        assert_eq!(printed(&output), "");
        assert_eq!(files(&room.lake()), before, "{arguments:?}");
    }
}

#[test]
fn asking_a_lake_that_is_not_there_says_how_to_make_one_and_makes_none() {
    let room = Room::new();
    for arguments in [
        &["trace", "ASIAWO645SY5JF6HUBQ3"][..],
        &["sessions"],
        &["link"],
    ] {
        let output = room.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            told(&output).contains("trailback ingest"),
            "{}",
            told(&output)
        );
    }
    assert!(!room.lake().exists());
}

#[test]
fn a_file_in_the_place_of_a_lake_is_named() {
    let room = Room::new();
    fs::write(room.lake(), b"a file").unwrap();
    let output = room.run(&["ingest", &logs()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(room.lake()).unwrap(), b"a file");
}

#[cfg(unix)]
#[test]
fn a_lake_that_may_only_be_read_answers_but_takes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::with_sample();
    let set_mode = |mode: fn(bool) -> u32| {
        let mut waiting = vec![room.lake()];
        while let Some(path) = waiting.pop() {
            let is_folder = path.is_dir();
            if is_folder {
                waiting.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            }
            fs::set_permissions(path, fs::Permissions::from_mode(mode(is_folder))).unwrap();
        }
    };
    let before = crate::room::table(&room.lake());
    set_mode(|is_folder| if is_folder { 0o555 } else { 0o444 });
    let is_bound = fs::write(room.lake().join("probe"), b"").is_err();
    if is_bound {
        assert!(
            room.answer(&["trace", "ASIAWO645SY5JF6HUBQ3"])
                .contains("anna.berg")
        );
        let more = Room::new();
        more.write_log("more.json", br#"{"Records":[{"eventID":"e","eventTime":"2026-11-21T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"GetSessionToken","responseElements":{"credentials":{"accessKeyId":"ASIARTX3GSDSYQ7MVN4D"}}}]}"#);
        let output = room.run(&["ingest", &more.path("logs").display().to_string()]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains("permission"), "{}", told(&output));
    } else {
        println!("skipped: this user may write everywhere");
    }
    set_mode(|is_folder| if is_folder { 0o755 } else { 0o644 });
    let _ = fs::remove_file(room.lake().join("probe"));
    assert_eq!(crate::room::table(&room.lake()), before);
}

/// What was typed, and what must be said.
const WRONG_USES: &[(&[&str], &str)] = &[
    (
        &["ingest", "s3:bucket/AWSLogs", "--lake", "x"],
        "is no S3 location",
    ),
    (
        &["ingest", "no-such-folder", "--lake", "x"],
        "does not exist",
    ),
    (&["trace", "who", "--lake", "x"], "is not an access key ID"),
    (
        &["trace", "ASIAWO645SY5JF6HUBQ3", "--lake", "s3://My_Bucket"],
        "is no bucket",
    ),
    (
        &[
            "trace",
            "ASIAWO645SY5JF6HUBQ3",
            "--lake",
            "x",
            "--logs",
            "s3://b",
        ],
        "is no bucket",
    ),
    (
        &[
            "trace",
            "ASIAWO645SY5JF6HUBQ3",
            "--lake",
            "x",
            "--at",
            "2026-11-20",
            "--since",
            "2026-11-20",
        ],
        "cannot be used with",
    ),
    (
        &[
            "trace",
            "ASIAWO645SY5JF6HUBQ3",
            "--lake",
            "x",
            "--format",
            "pdf",
        ],
        "possible values",
    ),
    (
        &["sessions", "--lake", "x", "--tag", "Ticket"],
        "not a pair",
    ),
    (
        &["sessions", "--lake", "x", "--since", "soon"],
        "not a time",
    ),
    (
        &["sessions", "--lake", "x", "--policy", "xyz"],
        "not a SHA-256",
    ),
    (
        &["schema", "--format", "athena-ddl", "--first-day", "today"],
        "not a time",
    ),
];

#[test]
fn what_is_not_there_yet_or_no_subject_is_wrong_use_before_anything_is_done() {
    let room = Room::new();
    for (arguments, reason) in WRONG_USES {
        let output = program()
            .args(*arguments)
            .current_dir(room.path(""))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            told(&output).contains(reason),
            "{arguments:?}: {}",
            told(&output)
        );
        assert_eq!(printed(&output), "");
    }
    assert!(files(&room.path("")).is_empty());
}
