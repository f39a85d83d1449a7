//! Questions in SQL, as people ask them.

use std::io::{Read, Write};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::room::{Room, files, printed, program, told};

/// The last hop of the chain that starts with anna.berg.
const RESTORE_KEY: &str = "ASIAWO645SY5JF6HUBQ3";

/// What is told but for the line of costs, in which time differs.
fn told_but_costs(output: &Output) -> String {
    let told = told(output);
    let lines = told.lines().filter(|line| !line.starts_with("read "));
    lines.collect::<Vec<_>>().join("\n")
}

fn with_input(room: &Room, arguments: &[&str], input: &str) -> Output {
    let mut command = room.command(arguments);
    let streams = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = streams.spawn().unwrap();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    running.wait_with_output().unwrap()
}

#[test]
fn without_a_name_the_investigations_are_listed_and_no_lake_is_needed() {
    let listed = program().arg("investigate").output().unwrap();
    assert_eq!(
        (listed.status.code(), told(&listed).as_str()),
        (Some(0), "")
    );
    insta::assert_snapshot!(printed(&listed));
}

#[test]
fn an_investigation_explains_itself_and_shows_its_sql() {
    let of_key = |option: &[&str]| {
        let arguments = [&["investigate", "who-is-behind-this-access-key"], option].concat();
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        printed(&output)
    };
    insta::assert_snapshot!(of_key(&["--explain"]));
    let saved = of_key(&["--sql"]);
    assert!(
        saved.starts_with("-- Who is behind this access key?\n"),
        "{saved}"
    );
    assert!(saved.contains("= $access_key_id"), "{saved}");
    let athena = of_key(&["--sql", "athena"]);
    let using = "-- EXECUTE trailback_who_is_behind_this_access_key USING ";
    assert!(
        athena.starts_with(using) && athena.contains("= ?"),
        "{athena}"
    );
}

