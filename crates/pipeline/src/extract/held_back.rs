//! Rows that wait until it is known whether the bytes they were read from are sound.
//!
//! The checksum of a gzip member stands behind it, but evidence that is known to be wrong must never become a row. So the
//! rows of an object wait for its end. Memory is bounded all the same: when too many wait, the object is looked through
//! once more, which tells how many of its records are sound, and its rows need not wait any longer.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use trailback_cloudtrail::{Limits, LogObjectReader, Reading, Select};
use trailback_sessions::Issuance;

/// How many rows of all objects together wait at most before objects are looked through: those of a 350 MB object at a
/// usual share of issuances, 32 MB at 2 KB a row.
pub(super) const HELD_ROWS_MAX: usize = 16_384;

/// How many rows of all objects wait.
#[derive(Debug, Default)]
pub(super) struct HeldRows(AtomicUsize);

/// The rows of one object, and how many of its records are known to be sound.
pub(super) struct HeldBack<'a> {
    all: &'a HeldRows,
    /// Each with its record's place in the object.
    rows: Vec<(u64, Issuance)>,
    sound_records: Option<u64>,
}

impl HeldBack<'_> {
    /// Nothing yet.
    pub(super) fn new(all: &HeldRows) -> HeldBack<'_> {
        HeldBack {
            all,
            rows: Vec::new(),
            sound_records: None,
        }
    }

    /// Takes a row.
    pub(super) fn add(&mut self, record: u64, row: Issuance) {
        self.all.0.fetch_add(1, Ordering::Relaxed);
        self.rows.push((record, row));
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the rows need not wait any longer.
    pub(super) fn is_decided(&self) -> bool {
        self.sound_records.is_some()
    }

    /// Whether too many rows wait to wait for the object's end.
    pub(super) fn is_too_much(&self) -> bool {
        self.all.0.load(Ordering::Relaxed) >= HELD_ROWS_MAX && !self.is_decided()
    }

    /// Notes how many records from the front are sound. What was said first stands: rows may have been let go by it.
    pub(super) fn decide(&mut self, sound_records: u64) {
        self.sound_records.get_or_insert(sound_records);
    }

    /// Lets all rows go: those of sound records, and how many others there were. Nothing before that is decided.
    pub(super) fn let_go(&mut self) -> (Vec<Issuance>, u64) {
        let Some(sound_records) = self.sound_records else {
            return (Vec::new(), 0);
        };
        let rows = std::mem::take(&mut self.rows);
        self.all.0.fetch_sub(rows.len(), Ordering::Relaxed);
        let all = rows.len();
        let sound = rows
            .into_iter()
            .filter(|(record, _)| *record < sound_records);
        let sound: Vec<Issuance> = sound.map(|(_, row)| row).collect();
        let others = (all - sound.len()) as u64;
        (sound, others)
    }
}

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.rows.len(), Ordering::Relaxed);
    }
}

/// Looks through an object once more: how many of its records from the front are sound? As far as it could be read: a
/// failure may lie in how it came.
pub(super) fn look_through(again: impl Read, limits: Limits) -> Reading {
    LogObjectReader::new(limits).read(again, &Select::Nothing, &mut |_, _| {})
}
