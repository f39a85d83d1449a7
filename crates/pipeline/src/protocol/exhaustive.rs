//! Small cases in every order of their calls, with one trouble at each call that writes.
//!
//! It is enough to kill an actor where it has just written: it keeps nothing but what lies in the store, so dying
//! anywhere between two writes is the same. For the same reason a read that fails is a death: it ends the run.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use trailback_tables::Table;

use super::explore::{Explored, Explorer};
use super::play::{Play, Turn, runtime, telling};
use super::scenario::Before::{Extracted, Hours, Linked, Unpublished};
use super::scenario::Role::{Backfill, Extractor, HalfExtractor, Linker, Reader};
use super::scenario::{Scenario, Stage};
use crate::store::faulty::Call;
use crate::store::scheduled::Fate;

/// Which of an actor's waiting calls has its turn first.
#[derive(Clone, Copy, Debug, Hash)]
enum Answered {
    FirstAsked,
    LastAsked,
}

/// What goes wrong: the fate of one of an actor's writes, counted from zero.
#[derive(Clone, Copy, Debug, Hash)]
struct Trouble {
    actor: usize,
    write: usize,
    fate: Fate,
}

/// A play whose only choice is who goes on.
struct Playing {
    play: Play,
    answered: Answered,
    /// What is to come, its write counted from now.
    trouble: Option<Trouble>,
}

impl Playing {
    fn place(&self, calls: &[Call]) -> usize {
        match self.answered {
            Answered::FirstAsked => 0,
            Answered::LastAsked => calls.len() - 1,
        }
    }

    fn fate(&mut self, actor: usize, call: &Call) -> Fate {
        let is_counted = |trouble: &&mut Trouble| trouble.actor == actor && call.is_write();
        let Some(trouble) = self.trouble.as_mut().filter(is_counted) else {
            return Fate::Goes;
        };
        if let Some(write) = trouble.write.checked_sub(1) {
            trouble.write = write;
            return Fate::Goes;
        }
        let fate = trouble.fate;
        self.trouble = None;
        fate
    }
}

impl Explored for Playing {
    fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.play.state(), self.answered, self.trouble).hash(&mut hasher);
        hasher.finish()
    }

    fn next(&self) -> BTreeMap<usize, Call> {
        let waiting = self.play.waiting().into_iter();
        waiting
            .map(|(actor, calls)| (actor, calls[self.place(&calls)].clone()))
            .collect()
    }

    fn step(&mut self, actor: usize) -> LocalBoxFuture<'_, ()> {
        let waiting = self.play.waiting();
        let (_, calls) = waiting.iter().find(|(number, _)| *number == actor).unwrap();
        let place = self.place(calls);
        let fate = self.fate(actor, &calls[place]);
        self.play
            .turn(Turn::Call { actor, place, fate })
            .boxed_local()
    }
}

/// How much was played.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    schedules: usize,
    /// Whether the trouble came.
    is_troubled: bool,
}

/// A stage, and all that was played on it.
struct Played {
    stage: Stage,
    explorer: Explorer,
}

impl Played {
    async fn on(scenario: Scenario) -> Played {
        Played {
            stage: Stage::set(scenario).await,
            explorer: Explorer::default(),
        }
    }

    /// Plays a scenario in every order.
    async fn in_every_order(&mut self, answered: Answered, trouble: Option<Trouble>) -> Counted {
        let mut counted = Counted::default();
        loop {
            let play = self.stage.play().await;
            let history = play.history();
            let mut playing = Playing {
                play,
                answered,
                trouble,
            };
            let playing_on = self.explorer.play(&mut playing);
            let has_ended = telling(Arc::clone(&history), playing_on).await;
            counted.schedules += 1;
            counted.is_troubled |= trouble.is_some() && playing.trouble.is_none();
            if has_ended {
                telling(history, self.stage.end(playing.play)).await;
            }
            if !self.explorer.turn_back() {
                return counted;
            }
        }
    }

    /// Plays a scenario in every order, undisturbed.
    async fn undisturbed(&mut self) -> usize {
        let first = self.in_every_order(Answered::FirstAsked, None).await;
        let last = self.in_every_order(Answered::LastAsked, None).await;
        first.schedules + last.schedules
    }

    /// Plays a scenario in every order, with one of an actor's writes, whichever, coming to this.
    async fn disturbed(&mut self, actor: usize, fate: Fate) -> usize {
        let mut schedules = 0;
        for write in 0.. {
            let trouble = Some(Trouble { actor, write, fate });
            let counted = self.in_every_order(Answered::FirstAsked, trouble).await;
            if !counted.is_troubled {
                break;
            }
            schedules += counted.schedules;
        }
        schedules
    }
}

/// Up to how many schedules a scenario has that is played with deaths, too, in every test run.
const FEW: usize = 64;

