//! The sample story, asked about in every way.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use trailback_tables::decode_data_object;
use trailback_tables::ledger::LedgerEntry;

use crate::room::{Room, files, printed, program, samples, told};

/// The last hop of the chain that starts with anna.berg.
const RESTORE_KEY: &str = "ASIAWO645SY5JF6HUBQ3";
/// A key that maria.ito's Identity Center session used, which no record hands out.
const UNISSUED_KEY: &str = "ASIAWO645SY5HWT5ERQN";
/// The first hop of the vendor's chain.
const VENDOR_KEY: &str = "ASIAWO645SY5GPU6CRXL";

fn logs() -> String {
    samples().join("logs").display().to_string()
}

/// Runs `trace -` on a text.
pub(crate) fn trace_pasted(room: &Room, pasted: &[u8], more: &[&str]) -> std::process::Output {
    let mut command = room.command(&[&["trace", "-"], more].concat());
    let streams = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = streams.spawn().unwrap();
    running.stdin.take().unwrap().write_all(pasted).unwrap();
    running.wait_with_output().unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_ingest_says_in_balanced_numbers_what_it_did() {
    let room = Room::new();
    let first = room.run(&["ingest", &logs()]);
    insta::assert_snapshot!(printed(&first));
    assert_eq!((first.status.code(), told(&first).as_str()), (Some(0), ""));
}

#[test]
fn the_ledger_has_hashes_unless_they_are_not_wanted() {
    let room = Room::new();
    let ingested = |options: &[&str]| {
        let lake = room.path(&format!("lake{}", options.concat()));
        let path = lake.display().to_string();
        let logs = logs();
        let arguments = [&["ingest", &logs, "--lake", &path], options].concat();
        assert!(program().args(arguments).output().unwrap().status.success());
        let ledger = files(&lake.join("log_objects/data")).into_values();
        let entries = ledger.flat_map(|bytes| decode_data_object(bytes.into()).unwrap());
        let hashes: Vec<bool> = entries
            .map(|entry: LedgerEntry| entry.sha256.is_some())
            .collect();
        (hashes, files(&lake.join("sessions/data")))
    };
    let (with, without) = (ingested(&[]), ingested(&["--no-hash"]));
    assert!(with.0.iter().any(|has_hash| *has_hash));
    assert!(without.0.iter().all(|has_hash| !has_hash));
    assert_eq!(with.0.len(), without.0.len());
    assert_eq!(with.1, without.1);
}

#[test]
fn a_key_is_traced_to_the_person_with_mfa_three_hops_away() {
    insta::assert_snapshot!(Room::with_sample().answer(&["trace", RESTORE_KEY]));
}

#[test]
fn every_form_of_a_subject_leads_to_the_same_chain() {
    let room = Room::with_sample();
    let expected = room.answer(&["trace", RESTORE_KEY]);
    let chain = |answer: &str| answer.split_once("\nIAM user").unwrap().1.to_owned();
    for subject in [
        "arn:aws:sts::444455556666:assumed-role/ledger-restore/restore-4711",
        "AROAWO645SY5DRESTX3M:restore-4711",
        "46adf1f8-af69-4751-8926-427d80293ac6",
    ] {
        assert_eq!(
            chain(&room.answer(&["trace", subject])),
            chain(&expected),
            "{subject}"
        );
    }
}

#[test]
fn a_raw_record_is_traced_in_every_shape_people_hold_it_in() {
    let room = Room::with_sample();
    let record = std::fs::read_to_string(samples().join("record.json")).unwrap();
    let traced = trace_pasted(&room, record.as_bytes(), &[]);
    insta::assert_snapshot!(printed(&traced));
    let quoted = serde_json::to_string(&record).unwrap();
    for pasted in [
        format!(r#"{{"Records":[{record}]}}"#),
        format!(r#"{{"Events":[{{"EventName":"x","CloudTrailEvent":{quoted}}}]}}"#),
        format!(r#"{{"EventName":"x","CloudTrailEvent":{quoted}}}"#),
        format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{record}}}"#),
    ] {
        assert_eq!(
            printed(&trace_pasted(&room, pasted.as_bytes(), &[])),
            printed(&traced)
        );
    }
}

#[test]
fn a_record_that_is_in_the_lake_is_answered_with_its_row() {
    let room = Room::with_sample();
    let log = samples().join(
        "logs/AWSLogs/444455556666/CloudTrail/eu-central-1/2026/11/20/444455556666_CloudTrail_eu-central-1_20261120T0925Z_mA8cVh4GyQn6ZpRw.json",
    );
    let traced = printed(&trace_pasted(&room, &std::fs::read(log).unwrap(), &[]));
    assert!(
        traced.contains("IAM user anna.berg of account 111122223333, MFA at the origin only"),
        "{traced}"
    );
    assert!(
        traced.contains("issued key: made with ASIARTX3GSDSYQ7MVN4D"),
        "{traced}"
    );
}

#[test]
fn an_issuance_that_is_not_in_the_lake_is_traced_with_its_policy_and_tags() {
    let room = Room::new();
    let logs = samples().join("logs/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20");
    let jump =
        logs.join("111122223333_CloudTrail_eu-central-1_20261120T0905Z_b7WnYf3KsRj9QaUe.json");
    assert!(
        room.run(&["ingest", &jump.display().to_string()])
            .status
            .success()
    );
    let later =
        logs.join("111122223333_CloudTrail_eu-central-1_20261120T0920Z_Jp5kEr9BtWd3XsFu.json");
    let traced = printed(&trace_pasted(&room, &std::fs::read(later).unwrap(), &[]));
    assert!(
        traced.contains("prod-operator / anna.berg, account 444455556666"),
        "{traced}"
    );
    assert!(traced.contains("policy   inline 9e7851b471ce"), "{traced}");
    assert!(traced.contains("the record you gave"), "{traced}");
}

#[test]
fn what_is_no_record_is_wrong_use() {
    let room = Room::with_sample();
    for pasted in [
        "",
        "ASIAWO645SY5JF6HUBQ3",
        "{}",
        r#"{"eventName":"a","eventSource":"b"}"#,
    ] {
        let output = trace_pasted(&room, pasted.as_bytes(), &[]);
        assert_eq!(output.status.code(), Some(2), "{pasted}");
        assert_eq!(printed(&output), "");
    }
}

#[test]
fn a_vendors_chain_stops_at_a_gap_that_says_what_is_missing() {
    insta::assert_snapshot!(Room::with_sample().answer(&["trace", VENDOR_KEY]));
}

#[test]
fn a_refused_call_is_traced_like_any_other() {
    let room = Room::with_sample();
    insta::assert_snapshot!(room.answer(&["trace", "8530d6fb-833c-4834-b7bb-8336dd32d6e2"]));
}

#[test]
fn a_key_that_was_never_issued_is_explained_and_found_in_raw_logs() {
    let room = Room::with_sample();
    let missing = room.run(&["trace", UNISSUED_KEY]);
    assert_eq!(
        (missing.status.code(), printed(&missing).as_str()),
        (Some(1), "")
    );
    insta::assert_snapshot!("never_issued", told(&missing));
    insta::assert_snapshot!(
        "found_in_raw_logs",
        room.answer(&["trace", UNISSUED_KEY, "--logs", &logs()])
    );
    let nowhere = room.run(&["trace", "ASIAWO645SY5AAAAAAAA", "--logs", &logs()]);
    assert_eq!(nowhere.status.code(), Some(1));
    insta::assert_snapshot!("nowhere", told(&nowhere));
    let earlier = ["--at", "2026-11-18", "--logs", &logs()];
    let earlier = room.run(&[&["trace", UNISSUED_KEY][..], &earlier].concat());
    assert_eq!(earlier.status.code(), Some(1));
    assert!(told(&earlier).contains("no record of the time asked for"));
}

#[test]
fn of_several_sessions_the_newest_come_first_and_at_picks_those_alive() {
    let room = Room::with_sample();
    let role = "arn:aws:iam::444455556666:role/ledger-restore";
    let limited = room.run(&["trace", role, "--limit", "1"]);
    assert!(
        printed(&limited).contains("refused"),
        "the refused call is the newest"
    );
    assert_eq!(
        told(&limited),
        "1 older session not shown; --at TIME picks those alive then, --limit 0 shows all\n"
    );
    let alive = room.answer(&["trace", role, "--at", "2026-11-20T09:40"]);
    assert!(
        alive.contains("restore-4711") && !alive.contains("refused"),
        "{alive}"
    );
    assert_eq!(
        room.run(&["trace", role, "--at", "2026-11-20T09:00"])
            .status
            .code(),
        Some(1)
    );
    assert_eq!(
        room.run(&["trace", role, "--until", "2026-11-19"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn json_is_keyed_by_the_columns_of_the_table() {
    let room = Room::with_sample();
    let columns: Vec<String> = json_lines(&printed(
        &program()
            .args(["schema", "--format", "json"])
            .output()
            .unwrap(),
    ))
    .iter()
    .map(|column| column["name"].as_str().unwrap().to_owned())
    .collect();
    let traces = json_lines(&room.answer(&["trace", RESTORE_KEY, "--format", "json"]));
    let hops = traces[0]["hops"].as_array().unwrap();
    assert_eq!((traces.len(), hops.len()), (1, 3));
    for hop in hops {
        let mut names: Vec<&String> = hop.as_object().unwrap().keys().collect();
        let mut expected: Vec<&String> = columns.iter().collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
    }
    assert_eq!(
        hops[2]["origin_arn"],
        "arn:aws:iam::111122223333:user/anna.berg"
    );
    assert_eq!(hops[2]["origin_mfa"], true);
    assert_eq!(hops[2]["effective_tags"]["Ticket"], "OPS-4711");
    assert_eq!(hops[2]["parent_event_id"], hops[1]["event_id"]);
    let listed = json_lines(&room.answer(&["sessions", "--format", "json"]));
    assert_eq!(listed.len(), 12);
}

#[test]
fn descendants_show_what_a_key_turned_into() {
    let room = Room::with_sample();
    insta::assert_snapshot!(
        "descendants_of_a_user",
        room.answer(&["descendants", "AKIARTX3GSDSW4KXJQ6B"])
    );
    insta::assert_snapshot!(
        "descendants_of_a_key",
        room.answer(&["descendants", "ASIAWO645SY5ETZ2LKWC"])
    );
    let nobody = room.run(&["descendants", "AKIARTX3GSDSAAAAAAAA"]);
    assert_eq!(
        (nobody.status.code(), printed(&nobody).as_str()),
        (Some(1), "")
    );
}

#[test]
fn sessions_are_listed_newest_first_and_filtered() {
    let room = Room::with_sample();
    insta::assert_snapshot!("all_sessions", room.answer(&["sessions"]));
    let count = |filters: &[&str]| {
        let arguments = [&["sessions", "--format", "json"], filters].concat();
        json_lines(&printed(&room.run(&arguments))).len()
    };
    assert_eq!(count(&["--origin", "anna.berg"]), 3);
    assert_eq!(
        count(&["--origin", "arn:aws:iam::111122223333:user/anna.berg"]),
        3
    );
    assert_eq!(count(&["--role", "ledger-restore"]), 2);
    assert_eq!(count(&["--tag", "Ticket=OPS-4711"]), 3);
    assert_eq!(
        count(&["--tag", "Ticket=OPS-4711", "--tag", "Purpose=restore drill"]),
        1
    );
    assert_eq!(count(&["--policy", "9e7851b471ce"]), 1);
    assert_eq!(count(&["--no-mfa", "--origin", "anna.berg"]), 0);
    assert_eq!(
        count(&["--since", "2026-11-20T09:30", "--until", "2026-11-20T09:45"]),
        3
    );
    assert_eq!(count(&["--until", "2026-11-19"]), 0);
    assert_eq!(count(&["--limit", "5"]), 5);
    assert_eq!(
        room.run(&["sessions", "--role", "nobody"]).status.code(),
        Some(1)
    );
}

#[test]
fn without_mfa_and_mfa_unknown_are_two_lists() {
    let room = Room::with_sample();
    let listed = |filter| {
        json_lines(&printed(
            &room.run(&["sessions", "--format", "json", filter]),
        ))
    };
    let (without, unknown) = (listed("--no-mfa"), listed("--mfa-unknown"));
    assert!(!unknown.is_empty());
    for (rows, origin_mfa) in [(without, Value::Bool(false)), (unknown, Value::Null)] {
        for row in rows {
            assert_eq!(row["origin_mfa"], origin_mfa, "{row}");
            assert_ne!(row["session_mfa"], true, "{row}");
            assert_ne!(row["caller_mfa"], true, "{row}");
        }
    }
}

#[test]
fn a_subject_outside_the_time_asked_for_is_told_with_the_times_found() {
    let room = Room::with_sample();
    // A session that has expired is no answer to who held a key later.
    let later = ["--at", "2026-11-20T20:00"];
    for time in [["--at", "2026-11-19"], later, ["--since", "2026-11-21"]] {
        let outside = room.run(&[&["trace", RESTORE_KEY][..], &time].concat());
        assert_eq!(
            (outside.status.code(), printed(&outside).as_str()),
            (Some(1), "")
        );
        insta::assert_snapshot!("outside_the_time", told(&outside));
    }
    let nowhere = room.run(&["trace", "ASIAWO645SY5AAAAAAAA", "--at", "2026-11-19"]);
    assert!(told(&nowhere).starts_with("no ingested record hands out"));
}

#[test]
fn a_call_that_hands_out_nothing_does_not_claim_to_have_issued_anything() {
    let room = Room::with_sample();
    let record = std::fs::read(samples().join("record.json")).unwrap();
    let mut command = room.command(&["trace", "-", "--format", "json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(&record).unwrap();
    let traces = json_lines(&printed(&running.wait_with_output().unwrap()));
    let hops = traces[0]["hops"].as_array().unwrap();
    let outcomes: Vec<_> = hops.iter().map(|hop| hop["outcome"].as_str()).collect();
    assert_eq!(outcomes.last(), Some(&Some("used")));
    assert!(
        outcomes[..outcomes.len() - 1]
            .iter()
            .all(|outcome| *outcome == Some("issued"))
    );
}

#[test]
fn any_number_of_records_is_traced_the_newest_or_all_as_they_come() {
    let room = Room::with_sample();
    let record: Value =
        serde_json::from_slice(&std::fs::read(samples().join("record.json")).unwrap()).unwrap();
    let call = |number: u32| {
        let mut call = record.clone();
        call["eventID"] = format!("00000000-0000-4000-8000-{number:012}").into();
        call["eventTime"] = format!(
            "2026-11-20T09:{:02}:{:02}Z",
            40 + number / 60 % 20,
            number % 60
        )
        .into();
        call.to_string()
    };
    // Backwards in time.
    let calls: Vec<String> = (0..700).rev().map(call).collect();
    let traced = |limit: &str| {
        let arguments = ["trace", "-", "--format", "json", "--limit", limit];
        let mut command = room.command(&arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let mut stdin = running.stdin.take().unwrap();
        let pasted = format!("{{\"Records\":[{}]}}", calls.join(","));
        std::thread::spawn(move || stdin.write_all(pasted.as_bytes()));
        let output = running.wait_with_output().unwrap();
        let event_id = |trace: &Value| {
            let hops = trace["hops"].as_array().unwrap();
            assert_eq!(hops[0]["link_status"], "origin");
            let event_id = hops.last().unwrap()["event_id"].as_str().unwrap();
            event_id[24..].parse::<u32>().unwrap()
        };
        let ids: Vec<u32> = json_lines(&printed(&output)).iter().map(event_id).collect();
        (ids, told(&output))
    };
    assert_eq!(traced("0"), ((0..700).rev().collect(), String::new()));
    let told = "697 older sessions not shown; --limit 0 shows all\n";
    assert_eq!(traced("3"), (vec![699, 698, 697], told.to_owned()));
}

#[test]
fn the_whole_hash_of_a_policy_finds_what_its_start_finds() {
    let room = Room::with_sample();
    let by_start = room.answer(&["sessions", "--policy", "9e7851b471ce", "--format", "json"]);
    let hash = json_lines(&by_start)[0]["session_policy_sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        room.answer(&["sessions", "--policy", &hash, "--format", "json"]),
        by_start
    );
}

#[test]
fn the_schema_is_printed_for_people_athena_and_programs() {
    let schema = |table: &[&str], format| {
        let mut command = program();
        command.arg("schema").args(table).args(["--format", format]);
        printed(&command.output().unwrap())
    };
    assert!(schema(&[], "table").contains("session_policy_sha256"));
    assert!(schema(&["log_objects"], "table").contains("unpacked_bytes"));
    for (table, name) in [(&[][..], "sessions"), (&["log_objects"][..], "log_objects")] {
        let ddl = schema(table, "athena-ddl");
        assert!(ddl.starts_with(&format!("CREATE EXTERNAL TABLE IF NOT EXISTS `{name}` (")));
        assert!(ddl.contains(&format!("LOCATION 's3://BUCKET/PREFIX/{name}/table/'")));
        for line in schema(table, "table").lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

/// Names are made of the bytes. Whoever means to change how rows lie in files takes the new names over, and knows that every lake
/// will be linked anew.
#[test]
fn the_sessions_of_the_sample_are_the_same_bytes_as_ever() {
    let room = Room::with_sample();
    let files = files(&room.lake().join("sessions"));
    let state = files.iter().find(|(name, _)| name.ends_with(".state"));
    let state = String::from_utf8(state.unwrap().1.clone()).unwrap();
    let names: Vec<_> = files.into_keys().collect();
    insta::assert_snapshot!(format!("{}\n\n{state}", names.join("\n")));
}

#[test]
fn ingesting_again_in_other_portions_and_another_order_changes_no_byte() {
    let room = Room::with_sample();
    let before = crate::room::table(&room.lake());
    assert!(room.run(&["ingest", &logs()]).status.success());
    assert_eq!(crate::room::table(&room.lake()), before);

    // Rows name a log object by its path below what was ingested, so the portions keep the tree.
    let other = Room::new();
    let objects = files(&samples().join("logs"));
    for (number, (name, content)) in objects.iter().rev().enumerate() {
        let portion = other.path(&format!("portion-{number}"));
        let path = portion.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        assert!(
            other
                .run(&["ingest", &portion.display().to_string()])
                .status
                .success()
        );
    }
    assert_eq!(crate::room::table(&other.lake()), before);
    assert!(other.run(&["link", "--rebuild"]).status.success());
    assert_eq!(crate::room::table(&other.lake()), before);
}

#[test]
fn no_session_token_reaches_the_lake_or_an_answer() {
    let room = Room::with_sample();
    let token = b"NOT-A-REAL-TOKEN";
    let holds = |content: &[u8]| content.windows(token.len()).any(|window| window == token);
    for (name, content) in files(&room.lake()) {
        assert!(!holds(&content), "{name}");
    }
    assert!(!holds(
        room.answer(&["sessions", "--format", "json"]).as_bytes()
    ));
    let record = files(&samples().join("logs")).into_values().next().unwrap();
    assert!(holds(&record), "the sample holds a token to look for");
    let traced = trace_pasted(&room, &record, &[]);
    assert!(!holds(&traced.stdout) && !holds(&traced.stderr));
}

#[test]
fn colour_goes_to_terminals_and_where_it_is_asked_for() {
    let room = Room::with_sample();
    let has_colour = |text: &str| text.contains('\u{1b}');
    assert!(!has_colour(&room.answer(&["trace", RESTORE_KEY])));
    assert!(has_colour(&room.answer(&[
        "trace",
        RESTORE_KEY,
        "--color",
        "always"
    ])));
    let mut forced = room.command(&["trace", RESTORE_KEY, "--color", "always"]);
    let forced = forced.env("NO_COLOR", "1").output().unwrap();
    assert!(
        has_colour(&printed(&forced)),
        "what is typed beats the environment"
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let room = Room::with_sample();
    let mut command = room.command(&["sessions", "--format", "json"]);
    let mut running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(running.stdout.take());
    let output = running.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), told(&output).as_str()),
        (Some(0), "")
    );
}
