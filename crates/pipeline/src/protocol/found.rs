//! Schedules in which the model has found a promise broken, as plain as they can be told.

use trailback_tables::Table;

use super::play::{Play, runtime, telling};
use super::scenario::Before::{Extracted, Hours, Linked, Unpublished};
use super::scenario::Role::{Backfill, Linker};
use super::scenario::{Before, Role, Scenario, Stage};

fn scenario(before: &[Before], actors: &[Role]) -> Scenario {
    Scenario {
        before: before.to_vec(),
        actors: actors.to_vec(),
        ..Scenario::default()
    }
}

fn play(scenario: Scenario, schedule: impl AsyncFnOnce(&mut Play)) {
    runtime().block_on(async {
        let stage = Stage::set(scenario).await;
        let mut play = stage.play().await;
        let history = play.history();
        let playing = async {
            schedule(&mut play).await;
            stage.end(play).await;
        };
        telling(history, playing).await;
    });
}

/// The ledger was listed before its fragments were folded, and read after.
#[test]
fn a_backfill_outlives_the_folding_of_the_ledger() {
    let before = [
        Extracted("b"),
        Extracted("c"),
        Linked,
        Hours(25),
        Linked,
        Hours(25),
    ];
    play(scenario(&before, &[Linker(1), Backfill(1)]), async |play| {
        play.go_on_until(1, "get", ".parquet").await;
        play.go_on_until(0, "until", "it is done").await;
    });
}

/// The first page of a listing was had before a fold was stored, the second one when all but one of its inputs had gone,
/// and the fold's name is on the first: so one fragment was taken for all there is.
#[test]
fn a_listing_that_misses_a_fold_and_its_inputs_unpublishes_nothing() {
    let before = [Extracted("b"), Extracted("f"), Linked, Hours(25)];
    let scenario = Scenario {
        page_objects: 1,
        only: Some(Table::Sessions),
        ..scenario(&before, &[Linker(1), Linker(1)])
    };
    play(scenario, async |play| {
        play.go_on_until(1, "list", "sessions/fragments/").await;
        play.step(1).await;
        play.go_on_until(0, "delete", ".parquet").await;
        play.step(0).await;
        play.go_on_until(1, "until", "it is done").await;
    });
}

/// A linker had died before it published what it had stored. Two others saw that it was old; one deleted it, wrote it
/// again and published it. Then the other one deleted it.
#[test]
fn an_object_that_was_deleted_and_written_again_is_not_deleted_again() {
    let before = [Extracted("a"), Linked, Unpublished, Hours(49)];
    let scenario = Scenario {
        only: Some(Table::Sessions),
        ..scenario(&before, &[Linker(1), Linker(1)])
    };
    play(scenario, async |play| {
        play.go_on_until(1, "delete", ".parquet").await;
        play.go_on_until(0, "until", "it is done").await;
    });
}
