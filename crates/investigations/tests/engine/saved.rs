//! Every saved investigation and view runs, with values bound.

use trailback_investigations::parameters::{ParameterType, Value, Values};
use trailback_investigations::saved::{Catalog, Investigation, SINCE, UNTIL};
use trailback_simulator::Plan;

use crate::lakes::{Room, ask, rows};

/// Values that an investigation takes; texts are hostile.
fn values(investigation: &Investigation, since: &str, until: &str) -> Values {
    let value = |name: &str, parameter_type| match (name, parameter_type) {
        (SINCE, _) => Value::Day(since.parse().unwrap()),
        (UNTIL, _) => Value::Day(until.parse().unwrap()),
        (_, ParameterType::Text) => Value::Text("it's; -- $x %".to_owned()),
        (_, ParameterType::Day) => Value::Day(since.parse().unwrap()),
        (_, ParameterType::Time) => Value::Time(trailback_sessions::Timestamp(1_794_787_200_000)),
        (_, ParameterType::Number) => Value::Number("2".to_owned()),
    };
    let parameters = investigation.parameters.iter();
    let named = parameters.map(|parameter| {
        let name = parameter.name.clone();
        let value = value(&name, parameter.parameter_type);
        (name, value)
    });
    named.collect()
}

async fn all_run(room: &Room) {
    let catalog = Catalog::embedded().unwrap();
    let engine = room.engine().await;
    let days = engine.days().unwrap();
    let (since, until) = (days.start().to_string(), days.end().to_string());
    let mut failures = Vec::new();
    for investigation in &catalog.investigations {
        let values = values(investigation, &since, &until);
        if let Err(error) = ask(&engine, &investigation.text, &values).await {
            failures.push(format!("{}: {error:?}", investigation.name));
        }
    }
    for view in &catalog.views {
        let sql = format!("SELECT * FROM {}", view.name);
        if let Err(error) = ask(&engine, &sql, &Values::new()).await {
            failures.push(format!("{}: {error:?}", view.name));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn every_saved_investigation_and_view_runs_on_the_sample() {
    all_run(&Room::with_sample().await).await;
}

#[tokio::test]
async fn every_saved_investigation_and_view_runs_on_an_organisation() {
    all_run(&Room::simulated(&Plan::small(5)).await.0).await;
}

#[tokio::test]
async fn functions_of_athena_are_known() {
    let room = Room::with_sample().await;
    let engine = room.engine().await;
    for (expression, value) in [
        ("contains(ARRAY['a', 'b'], 'b')", "true"),
        ("contains('abc', 'bc')", "true"),
        ("cardinality(ARRAY[1, 2])", "2"),
        ("element_at(ARRAY['a', 'b'], 2)", "\"b\""),
        ("element_at(ARRAY['a', 'b'], 3)", "null"),
        ("element_at(MAP(ARRAY['k'], ARRAY['v']), 'k')", "\"v\""),
        ("element_at(MAP(ARRAY['k'], ARRAY['v']), 'x')", "null"),
        ("sequence(1, 3)", "[1,2,3]"),
        ("array_join(ARRAY['a', 'b'], ' ')", "\"a b\""),
        (
            "date_diff('hour', TIMESTAMP '2026-11-20 09:00:00', TIMESTAMP '2026-11-20 11:59:59')",
            "2",
        ),
        (
            "date_diff('second', TIMESTAMP '2026-11-20 09:00:01', TIMESTAMP '2026-11-20 09:00:00')",
            "-1",
        ),
        (
            "from_iso8601_timestamp('2026-11-20T09:00:00Z')",
            "\"2026-11-20T09:00:00Z\"",
        ),
        ("(SELECT arbitrary(x) FROM (VALUES (7)) AS t (x))", "7"),
        (
            "(SELECT x FROM (VALUES (1), (NULL), (2)) AS t (x) ORDER BY x DESC LIMIT 1)",
            "2",
        ),
    ] {
        let answer = rows(&engine, &format!("SELECT {expression} AS value")).await;
        assert_eq!(answer[0]["value"].to_string(), value, "{expression}");
    }
    let months = "SELECT date_diff('month', event_time, event_time) FROM sessions";
    assert!(ask(&engine, months, &Values::new()).await.is_err());
}
