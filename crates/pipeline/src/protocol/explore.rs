//! Plays every order of the actors' calls that can make a difference: dynamic partial-order reduction.
//!
//! Two orders differ only where one actor's write and another one's call of the same object, or of a listing that holds
//! it, change places, or two writes, for whoever looks on. So whenever a call is next, the explorer looks back for calls of others that it depends on and that
//! nothing in between orders before it, and notes there that everybody else is to go first, too (Flanagan and Godefroid,
//! POPL 2005; theirs notes one actor, which does not go together with what follows). Who has gone first at a fork stays
//! asleep below it until a call was made on which its own depends (Godefroid's sleep sets): an order in which all are
//! asleep is one that was played, but for calls that do not depend on each other, and is left.
//!
//! This is sound because an actor is deterministic: its next call follows from the answers it has had. It demands that
//! an actor's calls have their turn in a fixed order where several wait at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;

use crate::store::faulty::Call;

/// What can be explored.
pub(super) trait Explored {
    /// Of each actor that is not done, its next call.
    fn next(&self) -> BTreeMap<usize, Call>;

    /// Lets an actor's next call have its turn.
    fn step(&mut self, actor: usize) -> LocalBoxFuture<'_, ()>;
}

/// The calls that are not later than one in any order that is the same: of each actor the place of the last one.
type Clock = BTreeMap<usize, usize>;

/// A moment at which somebody has to go on.
struct Fork {
    next: BTreeMap<usize, Call>,
    chosen: usize,
    clock: Clock,
    tried: BTreeSet<usize>,
    to_try: BTreeSet<usize>,
    asleep: BTreeSet<usize>,
}

impl Fork {
    fn call(&self) -> &Call {
        &self.next[&self.chosen]
    }

    /// Who need not go first after the chosen one, because that was played.
    fn asleep_after(&self) -> BTreeSet<usize> {
        let others = self.asleep.union(&self.tried).copied();
        let others = others.filter(|actor| *actor != self.chosen);
        others
            .filter(|actor| !self.next[actor].depends_on(self.call()))
            .collect()
    }
}

/// The forks of the schedule that is being played.
#[derive(Default)]
pub(super) struct Explorer {
    forks: Vec<Fork>,
}

impl Explorer {
    /// Plays one schedule that was not played yet. Tells whether it came to its end; if not, one like it was played.
    pub(super) async fn play(&mut self, play: &mut impl Explored) -> bool {
        for fork in &self.forks {
            assert_eq!(play.next(), fork.next, "an actor is not deterministic");
            play.step(fork.chosen).await;
        }
        loop {
            let next = play.next();
            if next.is_empty() {
                return true;
            }
            let Some(chosen) = self.choose(next) else {
                return false;
            };
            play.step(chosen).await;
        }
    }

    /// Goes back to the last fork at which something is left to try; false when there is none.
    pub(super) fn turn_back(&mut self) -> bool {
        while let Some(fork) = self.forks.last_mut() {
            fork.tried.insert(fork.chosen);
            let mut left = fork.to_try.difference(&fork.tried);
            if let Some(next) = left.find(|actor| !fork.asleep.contains(actor)).copied() {
                self.turn_to(next);
                return true;
            }
            self.forks.pop();
        }
        false
    }

    /// Has somebody else go on at the last fork.
    fn turn_to(&mut self, actor: usize) {
        if let Some(mut fork) = self.forks.pop() {
            fork.clock = self.clock(actor, &fork.next[&actor]);
            fork.chosen = actor;
            self.forks.push(fork);
        }
    }

    /// Chooses who goes on: the one who went last, if that is new.
    fn choose(&mut self, next: BTreeMap<usize, Call>) -> Option<usize> {
        for (actor, call) in &next {
            self.note_conflicts(*actor, call);
        }
        let last = self.forks.last();
        let asleep = last.map(Fork::asleep_after).unwrap_or_default();
        let last = last.map(|fork| fork.chosen);
        let mut awake = next.keys().filter(|actor| !asleep.contains(actor));
        let goes_on = last.filter(|last| awake.clone().any(|actor| actor == last));
        let chosen = goes_on.or_else(|| awake.next().copied())?;
        let clock = self.clock(chosen, &next[&chosen]);
        self.forks.push(Fork {
            next,
            chosen,
            clock,
            tried: BTreeSet::new(),
            to_try: BTreeSet::new(),
            asleep,
        });
        Some(chosen)
    }

    /// Notes at every fork that could change places with a next call that others may go first.
    fn note_conflicts(&mut self, actor: usize, call: &Call) {
        for place in self.conflicts(actor, call).0 {
            let fork = &mut self.forks[place];
            fork.to_try.extend(fork.next.keys());
        }
    }

    /// What happened before an actor's next call.
    fn clock(&self, actor: usize, call: &Call) -> Clock {
        let mut clock = self.conflicts(actor, call).1;
        clock.insert(actor, self.forks.len());
        clock
    }

