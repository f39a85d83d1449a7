//! Large cases in random orders, with any number of troubles, as time passes.

use proptest::prelude::*;

use super::play::{Play, Turn, runtime, telling};
use super::scenario::{Batch, Before, Role, Scenario, Stage};
use crate::store::scheduled::Fate;

/// One step of a schedule that fits any play: the smaller its numbers, the less happens.
#[derive(Clone, Debug)]
struct Step {
    /// How far the actor is from the one who went last.
    who: usize,
    /// Which of its waiting calls.
    which: usize,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Call(Fate),
    Dies,
    HoursPass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        60 => Just(What::Call(Fate::Goes)),
        1 => Just(What::Dies),
        1 => Just(What::Call(Fate::NeverAnswers)),
        1 => Just(What::Call(Fate::Fails)),
        1 => Just(What::Call(Fate::LosesReply)),
        1 => Just(What::Call(Fate::MeetsItself)),
        2 => prop_oneof![Just(7_i64), Just(25), Just(49)].prop_map(What::HoursPass),
    ];
    let who = prop_oneof![2 => Just(0_usize), 1 => 0..6_usize];
    let which = prop_oneof![3 => Just(0_usize), 1 => 0..4_usize];
    (who, which, what).prop_map(|(who, which, what)| Step { who, which, what })
}

fn batch() -> impl Strategy<Value = Batch> {
    prop_oneof![
        Just("a"),
        Just("b"),
        Just("cd"),
        Just("e"),
        Just("abf"),
        Just("f"),
        Just("ec")
    ]
}

fn before() -> impl Strategy<Value = Vec<Before>> {
    let step = prop_oneof![
        batch().prop_map(Before::Extracted),
        batch().prop_map(Before::Extracted),
        Just(Before::Linked),
        Just(Before::Hours(25)),
        Just(Before::Hours(49)),
        Just(Before::Unpublished),
    ];
    proptest::collection::vec(step, 0..8)
}

fn actors() -> impl Strategy<Value = Vec<Role>> {
    let batches = || proptest::collection::vec(batch(), 1..3);
    let actors = (batches(), batches(), 1..3_u32, 1..3_u32);
    actors.prop_map(|(first, second, links, links_too)| {
        vec![
            Role::Linker(links),
            Role::Linker(links_too),
            Role::Extractor(first),
            Role::Extractor(second),
            Role::Reader(2),
            Role::Backfill(1),
        ]
    })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let pages = prop_oneof![Just(1000_usize), Just(1), Just(2), Just(3)];
    let rows = prop_oneof![Just(250_000_u64), Just(1), Just(3)];
    let skews = prop_oneof![Just(0_i64), Just(20 * 60_000)];
    let parts = (before(), actors(), pages, rows, skews);
    parts.prop_map(
        |(before, actors, page_objects, day_object_rows, skew_ms)| Scenario {
            before,
            actors,
            page_objects,
            day_object_rows,
            skew_ms,
            only: None,
        },
    )
}

/// Takes the steps of a schedule as far as they fit.
async fn follow(play: &mut Play, schedule: &[Step]) {
    let mut last = 0;
    for step in schedule {
        let waiting = play.waiting();
        let at = waiting
            .iter()
            .position(|(actor, _)| *actor >= last)
            .unwrap_or(0);
        let Some((actor, calls)) = waiting.get((at + step.who) % waiting.len().max(1)) else {
            return;
        };
        last = *actor;
        play.turn(match step.what {
            What::Call(fate) => {
                let place = step.which % calls.len();
                Turn::Call {
                    actor: *actor,
                    place,
                    fate,
                }
            }
            What::Dies => Turn::Die { actor: *actor },
            What::HoursPass(hours) => Turn::Wait {
                milliseconds: hours * 3_600_000,
            },
        })
        .await;
    }
}

fn play(scenario: Scenario, schedule: &[Step]) {
    runtime().block_on(async {
        let stage = Stage::set(scenario).await;
        let mut play = stage.play().await;
        let history = play.history();
        let playing = async {
            follow(&mut play, schedule).await;
            stage.end(play).await;
        };
        telling(history, playing).await;
    });
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn in_any_order_every_promise_is_kept(scenario in scenario(), schedule in schedule()) {
        play(scenario, &schedule);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    #[ignore = "takes minutes: make model"]
    fn in_very_many_orders_every_promise_is_kept(scenario in scenario(), schedule in schedule()) {
        play(scenario, &schedule);
    }
}
