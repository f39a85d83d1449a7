//! Plays every order of the actors' calls that can make a difference: dynamic partial-order reduction.
//!
//! Two orders differ only where one actor's write and another one's call of the same object, or of a listing that holds
//! it, change places, or two writes, for whoever looks on. So whenever a call is next, the explorer looks back for calls
//! of others that it depends on and that nothing in between orders before it, and notes there that everybody else is to go
//! first, too (Flanagan and Godefroid, POPL 2005; theirs notes one actor, which does not go together with what follows).
//! Who has gone first at a fork stays asleep below it until a call was made on which its own depends (Godefroid's sleep
//! sets): an order in which all are asleep is one that was played, but for calls that do not depend on each other, and is
//! left.
//!
//! A schedule is left as well where it comes to a state from which everything was played: what follows is known. Other
//! calls came before it, though, so every call that was made from there on is held against them, as if it were next (Yang
//! and others, SPIN 2008). Two writes of different objects depend on each other for whoever looks on between them, and
//! lead to the same state whichever is first; without leaving there, their orders multiply.
//!
//! This is sound because an actor is deterministic: its next call follows from the answers it has had. It demands that
//! an actor's calls have their turn in a fixed order where several wait at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::LocalBoxFuture;

use crate::store::faulty::Call;

/// What can be explored.
pub(super) trait Explored {
    /// The digest of everything that decides what may follow.
    fn state(&self) -> u64;

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
    state: u64,
    below: BTreeSet<CallNumber>,
}

/// What was played from a state on.
struct Visit {
    /// Who was not to go first.
    asleep: BTreeSet<usize>,
    below: Vec<CallNumber>,
}

/// The place of an actor's call in [`Explorer::calls`].
type CallNumber = usize;

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

/// The forks of the schedule that is being played, and what is known of those before it.
#[derive(Default)]
pub(super) struct Explorer {
    forks: Vec<Fork>,
    visits: HashMap<u64, Vec<Visit>>,
    /// Every call that any actor has made.
    calls: Vec<(usize, Call)>,
    numbers: HashMap<(usize, Call), CallNumber>,
}

impl Explorer {
    /// Plays one schedule that was not played yet. Tells whether it came to its end; if not, what would follow was played.
    pub(super) async fn play(&mut self, play: &mut impl Explored) -> bool {
        let again = self.forks.len().saturating_sub(1);
        for (place, fork) in self.forks.iter().enumerate() {
            assert_eq!(play.next(), fork.next, "an actor is not deterministic");
            assert!(
                place < again || play.state() == fork.state,
                "the same calls had other answers"
            );
            play.step(fork.chosen).await;
        }
        loop {
            let next = play.next();
            if next.is_empty() {
                return true;
            }
            let Some(chosen) = self.choose(next, play.state()) else {
                return false;
            };
            play.step(chosen).await;
        }
    }

    /// Goes back to the last fork at which something is left to try; false when there is none.
    pub(super) fn turn_back(&mut self) -> bool {
        while let Some(mut fork) = self.forks.pop() {
            fork.tried.insert(fork.chosen);
            fork.below.insert(self.number(fork.chosen, fork.call()));
            let mut left = fork.to_try.difference(&fork.tried);
            if let Some(next) = left.find(|actor| !fork.asleep.contains(actor)).copied() {
                self.turn_to(fork, next);
                return true;
            }
            self.leave(fork);
        }
        false
    }

    /// Remembers what was played from a fork on.
    fn leave(&mut self, fork: Fork) {
        if let Some(above) = self.forks.last_mut() {
            above.below.extend(&fork.below);
        }
        self.visits.entry(fork.state).or_default().push(Visit {
            asleep: fork.asleep,
            below: fork.below.into_iter().collect(),
        });
    }

    fn number(&mut self, actor: usize, call: &Call) -> CallNumber {
        let new = self.calls.len();
        let call = (actor, call.clone());
        *self.numbers.entry(call).or_insert_with_key(|call| {
            self.calls.push(call.clone());
            new
        })
    }