#[test]
fn a_key_is_investigated() {
    let room = Room::with_sample();
    let parameter = format!("access_key_id={RESTORE_KEY}");
    let output = room.run(&[
        "investigate",
        "who-is-behind-this-access-key",
        "--param",
        &parameter,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    insta::assert_snapshot!(printed(&output));
    let cost = told(&output);
    assert!(
        cost.starts_with("read ") && cost.contains(" requests, "),
        "{cost}"
    );
}

#[test]
fn days_narrow_what_is_asked() {
    let room = Room::with_sample();
    let parameter = format!("access_key_id={RESTORE_KEY}");
    let ask = |days: &[&str]| {
        let command = [
            "investigate",
            "who-is-behind-this-access-key",
            "--param",
            &parameter,
        ];
        room.run(&[&command, days].concat())
    };
    assert_eq!(
        ask(&["--since", "2026-11-20", "--until", "2026-11-20"])
            .status
            .code(),
        Some(0)
    );
    let nothing = ask(&["--until", "2026-11-19"]);
    assert_eq!(
        (nothing.status.code(), printed(&nothing).as_str()),
        (Some(1), "")
    );
    assert_eq!(
        told_but_costs(&nothing),
        "no row\nthis lake has sessions of 2026-11-20 only (UTC)"
    );
    assert_eq!(
        ask(&["--since", "2026-11-21", "--until", "2026-11-20"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn wrong_use_of_an_investigation_says_what_is_right() {
    let room = Room::with_sample();
    let refused = |arguments: &[&str]| {
        let output = room.run(arguments);
        assert_eq!(
            (output.status.code(), printed(&output).as_str()),
            (Some(2), "")
        );
        told(&output)
    };
    let name = "who-is-behind-this-access-key";
    insta::assert_snapshot!("wrong_name", refused(&["investigate", "who-is-behind-key"]));
    insta::assert_snapshot!("missing_parameter", refused(&["investigate", name]));
    insta::assert_snapshot!(
        "unknown_parameter",
        refused(&["investigate", name, "--param", "key=ASIA"])
    );
    insta::assert_snapshot!(
        "wrong_value",
        refused(&[
            "investigate",
            "how-deep-role-chains-go",
            "--param",
            "min_depth=deep"
        ])
    );
    for parameters in [
        ["--param", "access_key_id"].as_slice(),
        &["--param", "access_key_id=a", "--param", "access_key_id=b"],
        &["--param", "access_key_id=a", "--since", "20.11.2026"],
        &[
            "--param",
            "access_key_id=a",
            "--since",
            "2026-11-20",
            "--param",
            "since=2026-11-20",
        ],
    ] {
        refused(&[&["investigate", name], parameters].concat());
    }
    let no_lake = program()
        .args(["investigate", name, "--param", "access_key_id=a"])
        .output()
        .unwrap();
    assert_eq!(no_lake.status.code(), Some(2));
    assert!(
        told(&no_lake).contains("--lake is missing"),
        "{}",
        told(&no_lake)
    );
}

#[test]
fn free_sql_is_answered_as_table_json_and_csv() {
    let room = Room::with_sample();
    let narrow = "SELECT role_name, count(*) AS sessions, max(chain_depth) AS depth FROM sessions_issued \
                  GROUP BY role_name ORDER BY sessions DESC, role_name";
    insta::assert_snapshot!("table", room.answer(&["query", narrow]));
    let wide = "SELECT event_time, session_arn, session_mfa, chain_role_arns, effective_tags, chain FROM sessions \
                WHERE access_key_id = 'ASIAWO645SY5JF6HUBQ3'";
    insta::assert_snapshot!("blocks", room.answer(&["query", wide]));
    insta::assert_snapshot!("json", room.answer(&["query", wide, "--format", "json"]));
    insta::assert_snapshot!("csv", room.answer(&["query", wide, "--format", "csv"]));
    let asked = with_input(&room, &["query", "-"], narrow);
    assert_eq!(printed(&asked), room.answer(&["query", narrow]));
}

#[test]
fn json_in_sql_is_the_json_of_sessions() {
    let room = Room::with_sample();
    let read = |text: String| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let sql = "SELECT * FROM sessions WHERE session_type <> 'Witness' ORDER BY event_time DESC, event_id DESC";
    let mut in_sql = read(room.answer(&["query", sql, "--format", "json"]));
    for row in &mut in_sql {
        assert_eq!(
            row.as_object_mut().unwrap().remove("dt").unwrap(),
            "2026-11-20"
        );
    }
    let listed = read(room.answer(&["sessions", "--limit", "0", "--format", "json"]));
    assert!(!listed.is_empty());
    assert_eq!(in_sql, listed);
}

#[test]
fn a_table_is_cut_and_says_so_and_the_rest_is_not() {
    let room = Room::with_sample();
    let sql = "SELECT n.value AS n FROM generate_series(1, 250) AS n ORDER BY n";
    let cut = room.run(&["query", sql]);
    assert_eq!(
        told_but_costs(&cut),
        "there are more rows; --limit 0 shows all"
    );
    assert_eq!(printed(&cut).lines().count(), 102);
    let lines = |options: &[&str]| {
        let arguments = [&["query", sql], options].concat();
        room.answer(&arguments).lines().count()
    };
    assert_eq!(lines(&["--limit", "0"]), 252);
    assert_eq!(lines(&["--format", "json"]), 250);
    assert_eq!(lines(&["--format", "csv"]), 251);
    assert_eq!(lines(&["--format", "csv", "--limit", "7"]), 8);
}

#[test]
fn wrong_sql_is_shown_with_its_place() {
    let room = Room::with_sample();
    let refused = |sql: &str| {
        let output = room.run(&["query", sql]);
        assert_eq!(
            (output.status.code(), printed(&output).as_str()),
            (Some(2), "")
        );
        told(&output)
    };
    insta::assert_snapshot!(
        "syntax",
        refused("SELECT role_arn\nFROM sessions\nWHERE ORDER BY 1")
    );
    insta::assert_snapshot!(
        "no_column",
        refused("SELECT event_time, rolearn\nFROM sessions")
    );
    insta::assert_snapshot!("no_table", refused("SELECT * FROM session"));
    insta::assert_snapshot!("no_query", refused("DROP TABLE sessions"));
    insta::assert_snapshot!(
        "no_value",
        refused("SELECT * FROM sessions WHERE dt = $day")
    );
    insta::assert_snapshot!(
        "failed",
        refused("SELECT CAST(event_name AS int) AS n FROM sessions")
    );
    refused("");
}

#[test]
fn a_query_touches_nothing_but_the_lake() {
    let room = Room::with_sample();
    let before = files(&room.lake());
    let target = room.path("written.csv").display().to_string();
    for sql in [
        format!("COPY (SELECT 1) TO '{target}'"),
        format!(
            "SELECT * FROM '{}'",
            room.path("lake/trailback-lake.json").display()
        ),
        "CREATE TABLE t AS SELECT 1".to_owned(),
    ] {
        assert_eq!(room.run(&["query", &sql]).status.code(), Some(2), "{sql}");
    }
    room.answer(&["query", "SELECT count(*) AS n FROM log_objects"]);
    assert_eq!(files(&room.lake()), before);
    assert!(!room.path("written.csv").exists());
}

#[test]
fn nothing_found_is_exit_code_1() {
    let room = Room::with_sample();
    for format in ["table", "json", "csv"] {
        let sql = "SELECT event_id FROM sessions WHERE false";
        let output = room.run(&["query", sql, "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        let expected = if format == "csv" { "event_id\n" } else { "" };
        assert_eq!(printed(&output), expected);
    }
    let empty = Room::new();
    assert_eq!(
        empty.run(&["query", "SELECT 1 AS one"]).status.code(),
        Some(2)
    );
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let room = Room::with_sample();
    let hostile = format!(
        "<script>\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n\"'{}",
        "x".repeat(2_000)
    );
    let sql = format!(
        "SELECT '{}' AS name, event_id FROM sessions LIMIT 1",
        hostile.replace('\'', "''")
    );
    for format in ["table", "json", "csv"] {
        let answer = room.answer(&["query", &sql, "--format", format]);
        let is_shown = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(answer.chars().all(is_shown), "{answer:?}");
        assert!(answer.contains(&"x".repeat(2_000)), "{format}");
        if format == "json" {
            let row: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(row["name"], *hostile);
        }
    }
    let failed = format!(
        "SELECT CAST('{}' AS int) + chain_depth AS n FROM sessions",
        hostile.replace('\'', "''")
    );
    let output = room.run(&["query", &failed]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!told(&output).contains("\u{1b}]0"), "{:?}", told(&output));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let room = Room::with_sample();
    let sql = "SELECT n.value AS n, repeat('x', 1000) AS x FROM generate_series(1, 20000) AS n";
    let mut command = room.command(&["query", sql, "--format", "json"]);
    let mut running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    running
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), told(&output).as_str()),
        (Some(0), "")
    );
}