    /// The calls that could change places with an actor's next one, and all that happened before it.
    fn conflicts(&self, actor: usize, call: &Call) -> (Vec<usize>, Clock) {
        let own = self.forks.iter().rfind(|fork| fork.chosen == actor);
        let mut clock = own.map(|own| own.clock.clone()).unwrap_or_default();
        let mut conflicts = Vec::new();
        for (place, fork) in self.forks.iter().enumerate().rev() {
            let is_before = clock.get(&fork.chosen).is_some_and(|last| place <= *last);
            if fork.chosen == actor || is_before || !fork.call().depends_on(call) {
                continue;
            }
            conflicts.push(place);
            for (actor, last) in &fork.clock {
                let known = clock.entry(*actor).or_insert(*last);
                *known = (*known).max(*last);
            }
        }
        (conflicts, clock)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    /// Actors whose state is the hash of all they were told, which they write where they write.
    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Toys {
        programs: Vec<Vec<(&'static str, &'static str)>>,
        done: Vec<usize>,
        told: Vec<u64>,
        shelf: BTreeMap<&'static str, u64>,
        /// What an onlooker has seen change.
        seen: Vec<(&'static str, u64)>,
    }

    impl Toys {
        fn new(programs: &[Vec<(&'static str, &'static str)>]) -> Toys {
            Toys {
                programs: programs.to_vec(),
                done: vec![0; programs.len()],
                told: (0..).take(programs.len()).collect(),
                shelf: BTreeMap::new(),
                seen: Vec::new(),
            }
        }

        fn go_on(&mut self, actor: usize) {
            let (operation, key) = self.programs[actor][self.done[actor]];
            self.done[actor] += 1;
            let seen: Vec<_> = self
                .shelf
                .iter()
                .filter(|(there, _)| there.starts_with(key))
                .collect();
            let mut hasher = DefaultHasher::new();
            (self.told[actor], seen).hash(&mut hasher);
            self.told[actor] = hasher.finish();
            if operation == "put" {
                self.shelf.insert(key, self.told[actor]);
                self.seen.push((key, self.told[actor]));
            }
        }

        /// Plays on in every order.
        fn outcomes(self, all: &mut BTreeSet<Toys>) {
            let next = self.next();
            for actor in next.keys() {
                let mut then = self.clone();
                then.go_on(*actor);
                then.outcomes(all);
            }
            if next.is_empty() {
                all.insert(self);
            }
        }
    }

    impl Explored for Toys {
        fn next(&self) -> BTreeMap<usize, Call> {
            let next = |actor: usize| {
                let (operation, key) = *self.programs[actor].get(self.done[actor])?;
                let key = key.to_owned();
                Some((actor, Call { operation, key }))
            };
            (0..self.programs.len()).filter_map(next).collect()
        }

        fn step(&mut self, actor: usize) -> LocalBoxFuture<'_, ()> {
            self.go_on(actor);
            Box::pin(std::future::ready(()))
        }
    }

    fn explored(programs: &[Vec<(&'static str, &'static str)>]) -> (BTreeSet<Toys>, usize) {
        let (mut explorer, mut outcomes, mut ends) = (Explorer::default(), BTreeSet::new(), 0);
        loop {
            let mut toys = Toys::new(programs);
            if explorer.play(&mut toys).now_or_never().unwrap() {
                outcomes.insert(toys);
                ends += 1;
            }
            if !explorer.turn_back() {
                return (outcomes, ends);
            }
        }
    }

    fn programs() -> impl Strategy<Value = Vec<Vec<(&'static str, &'static str)>>> {
        let operation = prop_oneof![Just("get"), Just("put")];
        let on_key = (operation, prop_oneof![Just("x/a"), Just("x/b"), Just("y")]);
        let call = prop_oneof![4 => on_key, 1 => Just(("list", "x/"))];
        proptest::collection::vec(proptest::collection::vec(call, 0..4), 1..4)
    }

    proptest! {
        #[test]
        fn every_outcome_of_any_order_is_met_and_none_twice(programs in programs()) {
            let mut all = BTreeSet::new();
            Toys::new(&programs).outcomes(&mut all);
            let (found, ends) = explored(&programs);
            prop_assert_eq!(found.len(), all.len());
            prop_assert!(found == all);
            prop_assert_eq!(ends, all.len());
        }
    }

    #[test]
    fn what_does_not_depend_on_each_other_is_played_in_one_order() {
        let reader = vec![("get", "x/a"), ("list", "x/"), ("get", "y")];
        assert_eq!(explored(&[reader.clone(), reader.clone()]).1, 1);
        let writer = vec![("put", "z"), ("put", "x/b")];
        assert_eq!(explored(&[reader, writer]).1, 2);
    }
}
