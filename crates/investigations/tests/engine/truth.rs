//! What investigations find in a simulated organisation is what its truth says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use trailback_investigations::Engine;
use trailback_investigations::parameters::{Value, Values};
use trailback_investigations::saved::{Catalog, SINCE, UNTIL};
use trailback_simulator::{Plan, Truth};

use crate::lakes::{Room, ask};

struct World {
    engine: Engine,
    catalog: Catalog,
    truths: Vec<Truth>,
    _room: Room,
}

impl World {
    async fn new() -> World {
        let plan = Plan {
            duration: 30 * 3600,
            ..Plan::small(17)
        };
        let (room, truths) = Room::simulated(&plan).await;
        World {
            engine: room.engine().await,
            catalog: Catalog::embedded().unwrap(),
            truths,
            _room: room,
        }
    }

    async fn ask(&self, name: &str, parameters: &[(&str, &str)]) -> Vec<Json> {
        let investigation = self
            .catalog
            .investigation(name)
            .unwrap_or_else(|| panic!("{name}"));
        let days = self.engine.days().unwrap();
        let mut values = Values::from([
            (SINCE.to_owned(), Value::Day(*days.start())),
            (UNTIL.to_owned(), Value::Day(*days.end())),
        ]);
        for (parameter, typed) in parameters {
            let value = investigation
                .parameter(parameter)
                .unwrap()
                .parse(typed)
                .unwrap();
            values.insert((*parameter).to_owned(), value);
        }
        let answer = ask(&self.engine, &investigation.text, &values).await;
        answer.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    fn issued(&self) -> impl Iterator<Item = &Truth> {
        self.truths
            .iter()
            .filter(|truth| !truth.facts.failed && truth.facts.session_type != "Witness")
    }
}

fn ids<'a>(truths: impl Iterator<Item = &'a Truth>) -> BTreeSet<String> {
    truths.map(|truth| truth.event_id.to_string()).collect()
}

fn found_ids(rows: &[Json]) -> BTreeSet<String> {
    rows.iter()
        .map(|row| row["event_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_one_behind_a_key_is_the_true_origin() {
    let world = World::new().await;
    let deep = world.issued().filter(|truth| truth.link.chain_depth >= 2);
    let mut asked = 0;
    for truth in deep
        .filter(|truth| truth.facts.access_key_id.is_some())
        .take(5)
    {
        let key = truth.facts.access_key_id.as_deref().unwrap();
        let rows = world
            .ask("who-is-behind-this-access-key", &[("access_key_id", key)])
            .await;
        let issued = rows.iter().find(|row| row["event_id"] == *truth.event_id);
        let issued = issued.unwrap_or_else(|| panic!("{key}: {rows:?}"));
        assert_eq!(issued["part"], "handed out");
        assert_eq!(
            issued["origin_name"].as_str(),
            truth.link.origin.name.as_deref()
        );
        assert_eq!(issued["origin_known"], truth.link.origin.known);
        asked += 1;
    }
    assert!(asked > 0);
}

#[tokio::test]
async fn what_a_key_turned_into_are_its_true_descendants() {
    let world = World::new().await;
    let by_id: BTreeMap<&str, &Truth> = world
        .truths
        .iter()
        .map(|truth| (&*truth.event_id, truth))
        .collect();
    let root = world
        .issued()
        .filter(|truth| truth.facts.access_key_id.is_some() && truth.link.chain_depth == 0)
        .max_by_key(|truth| {
            let below = |child: &&Truth| child.link.chain_event_ids.contains(&truth.event_id);
            world.truths.iter().filter(below).count()
        })
        .unwrap();
    // The key may have been handed out twice, as some services do: the ID is what is asked for.
    let key = root.facts.access_key_id.as_deref().unwrap();
    let holds_key = |id: &str| {
        by_id
            .get(id)
            .is_some_and(|truth| truth.facts.access_key_id.as_deref() == Some(key))
    };
    let true_descendants = ids(world
        .truths
        .iter()
        .filter(|truth| truth.link.chain_event_ids.iter().any(|id| holds_key(id))));
    let rows = world
        .ask(
            "what-this-access-key-turned-into",
            &[("access_key_id", key)],
        )
        .await;
    assert!(true_descendants.len() > 1, "{key}");
    assert!(true_descendants.is_subset(&found_ids(&rows)), "{key}");
}

#[tokio::test]
async fn mfa_lost_is_mfa_at_the_true_origin_and_nowhere_after() {
    let world = World::new().await;
    let lost = |truth: &&Truth| {
        truth.link.origin_mfa == Some(true)
            && truth.facts.session_mfa != Some(true)
            && truth.facts.caller_mfa != Some(true)
    };
    let expected = ids(world.issued().filter(lost));
    let rows = world.ask("where-mfa-was-lost", &[]).await;
    assert!(!expected.is_empty());
    assert_eq!(found_ids(&rows), expected);
}

#[tokio::test]
async fn chains_break_where_the_truth_has_gaps() {
    let world = World::new().await;
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for reason in world
        .truths
        .iter()
        .filter_map(|truth| truth.link.gap_reason)
    {
        *expected.entry(reason.to_owned()).or_default() += 1;
    }
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    for row in world.ask("where-chains-break", &[]).await {
        *found
            .entry(row["gap_reason"].as_str().unwrap().to_owned())
            .or_default() += row["calls"].as_i64().unwrap();
    }
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_identity_is_behind_what_the_truth_says() {
    let world = World::new().await;
    let named =
        |truth: &&Truth| truth.link.origin.known && truth.link.origin.origin_type == "IAMUser";
    let arn = world
        .issued()
        .find(named)
        .and_then(|truth| truth.link.origin.arn.clone())
        .unwrap();
    let is_behind =
        |truth: &&Truth| truth.link.origin.known && truth.link.origin.arn.as_deref() == Some(&*arn);
    let expected = ids(world.truths.iter().filter(is_behind));
    let rows = world
        .ask("what-this-identity-turned-into", &[("origin", &arn)])
        .await;
    assert_eq!(found_ids(&rows), expected);
}
