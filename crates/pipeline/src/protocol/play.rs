//! Actors on one lake, and the steps that they take: one call of the store at a time.
//!
//! The actors are the real extractors, linkers and readers, and nobody runs but the one whose call was let go. So what
//! happens is decided by the order of the calls alone, and what becomes of each.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::runtime::{Builder, Runtime};
use trailback_sessions::Timestamp;
use trailback_tables::Table;

use super::facts::Facts;
use super::promises::{Moment, Promises, Reading};
use crate::store::Store;
use crate::store::faulty::Call;
use crate::store::memory::MemoryStore;
use crate::store::scheduled::{Fate, ScheduledStore, Waiting};

/// One run of an actor, from its start to its end if nothing kills it.
pub(super) type Life = LocalBoxFuture<'static, Ended>;

/// How a life ended.
pub(super) enum Ended {
    /// Its work is done.
    Done,
    /// A linker has linked.
    Linked,
    /// A reader has seen these days.
    Read(Reading),
    /// A backfill knows of these log objects that they were read.
    Knows(Facts),
    /// The store failed it, or others were faster again and again.
    GaveUp(String),
}

/// What an actor knows from life to life: how much of its work was acknowledged.
pub(super) type Acknowledged = Arc<AtomicUsize>;

/// How an actor begins a life.
pub(super) type Begin = Box<dyn Fn(Arc<dyn Store>, Acknowledged) -> Life>;

/// The age at which a run is dead, in milliseconds: no run lasts 24 hours, says the design.
const LIFE_MS: i64 = 24 * 3_600_000;

/// More often nobody may give up.
const GIVE_UPS_MAX: u32 = 20;

struct Actor {
    name: String,
    begin: Begin,
    acknowledged: Acknowledged,
    life: Option<Life>,
    waiting: Arc<Waiting>,
    born_at: Timestamp,
    /// What there was when it was born, or, of a linker, when it first listed fragments. No moment between two calls would
    /// do: an order in which others write before it need not be played if the calls do not depend on each other.
    began_with: Moment,
    has_looked: bool,
    lives_left: u32,
    gave_up: u32,
    /// Whether it was failed, and so may give up.
    is_hurt: bool,
}

/// What decides what an actor may do: nothing once it is done. How often it gave up does not, but that it may.
impl Hash for Actor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let began = (self.born_at, &self.began_with, self.has_looked);
        let alive = (acknowledged, self.lives_left, self.is_hurt, began);
        let alive = self.life.is_some().then_some(alive);
        alive.map(|alive| (alive, self.waiting.told())).hash(state);
    }
}

/// What may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// One of an actor's waiting calls has its turn.
    Call {
        actor: usize,
        place: usize,
        fate: Fate,
    },
    /// An actor dies and begins a new life.
    Die { actor: usize },
    /// Time passes. Runs that would last too long die of it.
    Wait { milliseconds: i64 },
}

/// What was done, step by step.
pub(super) type History = Arc<Mutex<Vec<String>>>;

/// A play in progress.
pub(super) struct Play {
    pub(super) store: Arc<MemoryStore>,
    pub(super) promises: Promises,
    actors: Vec<Actor>,
    /// How far the store's dates are from its clock, in milliseconds; forward and back in turn.
    skew_ms: i64,
    history: History,
}

/// A runtime on which everything that a step sets off is over when the step is over.
pub(super) fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().max_blocking_threads(1);
    builder.build().unwrap()
}

impl Play {
    /// On a lake as it lies, with nobody there.
    pub(super) fn on(store: MemoryStore, promises: Promises, skew_ms: i64) -> Play {
        Play {
            store: Arc::new(store),
            promises,
            actors: Vec::new(),
            skew_ms,
            history: History::default(),
        }
    }

    /// An actor enters, for so many lives.
    pub(super) async fn enter(&mut self, name: String, lives: u32, begin: Begin) {
        self.actors.push(Actor {
            name,
            begin,
            acknowledged: Arc::default(),
            life: None,
            waiting: Arc::default(),
            born_at: Timestamp(0),
            began_with: Moment::default(),
            has_looked: false,
            lives_left: lives,
            gave_up: 0,
            is_hurt: false,
        });
        self.be_born(self.actors.len() - 1).await;
    }

    /// The actors that are not done, and the calls of each that wait.
    pub(super) fn waiting(&self) -> Vec<(usize, Vec<Call>)> {
        let alive = self.actors.iter().enumerate();
        let alive = alive.filter(|(_, actor)| actor.life.is_some());
        alive
            .map(|(number, actor)| (number, actor.waiting.calls()))
            .collect()
    }

