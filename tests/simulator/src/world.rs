//! The running simulation: its clock, its pending steps, what it has said and sent so far.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use crate::caller::{Caller, Keys};
use crate::delivery::Delivery;
use crate::dice::Dice;
use crate::noise::Voice;
use crate::organisation::{Account, Organisation, Purpose, Role, User};
use crate::plan::Plan;
use crate::truth::{Truth, UseTruth};
use crate::{Tally, Text};

/// Callers that noise is made with.
const VOICES: usize = 512;

/// What happens at a later time.
type Step = Box<dyn FnOnce(&mut World)>;

struct Scheduled {
    time: i64,
    sequence: u64,
    step: Step,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl Scheduled {
    fn order(&self) -> (i64, u64) {
        (self.time, self.sequence)
    }
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) organisation: Rc<Organisation>,
    pub(crate) dice: Dice,
    /// Seconds since 1970.
    pub(crate) now: i64,
    pub(crate) delivery: Delivery,
    pub(crate) truths: Vec<Truth>,
    pub(crate) uses: Vec<UseTruth>,
    pub(crate) tally: Tally,
    /// Those who made calls lately, for noise.
    pub(crate) voices: Vec<Rc<Voice>>,
    next_voice: usize,
    /// Room for one record.
    pub(crate) scratch: String,
    steps: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
    claimed: BTreeSet<(i64, u64)>,
    positions: BTreeMap<Text, usize>,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let organisation = Rc::new(Organisation::new(&plan, &mut dice));
        let positions = organisation.accounts.iter().enumerate();
        Self {
            positions: positions
                .map(|(position, account)| (account.id.clone(), position))
                .collect(),
            delivery: Delivery::new(&plan, organisation.clone()),
            now: plan.start,
            plan,
            organisation,
            dice,
            truths: Vec::new(),
            uses: Vec::new(),
            tally: Tally::default(),
            voices: Vec::with_capacity(VOICES),
            next_voice: 0,
            scratch: String::new(),
            steps: BinaryHeap::new(),
            sequence: 0,
            claimed: BTreeSet::new(),
        }
    }

    /// Schedules a step at `time`; steps of one second happen in the order of scheduling.
    pub(crate) fn at(&mut self, time: i64, step: impl FnOnce(&mut World) + 'static) {
        self.sequence += 1;
        self.steps.push(Reverse(Scheduled {
            time: time.max(self.now),
            sequence: self.sequence,
            step: Box::new(step),
        }));
    }

    /// Takes the steps before `time`, while calls are still wanted.
    pub(crate) fn run_until(&mut self, time: i64) {
        while !self.is_full() {
            let next = self.steps.peek().map(|Reverse(next)| next.time);
            if next.is_none_or(|next| next >= time) {
                break;
            }
            if let Some(Reverse(next)) = self.steps.pop() {
                self.now = next.time;
                (next.step)(self);
            }
        }
        self.now = time;
        self.claimed = self.claimed.split_off(&(time, 0));
    }

    /// Records of other services that are due for the issuing ones made so far.
    pub(crate) fn noise_due(&self) -> u64 {
        let share = self.plan.sts_share;
        let wanted = self.tally.issuing_records as f64 * (1.0 - share) / share;
        (wanted as u64).saturating_sub(self.tally.other_records)
    }

    /// Takes back one row of truth.
    pub(crate) fn uncount(&mut self, scenario: &'static str) {
        self.tally.calls -= 1;
        if let Some(count) = self.tally.scenarios.get_mut(scenario) {
            *count -= 1;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.tally.calls >= self.plan.calls
    }

    /// The first second from `earliest` on in which `principal` was handed no session yet.
    ///
    /// Sessions that share a principal and a second are told apart only by their keys; a story that wants such a
    /// pair makes it on purpose, and no other may arise by chance.
    pub(crate) fn claim(&mut self, principal: &str, earliest: i64) -> i64 {
        let mut hasher = DefaultHasher::new();
        principal.hash(&mut hasher);
        let hash = hasher.finish();
        let mut second = earliest;
        while !self.claimed.insert((second, hash)) {
            second += 1;
        }
        second
    }

    /// The key for one call.
    pub(crate) fn key_of(&mut self, caller: &Caller) -> Option<Text> {
        match &caller.keys {
            Keys::Fixed(key) => Some(key.clone()),
            Keys::Fresh { account_number } => Some(self.dice.unique_id("ASIA", *account_number)),
            Keys::Unlogged => None,
        }
    }

    /// Remembers who is active, so that noise can be made in their name.
    pub(crate) fn remember_voice(&mut self, voice: Rc<Voice>) {
        if self.voices.len() < VOICES {
            self.voices.push(voice);
        } else {
            self.voices[self.next_voice] = voice;
        }
        self.next_voice = (self.next_voice + 1) % VOICES;
    }

    /// Sends one record, if the account belongs to the organisation.
    pub(crate) fn send(&mut self, account_id: &str, region: &str, time: i64, record: &str) -> bool {
        let Some(position) = self.positions.get(account_id) else {
            return false;
        };
        self.delivery.send(*position, region, time, record);
        true
    }

    /// As [`send`](Self::send), late for certain.
    pub(crate) fn send_late(&mut self, account_id: &str, region: &str, time: i64, record: &str) {
        if let Some(position) = self.positions.get(account_id) {
            self.delivery.send_late(*position, region, time, record);
        }
    }

    pub(crate) fn any_region(&mut self) -> &'static str {
        // Most of an organisation is at home in one region.
        let regions = &self.organisation.regions;
        let limit = if self.dice.chance(0.6) {
            2
        } else {
            regions.len()
        };
        regions[self.dice.below(limit as u64) as usize]
    }

    pub(crate) fn any_account(&mut self) -> usize {
        self.dice.below(self.organisation.accounts.len() as u64) as usize
    }

    /// An account other than `account`.
    pub(crate) fn other_account(&mut self, account: usize) -> usize {
        let count = self.organisation.accounts.len();
        (account + 1 + self.dice.below(count as u64 - 1) as usize) % count
    }

    pub(crate) fn position_of(&self, account: &Account) -> usize {
        self.positions.get(&account.id).copied().unwrap_or(0)
    }

    pub(crate) fn role(&self, account: usize, purpose: Purpose) -> Rc<Role> {
        self.organisation.role(account, purpose)
    }

    pub(crate) fn any_user(&mut self) -> Rc<User> {
        let organisation = self.organisation.clone();
        self.dice.pick(&organisation.users).clone()
    }

    /// A user who has an MFA device.
    pub(crate) fn any_user_with_device(&mut self) -> Rc<User> {
        loop {
            let user = self.any_user();
            if user.device.is_some() {
                return user;
            }
        }
    }
}
