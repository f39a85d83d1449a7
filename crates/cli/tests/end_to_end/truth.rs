//! The simulator knows who called whom: every row of the table must say what it knows, whatever the way through the lake.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;

use serde_json::Value;
use trailback_simulator::{Folder, Plan, Sink, Truth, UseTruth, simulate};

use crate::room::{Room, printed, told};

/// Uses that are traced through the program, one process each.
const USES_TRACED: usize = 40;

/// Writes log objects to a folder and keeps the truth.
struct Logs {
    folder: Folder,
    truths: Vec<Truth>,
    uses: Vec<UseTruth>,
}

impl Sink for Logs {
    fn object(&mut self, object_key: &str, json: &[u8]) -> io::Result<()> {
        self.folder.object(object_key, json)
    }

    fn truth(&mut self, truth: Truth) -> io::Result<()> {
        self.truths.push(truth);
        Ok(())
    }

    fn used(&mut self, used: UseTruth) -> io::Result<()> {
        self.uses.push(used);
        Ok(())
    }
}

#[test]
fn every_row_of_the_table_is_true() {
    check(&Plan {
        calls: 5_000,
        ..Plan::small(23)
    });
}

/// The size that is promised: run by `make truth`.
#[test]
#[ignore = "100,000 calls among 500,000 records: make truth"]
fn every_row_of_a_large_organisation_is_true() {
    check(&Plan {
        sts_share: 0.2,
        uses_told: 0.01,
        ..Plan::organisation(42)
    });
}

fn check(plan: &Plan) {
    let room = Room::new();
    let logs = room.path("logs");
    let folder = Folder::create(&logs, None, None).unwrap();
    let mut simulated = Logs {
        folder,
        truths: Vec::new(),
        uses: Vec::new(),
    };
    simulate(plan, &mut simulated).unwrap();
    let ingested = room.run(&["ingest", &logs.display().to_string()]);
    assert_eq!(ingested.status.code(), Some(0), "{}", told(&ingested));
    let answer = room.answer(&["sessions", "--limit", "0", "--format", "json"]);
    let rows: Vec<Value> = answer
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // A witness is a row of the table, but no session.
    simulated
        .truths
        .retain(|truth| truth.facts.session_type != "Witness");
    assert_eq!(rows.len(), simulated.truths.len(), "rows");
    assert!(
        !answer.contains(trailback_simulator::SESSION_TOKEN_START),
        "no session token reaches a row"
    );
    let by_id: BTreeMap<&str, &Value> = rows
        .iter()
        .map(|row| (row["event_id"].as_str().unwrap(), row))
        .collect();
    let mut lies = Lies::default();
    for truth in &simulated.truths {
        let row = by_id.get(&*truth.event_id);
        lies.compare(
            truth.scenario,
            row.copied(),
            &serde_json::from_str(&truth.to_json()).unwrap(),
        );
    }
    for used in simulated
        .uses
        .iter()
        .step_by(simulated.uses.len().div_ceil(USES_TRACED).max(1))
    {
        check_use(&room, used);
    }
    assert!(lies.0.is_empty(), "{:#?}", lies.0);
}

/// What rows say against the truth, by scenario and column: how often, and one example.
#[derive(Default)]
struct Lies(BTreeMap<(String, String), (u32, String)>);

impl Lies {
    fn compare(&mut self, scenario: &str, row: Option<&Value>, truth: &Value) {
        let assumed = truth["session_type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("Assumed"));
        for (column, known) in truth.as_object().unwrap() {
            let said = row.map_or(&Value::Null, |row| &row[column]);
            // What a console session or a witness is called by is held by the tests of each family of calls.
            let is_told =
                assumed || !["session_arn", "session_name", "role_arn"].contains(&column.as_str());
            if column != "scenario" && is_told && plain(said) != plain(known) {
                let example = format!("{}: {said}, not {known}", truth["event_id"]);
                self.0
                    .entry((scenario.to_owned(), column.clone()))
                    .or_insert((0, example))
                    .0 += 1;
            }
        }
    }
}

/// The table has null where the truth has an empty list or map, and times with or without fractions.
fn plain(value: &Value) -> Value {
    let is_empty = match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    if is_empty { Value::Null } else { value.clone() }
}

/// `trace -` finds the issuance behind a raw record, or says that it cannot.
fn check_use(room: &Room, used: &UseTruth) {
    let mut running = room
        .command(&["trace", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    io::Write::write_all(&mut running.stdin.take().unwrap(), used.record.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let place = format!("{} ({}): {}", used.event_id, used.scenario, told(&output));
    let answer = printed(&output);
    let parent = used.link.parent_event_id.as_deref();
    match parent {
        Some(parent) => assert!(answer.contains(parent), "{place}: {answer}"),
        None => assert!(
            !answer.contains("\"link_status\":\"linked\"") || used.link.chain_depth > 0,
            "{place}: {answer}"
        ),
    }
    if let Some(name) = &used.link.origin.name {
        assert!(answer.contains(&**name), "{place}: {answer}");
    }
}
