//! The engine sees exactly the rows of the table, and reads no more of them than it needs.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;

use serde_json::{Value as Json, json};
use trailback_investigations::QueryError;
use trailback_investigations::parameters::Values;
use trailback_pipeline::find::{FindError, TimeRange, list};
use trailback_pipeline::lake::Lake;
use trailback_pipeline::published;
use trailback_sessions::Session;
use trailback_simulator::Plan;
use trailback_tables::columns::Row;
use trailback_tables::filter::Filter;
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::partition::Day;
use trailback_tables::{Table, decode_data_object};

use crate::lakes::{Room, ask, rows};

/// Two days, so that there are days to leave out.
fn plan() -> Plan {
    Plan {
        duration: 36 * 3600,
        ..Plan::small(11)
    }
}

/// The rows by place, with their day.
fn by_place(rows: Vec<Json>) -> BTreeMap<String, Json> {
    let count = rows.len();
    let place = |row: Json| (format!("{} {}", row["event_time"], row["event_id"]), row);
    let placed: BTreeMap<_, _> = rows.into_iter().map(place).collect();
    assert_eq!(placed.len(), count);
    placed
}

async fn scanned(lake: &Lake) -> Vec<Json> {
    let mut found = Vec::new();
    let mut take = |rows: Vec<Session>| {
        for row in rows {
            let day = Day::of(row.issuance.record.event_time).to_string();
            let mut row = serde_json::to_value(Row(&row)).unwrap();
            row["dt"] = json!(day);
            found.push(row);
        }
        ControlFlow::Continue(())
    };
    list(lake, &Filter::all(), &TimeRange::default(), &mut take)
        .await
        .unwrap();
    found
}

#[tokio::test]
async fn every_cell_of_sessions_is_what_the_programs_own_scan_reads() {
    let (room, _) = Room::simulated(&plan()).await;
    let engine = room.engine().await;
    let read = by_place(rows(&engine, "SELECT * FROM sessions").await);
    let expected = by_place(scanned(&room.lake).await);
    assert!(read.len() > 1_000);
    assert_eq!(read.len(), expected.len());
    for (place, row) in &expected {
        assert_eq!(read.get(place), Some(row), "{place}");
    }
}

#[tokio::test]
async fn every_cell_of_the_ledger_is_what_its_data_objects_hold() {
    let (room, _) = Room::simulated(&plan()).await;
    let mut expected = Vec::new();
    for key in published::objects(&room.lake, Table::LogObjects, &Day::RANGE)
        .await
        .unwrap()
        .into_keys()
    {
        let content = room
            .lake
            .store()
            .get(&key.to_string())
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        for entry in decode_data_object::<LedgerEntry>(content).unwrap() {
            let mut row = serde_json::to_value(Row(&entry)).unwrap();
            row["dt"] = json!(key.day.to_string());
            expected.push(row.to_string());
        }
    }
    let read = rows(&room.engine().await, "SELECT * FROM log_objects").await;
    let mut read: Vec<String> = read.iter().map(Json::to_string).collect();
    read.sort();
    expected.sort();
    assert!(!read.is_empty());
    assert_eq!(read, expected);
}

#[tokio::test]
async fn what_no_manifest_names_is_not_read() {
    let room = Room::with_sample().await;
    let before = rows(&room.engine().await, "SELECT * FROM sessions").await;
    let data = room.path().join("sessions/data");
    let day = fs::read_dir(&data).unwrap().next().unwrap().unwrap().path();
    let object = fs::read_dir(&day).unwrap().next().unwrap().unwrap().path();
    fs::copy(&object, day.join("day-0123456789abcdef.parquet")).unwrap();
    assert_eq!(
        rows(&room.engine().await, "SELECT * FROM sessions")
            .await
            .len(),
        before.len()
    );
}

#[tokio::test]
async fn a_day_that_is_not_asked_for_is_not_read() {
    let (room, _) = Room::simulated(&plan()).await;
    let engine = room.engine().await;
    let days = engine.days().unwrap();
    assert_ne!(days.start(), days.end());
    let per_day = rows(
        &engine,
        "SELECT dt, count(*) AS n FROM sessions GROUP BY dt ORDER BY dt",
    )
    .await;
    // A day whose objects are gone is an error only for who asks for it.
    let lost = room.path().join(format!("sessions/data/dt={}", days.end()));
    fs::remove_dir_all(lost).unwrap();
    let engine = room.engine().await;
    let first = days.start();
    for condition in [
        format!("dt = '{first}'"),
        format!("dt BETWEEN '{first}' AND '{first}'"),
        format!("dt IN ('{first}', '2020-01-01') AND event_name <> ''"),
        format!("dt < '{}'", days.end()),
    ] {
        let sql = format!("SELECT count(*) AS n FROM sessions WHERE {condition}");
        assert_eq!(rows(&engine, &sql).await[0]["n"], per_day[0]["n"], "{sql}");
    }
    let none = rows(&engine, "SELECT * FROM sessions WHERE dt > '2999-01-01'").await;
    assert!(none.is_empty());
    let error = ask(&engine, "SELECT count(*) FROM sessions", &Values::new())
        .await
        .unwrap_err();
    assert!(matches!(error, QueryError::Lake(_)), "{error:?}");
}

#[tokio::test]
async fn a_look_up_reads_a_part_of_the_table() {
    let (room, truths) = Room::simulated(&plan()).await;
    let cost = async |sql: &str| {
        let engine = room.engine().await;
        let found = rows(&engine, sql).await.len();
        (found, engine.counts().bytes_read())
    };
    let (_, whole) = cost("SELECT * FROM sessions").await;
    let key = truths
        .iter()
        .find_map(|truth| truth.facts.access_key_id.clone())
        .unwrap();
    let sql = format!("SELECT event_id, origin_name FROM sessions WHERE access_key_id = '{key}'");
    let (found, looked_up) = cost(&sql).await;
    assert!(found >= 1);
    assert!(looked_up < whole / 2, "{looked_up} of {whole}");
    let absent = "SELECT * FROM sessions WHERE access_key_id = 'ASIAABSENTABSENTABSE'";
    let (found, in_vain) = cost(absent).await;
    assert_eq!(found, 0);
    assert!(in_vain < whole / 2, "{in_vain} of {whole}");
}

#[tokio::test]
async fn damaged_bytes_are_an_error_that_names_the_object() {
    let room = Room::with_sample().await;
    let data = room.path().join("sessions/data");
    let day = fs::read_dir(&data).unwrap().next().unwrap().unwrap().path();
    let object = fs::read_dir(&day).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&object).unwrap();
    bytes[100] ^= 1;
    fs::write(&object, bytes).unwrap();
    let engine = room.engine().await;
    let error = ask(&engine, "SELECT * FROM sessions", &Values::new())
        .await
        .unwrap_err();
    let QueryError::Lake(FindError::Damaged { location, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(location, &object.display().to_string());
}