    /// Has somebody else go on at the last fork.
    fn turn_to(&mut self, mut fork: Fork, actor: usize) {
        fork.clock = self.clock(actor, &fork.next[&actor]);
        fork.chosen = actor;
        self.forks.push(fork);
    }

    /// Chooses who goes on: the one who went last, if that is new.
    fn choose(&mut self, next: BTreeMap<usize, Call>, state: u64) -> Option<usize> {
        for (actor, call) in &next {
            self.note_conflicts(*actor, call);
        }
        let last = self.forks.last();
        let asleep = last.map(Fork::asleep_after).unwrap_or_default();
        if let Some(below) = self.played_from(state, &asleep) {
            self.pass_over(below);
            return None;
        }
        let last = self.forks.last().map(|fork| fork.chosen);
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
            state,
            below: BTreeSet::new(),
        });
        Some(chosen)
    }

    /// The calls that were made from a state on, if it was played with no more actors asleep.
    fn played_from(&self, state: u64, asleep: &BTreeSet<usize>) -> Option<Vec<CallNumber>> {
        let mut visits = self.visits.get(&state)?.iter();
        let visit = visits.find(|visit| visit.asleep.is_subset(asleep))?;
        Some(visit.below.clone())
    }

    /// Does as if these calls had been made from here on.
    fn pass_over(&mut self, below: Vec<CallNumber>) {
        for number in &below {
            let (actor, call) = self.calls[*number].clone();
            self.note_conflicts(actor, &call);
        }
        if let Some(above) = self.forks.last_mut() {
            above.below.extend(below);
        }
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

    type Shelf = BTreeMap<&'static str, u64>;

    /// Actors who know little of what they were told, so that different orders come to the same, and put what they know.
    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Toys {
        programs: Vec<Vec<(&'static str, &'static str)>>,
        done: Vec<usize>,
        told: Vec<u64>,
        shelf: Shelf,
    }

    impl Toys {
        fn new(programs: &[Vec<(&'static str, &'static str)>]) -> Toys {
            Toys {
                programs: programs.to_vec(),
                done: vec![0; programs.len()],
                told: (0..).take(programs.len()).collect(),
                shelf: Shelf::from([("x/b", 1)]),
            }
        }

        fn next(&self) -> BTreeMap<usize, Call> {
            let next = |actor: usize| {
                let (operation, key) = *self.programs[actor].get(self.done[actor])?;
                let key = key.to_owned();
                Some((actor, Call { operation, key }))
            };
            (0..self.programs.len()).filter_map(next).collect()
        }

        fn go_on(&mut self, actor: usize) {
            let (operation, key) = self.programs[actor][self.done[actor]];
            self.done[actor] += 1;
            let told = self.told[actor];
            match operation {
                "delete" => drop(self.shelf.remove(key)),
                "put" => drop(self.shelf.insert(key, told)),
                _ => {
                    let is_there = |there: &&str| there.starts_with(key);
                    let seen = self.shelf.iter().filter(|(there, _)| is_there(there));
                    let mut hasher = DefaultHasher::new();
                    (told, key, seen.collect::<Vec<_>>()).hash(&mut hasher);
                    self.told[actor] = hasher.finish() % 3;
                }
            }
        }
    }

    /// What came of it, and what onlookers saw: the shelf before a write and after it.
    #[derive(Default, PartialEq)]
    struct Met {
        ends: BTreeSet<Toys>,
        seen: BTreeSet<(Shelf, Shelf)>,
    }

    /// Toys at play, and what onlookers saw of it.
    struct Watched {
        toys: Toys,
        seen: BTreeSet<(Shelf, Shelf)>,
    }

    impl Explored for Watched {
        fn state(&self) -> u64 {
            let mut hasher = DefaultHasher::new();
            self.toys.hash(&mut hasher);
            hasher.finish()
        }

        fn next(&self) -> BTreeMap<usize, Call> {
            self.toys.next()
        }

        fn step(&mut self, actor: usize) -> LocalBoxFuture<'_, ()> {
            let is_write = self.toys.next()[&actor].is_write();
            let before = self.toys.shelf.clone();
            self.toys.go_on(actor);
            if is_write {
                self.seen.insert((before, self.toys.shelf.clone()));
            }
            Box::pin(std::future::ready(()))
        }
    }

    /// What is met where every order is played.
    fn met_by_all(programs: &[Vec<(&'static str, &'static str)>]) -> Met {
        let (mut met, mut known) = (Met::default(), BTreeSet::new());
        let mut left = vec![Toys::new(programs)];
        while let Some(toys) = left.pop() {
            let next = toys.next();
            if next.is_empty() {
                met.ends.insert(toys.clone());
            }
            for (actor, call) in next {
                let mut then = toys.clone();
                then.go_on(actor);
                if call.is_write() {
                    met.seen.insert((toys.shelf.clone(), then.shelf.clone()));
                }
                left.extend(known.insert(then.clone()).then_some(then));
            }
        }
        met
    }

    /// What is met where the explorer plays, and in how many schedules.
    fn explored(programs: &[Vec<(&'static str, &'static str)>]) -> (Met, usize) {
        let (mut explorer, mut met, mut schedules) = (Explorer::default(), Met::default(), 0);
        loop {
            let toys = Toys::new(programs);
            let seen = BTreeSet::new();
            let mut watched = Watched { toys, seen };
            schedules += 1;
            if explorer.play(&mut watched).now_or_never().unwrap() {
                met.ends.insert(watched.toys);
            }
            met.seen.append(&mut watched.seen);
            if !explorer.turn_back() {
                return (met, schedules);
            }
        }
    }

    fn programs() -> impl Strategy<Value = Vec<Vec<(&'static str, &'static str)>>> {
        let operation = prop_oneof![Just("get"), Just("put"), Just("delete")];
        let on_key = (operation, prop_oneof![Just("x/a"), Just("x/b"), Just("y")]);
        let call = prop_oneof![4 => on_key, 1 => Just(("list", "x/"))];
        proptest::collection::vec(proptest::collection::vec(call, 0..5), 1..5)
    }

    proptest! {
        #[test]
        fn what_any_order_comes_to_and_shows_is_met(programs in programs()) {
            let (met, _) = explored(&programs);
            prop_assert!(met == met_by_all(&programs));
        }
    }

    /// Cases that a property rarely draws: what is passed over counts against earlier calls, and where it is passed over again.
    #[test]
    fn what_is_passed_over_is_held_against_what_came_before() {
        let reader = vec![("list", "x/"), ("get", "y")];
        let late = [vec![("put", "y")], reader, vec![("put", "x/a")]];
        let twice = [
            vec![("put", "y"), ("get", "x/b")],
            vec![("list", "x/"), ("put", "x/b")],
            vec![("list", "x/"), ("put", "y")],
        ];
        for programs in [late, twice] {
            assert!(explored(&programs).0 == met_by_all(&programs));
        }
    }

    #[test]
    fn what_does_not_depend_on_each_other_is_played_in_one_order() {
        let reader = vec![("get", "x/a"), ("list", "x/"), ("get", "y")];
        assert_eq!(explored(&[reader.clone(), reader.clone()]).1, 1);
        let writer = vec![("put", "z"), ("put", "x/b")];
        assert_eq!(explored(&[reader, writer]).1, 2);
    }

    #[test]
    fn what_leads_to_the_same_state_is_played_on_once() {
        let writer = |keys: &[&'static str]| keys.iter().map(|key| ("put", *key)).collect();
        let left: Vec<_> = writer(&["x/a", "x/b", "x/c", "x/d", "x/e"]);
        let right: Vec<_> = writer(&["y/a", "y/b", "y/c", "y/d", "y/e"]);
        // Of 252 orders: one that goes past each of 36 states, and one for each of 25 meetings.
        assert!(explored(&[left, right]).1 <= 26);
    }
}
