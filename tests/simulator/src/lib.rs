//! An organisation's CloudTrail with a known truth.
//!
//! [`simulate`] lets an organisation live for a while: people, workloads, vendors and AWS services take
//! sessions and use them. What CloudTrail would deliver goes to a [`Sink`] as log objects, and with it what a
//! perfect auditor who sees exactly these logs should say of every session. The truth comes from the process
//! that makes the records, which knows who called whom; nothing here reads a record.
//!
//! Memory holds live sessions and undelivered records only, so that any number of records can be made.
//!
//! ```
//! use trailback_simulator::{Plan, gather};
//!
//! let (gathered, tally) = gather(&Plan { calls: 100, ..Plan::small(7) })?;
//! assert!(tally.calls >= 100);
//! assert_eq!(gathered.truths.len() as u64, tally.calls);
//! # Ok::<(), std::io::Error>(())
//! ```

mod calendar;
mod caller;
mod calls;
mod delivery;
mod dice;
mod digests;
mod json;
mod noise;
mod organisation;
mod plan;
mod policy;
mod record;
mod sink;
mod stories;
mod truth;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub use calls::SESSION_TOKEN_START;
pub use digests::{Digests, Tampered, Tampering, public_keys, tamper};
pub use plan::Plan;
pub use sink::{Folder, Gathered, Sink, gzip};
pub use truth::{Facts, LinkTruth, OriginTruth, Tags, Truth, UseTruth};

use delivery::LogObject;
use stories::Deck;
use world::World;

/// A text that many rows share.
pub type Text = Arc<str>;

/// What a simulation made. It balances: `records` = `issuing_records` + `other_records`, and the objects hold
/// `records` + `repeated`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Issuing calls and witnesses: rows of truth.
    pub calls: u64,
    /// Records of those calls, twin copies and corrected ones included.
    pub issuing_records: u64,
    /// Records of other services.
    pub other_records: u64,
    /// Records, each counted once.
    pub records: u64,
    /// Records delivered once more.
    pub repeated: u64,
    /// Records delivered a quarter of an hour to a day late.
    pub late: u64,
    /// Delivered objects, digests and Insights included.
    pub objects: u64,
    /// Bytes of those objects, not compressed.
    pub unpacked_bytes: u64,
    /// Uses of sessions told with their truth.
    pub uses_told: u64,
    /// Calls by scenario.
    pub scenarios: BTreeMap<&'static str, u64>,
}

/// Rows that a story makes on average; an error is made good towards the end.
const ROWS_PER_STORY: f64 = 1.8;

/// The share of the time after which only stories of one moment begin, so that the wanted number is met.
const HOME_STRETCH: f64 = 0.85;

/// Runs the plan and hands everything to the sink: log objects in the order of delivery, truths in the order of
/// the calls.
///
/// # Errors
/// What the sink fails with.
pub fn simulate(plan: &Plan, sink: &mut dyn Sink) -> io::Result<Tally> {
    let mut world = World::new(plan.bounded());
    let mut pace = Pace::new(&mut world);
    let (start, end) = (world.plan.start, world.plan.end());
    let mut minute = start;
    while minute < end {
        pace.begin_stories(&mut world, minute);
        world.run_until((minute + 60).min(end));
        let due = world.noise_due();
        world.make_noise(minute, due);
        let objects = world.delivery.due(minute);
        hand_over(&mut world, objects, sink)?;
        minute += 60;
    }
    let objects = world.delivery.rest();
    hand_over(&mut world, objects, sink)?;
    let delivered = world.delivery.delivered;
    Ok(Tally {
        records: delivered.records,
        repeated: delivered.repeated,
        late: delivered.late,
        ..world.tally
    })
}

/// Runs the plan and keeps everything in memory.
///
/// # Errors
/// None; the type is that of [`simulate`].
pub fn gather(plan: &Plan) -> io::Result<(Gathered, Tally)> {
    let mut gathered = Gathered::default();
    let tally = simulate(plan, &mut gathered)?;
    Ok((gathered, tally))
}

fn hand_over(world: &mut World, objects: Vec<LogObject>, sink: &mut dyn Sink) -> io::Result<()> {
    for object in objects {
        world.tally.objects += 1;
        world.tally.unpacked_bytes += object.json.len() as u64;
        sink.object(&object.key, &object.json)?;
    }
    world
        .truths
        .drain(..)
        .try_for_each(|truth| sink.truth(truth))?;
    world.uses.drain(..).try_for_each(|used| sink.used(used))
}

/// Spreads the wanted calls over the time.
struct Pace {
    deck: Deck,
    expected: f64,
    /// Time and calls at the beginning of the home stretch.
    home_stretch: Option<(i64, u64)>,
}

impl Pace {
    fn new(world: &mut World) -> Self {
        Self {
            deck: Deck::new(world),
            expected: 0.0,
            home_stretch: None,
        }
    }

    fn begin_stories(&mut self, world: &mut World, minute: i64) {
        let plan = &world.plan;
        let elapsed = (minute + 60 - plan.start) as f64 / plan.duration as f64;
        if elapsed < HOME_STRETCH {
            self.begin_any(world, minute, elapsed);
        } else {
            self.begin_immediate(world, minute);
        }
    }

    fn begin_any(&mut self, world: &mut World, minute: i64, elapsed: f64) {
        let wanted = elapsed * world.plan.calls as f64;
        while self.expected < wanted && (world.tally.calls as f64) < wanted {
            self.expected += ROWS_PER_STORY;
            let tell = self.deck.next(world);
            begin(world, minute, tell);
        }
    }

    /// On a straight line from the calls made so far to those that are wanted.
    fn begin_immediate(&mut self, world: &mut World, minute: i64) {
        let (since, made) = *self.home_stretch.get_or_insert((minute, world.tally.calls));
        let left = (world.plan.end() - since).max(60) as f64;
        let wanted = world.plan.calls.saturating_sub(made) as f64;
        let line = made as f64 + wanted * (minute + 60 - since) as f64 / left;
        let missing = line.ceil() as u64 - world.tally.calls.min(line as u64);
        for _ in 0..missing {
            let tell = self.deck.immediate(world);
            begin(world, minute, tell);
        }
    }
}

fn begin(world: &mut World, minute: i64, tell: fn(&mut World)) {
    let second = world.dice.between(0, 59);
    world.at(minute + second, tell);
}