/// Plays a scenario undisturbed, and with every death of its first actor if it has few schedules.
fn quickly(scenario: Scenario) {
    runtime().block_on(async {
        let mut played = Played::on(scenario).await;
        let schedules = played.undisturbed().await;
        println!("{schedules} schedules undisturbed");
        assert!(schedules > 2, "nobody meets anybody");
        if schedules <= FEW {
            let schedules = played.disturbed(0, Fate::NeverAnswers).await;
            println!("{schedules} schedules with a death");
            assert!(schedules > 0, "nobody died");
        }
    });
}

const TROUBLES: [Fate; 4] = [
    Fate::NeverAnswers,
    Fate::LosesReply,
    Fate::MeetsItself,
    Fate::Fails,
];

/// Plays a scenario with every trouble of every actor. Of several who do the same one is enough: in all orders together, what
/// comes to one of them comes to the others too, who know no name of their own.
fn thoroughly(scenario: Scenario) {
    runtime().block_on(async {
        let roles = scenario.actors.clone();
        let mut played = Played::on(scenario).await;
        for (actor, role) in roles.iter().enumerate() {
            if roles[..actor].contains(role) {
                continue;
            }
            let writes = !matches!(role, Reader(_) | Backfill(_));
            for fate in TROUBLES {
                let schedules = played.disturbed(actor, fate).await;
                println!("{schedules} schedules in which a write of {actor} {role:?} {fate:?}");
                assert_eq!(schedules > 0, writes, "no write, or one of a reader");
            }
        }
    });
}

macro_rules! scenarios {
    ($($(#[$large:meta])? $name:ident { before: $before:expr, actors: $actors:expr, $($rest:tt)* })*) => {
        $(mod $name {
            use super::*;

            fn scenario() -> Scenario {
                Scenario {
                    before: $before.to_vec(),
                    actors: $actors.to_vec(),
                    $($rest)*
                    ..Scenario::default()
                }
            }

            $(#[$large])?
            #[test]
            fn quickly() {
                super::quickly(scenario());
            }

            #[test]
            #[ignore = "takes minutes: make model"]
            fn thoroughly() {
                super::thoroughly(scenario());
            }
        })*
    };
}

const SESSIONS: Option<Table> = Some(Table::Sessions);

scenarios! {
    two_linkers_publish_a_new_day {
        before: [Extracted("a")],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS,
    }
    two_linkers_replace_two_days {
        before: [Extracted("b"), Linked, Extracted("d")],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS,
    }
    two_linkers_meet_a_late_parent {
        before: [Extracted("b"), Linked, Extracted("a")],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS,
    }
    #[ignore = "takes minutes: make model"]
    two_linkers_see_different_fragments_of_a_new_day {
        before: [Extracted("b")],
        actors: [Linker(1), Linker(1), HalfExtractor("c")],
        only: SESSIONS,
    }
    two_linkers_see_different_fragments {
        before: [Extracted("b"), Linked, Extracted("c")],
        actors: [Linker(1), Linker(1), HalfExtractor("f")],
        only: SESSIONS,
    }
    an_object_is_extracted_while_a_linker_works {
        before: [Extracted("b"), Linked],
        actors: [Extractor(vec!["c"]), Linker(1)],
    }
    an_object_is_extracted_twice_while_a_linker_works {
        before: [Extracted("b"), Linked],
        actors: [Extractor(vec!["a"]), Extractor(vec!["a"]), Linker(1)],
    }
    a_reader_reads_while_a_linker_publishes {
        before: [Extracted("b"), Linked, Extracted("d")],
        actors: [Linker(1), Reader(1)],
        only: SESSIONS,
    }
    a_reader_reads_while_garbage_goes {
        before: [Extracted("b"), Linked, Extracted("d"), Linked, Hours(49)],
        actors: [Linker(1), Reader(1)],
        only: SESSIONS,
    }
    the_ledger_is_asked_while_it_is_folded {
        before: [Extracted("b"), Extracted("c"), Linked, Hours(25), Linked, Hours(25)],
        actors: [Linker(1), Backfill(1)],
    }
    two_linkers_fold {
        before: [Extracted("b"), Extracted("f"), Linked, Hours(25)],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS, page_objects: 1,
    }
    two_linkers_drop_what_was_folded {
        before: [Extracted("b"), Extracted("f"), Linked, Hours(25), Linked, Hours(25)],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS, page_objects: 1,
    }
    an_object_is_extracted_again_while_it_is_folded {
        before: [Extracted("b"), Extracted("f"), Linked, Hours(25), Linked, Hours(25)],
        actors: [Linker(1), Extractor(vec!["f"])],
        page_objects: 1,
    }
    two_linkers_meet_an_old_unnamed_object {
        before: [Extracted("a"), Linked, Unpublished, Hours(49)],
        actors: [Linker(1), Linker(1)],
        only: SESSIONS,
    }
}