    /// The digest of everything that decides what may follow.
    pub(super) fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.store.digest(Some("")), self.skew_ms).hash(&mut hasher);
        (&self.promises, &self.actors).hash(&mut hasher);
        hasher.finish()
    }

    /// Does one thing, and looks whether all promises are kept.
    pub(super) async fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Call { actor, place, fate } => self.call(actor, place, fate).await,
            Turn::Die { actor } => {
                self.note(format!("{} dies", self.actors[actor].name));
                self.die(actor).await;
            }
            Turn::Wait { milliseconds } => self.wait(milliseconds).await,
        }
    }

    /// What has been done up to now.
    pub(super) fn history(&self) -> History {
        Arc::clone(&self.history)
    }

    fn note(&self, step: String) {
        self.history.lock().unwrap().push(step);
    }

    async fn call(&mut self, number: usize, place: usize, fate: Fate) {
        let actor = &mut self.actors[number];
        let call = actor.waiting.calls().swap_remove(place);
        let (operation, key) = (call.operation, &call.key);
        let note = format!("{}: {operation} {key} {fate:?}", actor.name);
        self.history.lock().unwrap().push(note);
        actor.is_hurt |= fate != Fate::Goes;
        let looks = call.operation == "list" && call.key == Table::Sessions.fragments_prefix();
        if looks && !actor.has_looked {
            actor.has_looked = true;
            actor.began_with = self.promises.moment();
        }
        let waiting = Arc::clone(&actor.waiting);
        waiting.let_go(place, fate);
        let now = self.store.now().await.unwrap();
        if call.is_write() {
            self.skew_ms = -self.skew_ms;
            self.store.set_time(Timestamp(now.0 + self.skew_ms));
        }
        let told = waiting.told();
        self.settle(number).await;
        // Otherwise it would do something yet, and nothing in its state would say so.
        assert_ne!(
            told,
            waiting.told(),
            "a call that had its turn was not made"
        );
        self.store.set_time(now);
        if call.is_write() {
            self.promises.check(&self.store).await;
        }
        if fate == Fate::NeverAnswers {
            self.die(number).await;
        }
    }

    async fn die(&mut self, number: usize) {
        self.actors[number].life = None;
        self.be_born(number).await;
    }

    async fn wait(&mut self, milliseconds: i64) {
        let now = Timestamp(self.store.now().await.unwrap().0 + milliseconds);
        self.note(format!("{} hours pass", milliseconds / 3_600_000));
        self.store.set_time(now);
        for number in 0..self.actors.len() {
            let actor = &self.actors[number];
            if actor.life.is_some() && now.0 - actor.born_at.0 >= LIFE_MS {
                self.die(number).await;
            }
        }
    }

    async fn be_born(&mut self, number: usize) {
        let actor = &mut self.actors[number];
        actor.waiting = Arc::default();
        let way = ScheduledStore::new(Arc::clone(&self.store), Arc::clone(&actor.waiting));
        actor.born_at = self.store.now().await.unwrap();
        actor.began_with = self.promises.moment();
        actor.has_looked = false;
        let acknowledged = Arc::clone(&actor.acknowledged);
        actor.life = Some((actor.begin)(Arc::new(way), acknowledged));
        Box::pin(self.settle(number)).await;
    }

    /// Lets an actor go on until it waits for its turn, or is done.
    async fn settle(&mut self, number: usize) {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            let Some(life) = self.actors[number].life.as_mut() else {
                return;
            };
            if let Poll::Ready(ended) = life.as_mut().poll(&mut Context::from_waker(&waker)) {
                return self.end(number, ended).await;
            }
            // There is one thread that blocks, so this comes after everything that the actor has left to it.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            if !woken.0.swap(false, Ordering::SeqCst) {
                return;
            }
        }
    }

    async fn end(&mut self, number: usize, ended: Ended) {
        self.promises.check(&self.store).await;
        let actor = &mut self.actors[number];
        actor.life = None;
        match &ended {
            Ended::Done => {}
            Ended::Linked => self.promises.check_linked(&actor.began_with),
            Ended::Read(reading) => self.promises.check_read(&actor.began_with, reading),
            Ended::Knows(known) => self.promises.check_known(&actor.began_with, known),
            Ended::GaveUp(reason) => {
                actor.gave_up += 1;
                assert!(actor.is_hurt, "{} gave up: {reason}", actor.name);
                assert!(actor.gave_up < GIVE_UPS_MAX, "{}: {reason}", actor.name);
            }
        }
        if !matches!(ended, Ended::GaveUp(_)) {
            actor.lives_left -= 1;
        }
        if self.actors[number].lives_left > 0 {
            self.be_born(number).await;
        }
    }

    /// Lets an actor go on alone until its next call is of that operation and its key ends so, or until it is done.
    pub(super) async fn go_on_until(&mut self, actor: usize, operation: &str, key_end: &str) {
        while let Some(next) = self.newest(actor) {
            if next.operation == operation && next.key.ends_with(key_end) {
                return;
            }
            self.step(actor).await;
        }
    }

    /// Lets an actor that is not done take one step.
    pub(super) async fn step(&mut self, actor: usize) {
        if self.newest(actor).is_some() {
            let (place, fate) = (self.actors[actor].waiting.calls().len() - 1, Fate::Goes);
            self.turn(Turn::Call { actor, place, fate }).await;
        }
    }

    /// The call that an actor asked for last.
    fn newest(&self, actor: usize) -> Option<Call> {
        let actor = &self.actors[actor];
        actor.life.as_ref()?;
        actor.waiting.calls().pop()
    }

    /// Lets everybody finish, one after the other.
    pub(super) async fn let_all_finish(&mut self) {
        while let Some((actor, _)) = self.waiting().first() {
            let (actor, place, fate) = (*actor, 0, Fate::Goes);
            self.turn(Turn::Call { actor, place, fate }).await;
        }
    }
}

/// Plays, and says where a promise is broken how it came to that.
pub(super) async fn telling<T>(history: History, playing: impl Future<Output = T>) -> T {
    let broken = match AssertUnwindSafe(playing).catch_unwind().await {
        Ok(played) => return played,
        Err(broken) => broken,
    };
    let text = broken.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| broken.downcast_ref::<String>().cloned());
    let history = history.lock().unwrap().join("\n  ");
    panic!("{}\nafter:\n  {history}\n", text.unwrap_or_default());
}

/// Whether somebody has asked to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
