//! The manifest of a partition: which data objects are its rows, and what they were built from.
//!
//! The text is what Athena's `SymlinkTextInputFormat` reads: one location a line. What the linker must remember lies in
//! the object's metadata, so that both change in one PUT.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::partition::{DataKey, Day, NameError};

/// The data objects of one partition, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    objects: BTreeSet<DataKey>,
}

/// Why a text is no manifest, or metadata not that of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A partition without data objects has no manifest.
    #[error("a manifest names at least one data object")]
    Empty,
    /// A line lies outside the lake.
    #[error("line {line}: {text:?} does not begin with {base:?}")]
    OtherBase {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
        /// Where the lake lies.
        base: String,
    },
    /// A line names no data object.
    #[error("line {line}: {source}")]
    Name {
        /// Counted from 1.
        line: usize,
        /// Why not.
        source: NameError,
    },
    /// Objects of two partitions.
    #[error("{object} is not of {table} on {day}")]
    OtherPartition {
        /// The object.
        object: String,
        /// The table of the others.
        table: &'static str,
        /// The day of the others.
        day: Day,
    },
    /// The metadata lacks a value, or has one that cannot be read.
    #[error("manifest metadata {key:?}: {reason}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Manifest {
    /// The manifest of these data objects.
    ///
    /// # Errors
    /// When there are none, or they are not of one table and day.
    pub fn new(objects: impl IntoIterator<Item = DataKey>) -> Result<Self, ManifestError> {
        let objects: BTreeSet<_> = objects.into_iter().collect();
        let of = |object: &DataKey| (object.table, object.day);
        let (table, day) = of(objects.first().ok_or(ManifestError::Empty)?);
        match objects.iter().find(|object| of(object) != (table, day)) {
            Some(other) => Err(ManifestError::OtherPartition {
                object: other.to_string(),
                table: table.name(),
                day,
            }),
            None => Ok(Self { objects }),
        }
    }

    /// The data objects, in the order of the day.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &DataKey> {
        self.objects.iter()
    }

    /// Whether the partition has this data object.
    #[must_use]
    pub fn names(&self, object: &DataKey) -> bool {
        self.objects.contains(object)
    }

    /// The text of `symlink.txt`: sorted lines, each `base` and the object's key. `base` is empty in a folder, so that
    /// lines are paths from the lake's root, and `s3://bucket/prefix/` in a bucket.
    #[must_use]
    pub fn to_text(&self, base: &str) -> String {
        let mut lines: Vec<_> = self
            .objects
            .iter()
            .map(|object| format!("{base}{object}\n"))
            .collect();
        lines.sort_unstable();
        lines.concat()
    }

    /// Reads the text of `symlink.txt`.
    ///
    /// # Errors
    /// When it has no line, or one that is no data object below `base`.
    pub fn from_text(text: &str, base: &str) -> Result<Self, ManifestError> {
        let mut objects = Vec::new();
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
        {
            let number = index + 1;
            let key = line
                .strip_prefix(base)
                .ok_or_else(|| ManifestError::OtherBase {
                    line: number,
                    text: line.to_owned(),
                    base: base.to_owned(),
                })?;
            let object = key.parse();
            objects.push(object.map_err(|source| ManifestError::Name {
                line: number,
                source,
            })?);
        }
        Self::new(objects)
    }
}

/// The first 96 bits of a SHA-256: enough to tell inputs apart, short enough for 48 of them in an object's metadata.
/// Displays and parses as 16 characters of URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortDigest([u8; 12]);

/// The length of a [`ShortDigest`] as text.
pub const SHORT_DIGEST_LEN: usize = 16;
const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl ShortDigest {
    /// The digest of a list of parts; parts cut differently give another digest.
    pub fn of<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut builder = DigestBuilder::default();
        for part in parts {
            builder.part(part.as_ref());
        }
        builder.finish()
    }

    /// What it displays as.
    #[must_use]
    pub fn to_text(self) -> [u8; SHORT_DIGEST_LEN] {
        let mut text = [0; SHORT_DIGEST_LEN];
        for (bytes, sextets) in self.0.chunks_exact(3).zip(text.chunks_exact_mut(4)) {
            let bits = bytes
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            for (sextet, shift) in sextets.iter_mut().zip([18, 12, 6, 0]) {
                *sextet = BASE64URL[(bits >> shift & 0x3f) as usize];
            }
        }
        text
    }
}

/// Builds a [`ShortDigest`] part by part.
#[derive(Clone, Debug, Default)]
pub struct DigestBuilder(Sha256);

impl DigestBuilder {
    /// Adds a part.
    pub fn part(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The digest of all parts.
    #[must_use]
    pub fn finish(self) -> ShortDigest {
        let mut short = [0; 12];
        short.copy_from_slice(&self.0.finalize()[..12]);
        ShortDigest(short)
    }
}

impl fmt::Display for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_text()
            .iter()
            .try_for_each(|sextet| f.write_char(char::from(*sextet)))
    }
}

impl FromStr for ShortDigest {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        let wrong = ManifestError::Metadata {
            key: "digest",
            reason: "expected 16 characters of base64url",
        };
        if text.len() != SHORT_DIGEST_LEN {
            return Err(wrong);
        }
        let mut digest = [0; 12];
        for (bytes, characters) in digest
            .chunks_exact_mut(3)
            .zip(text.as_bytes().chunks_exact(4))
        {
            let mut bits = 0_u32;
            for character in characters {
                let sextet = BASE64URL.iter().position(|known| known == character);
                bits = bits << 6 | sextet.ok_or_else(|| wrong.clone())? as u32;
            }
            bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
        }
        Ok(Self(digest))
    }
}

/// What the linker remembers of one hour of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourState {
    /// What the hour's rows were built from.
    pub inputs: ShortDigest,
    /// What children match and inherit.
    pub link_id: ShortDigest,
    /// How many linked rows the hour has.
    pub row_count: u32,
}

/// What the linker remembers of a partition, beside its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// The version of the linking rules.
    pub link_version: i32,
    /// By hour of day; `None` where the hour has no rows.
    pub hours: [Option<HourState>; 24],
}

/// The keys of a manifest's metadata.
const LINK_VERSION_KEY: &str = "link-version";
const HOURS_KEY: &str = "hours";
const INPUTS_KEY: &str = "inputs";
const LINK_IDS_KEY: &str = "link-ids";
const ROW_COUNTS_KEY: &str = "rows";

impl PartitionState {
    /// A partition in which no hour has been built.
    #[must_use]
    pub fn new(link_version: i32) -> Self {
        Self {
            link_version,
            hours: [None; 24],
        }
    }

    /// The hours that have rows.
    pub fn built(&self) -> impl Iterator<Item = (u8, &HourState)> {
        (0..)
            .zip(&self.hours)
            .filter_map(|(hour, state)| Some((hour, state.as_ref()?)))
    }

    /// How many linked rows the partition has.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.built()
            .map(|(_, state)| u64::from(state.row_count))
            .sum()
    }

    /// The metadata of the manifest: at most 1.1 KB of the 2 KB that S3 allows, lower-case keys, ASCII values.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mask = self.built().fold(0_u32, |mask, (hour, _)| mask | 1 << hour);
        let join = |part: &dyn Fn(&HourState) -> String| {
            self.built()
                .map(|(_, state)| part(state))
                .collect::<Vec<_>>()
        };
        let values = [
            (LINK_VERSION_KEY, self.link_version.to_string()),
            (HOURS_KEY, format!("{mask:06x}")),
            (INPUTS_KEY, join(&|state| state.inputs.to_string()).concat()),
            (
                LINK_IDS_KEY,
                join(&|state| state.link_id.to_string()).concat(),
            ),
            (
                ROW_COUNTS_KEY,
                join(&|state| state.row_count.to_string()).join("."),
            ),
        ];
        values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }

    /// Reads the metadata of a manifest.
    ///
    /// # Errors
    /// When a value is missing or cannot be read.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, ManifestError> {
        let link_version = metadata_value(metadata, LINK_VERSION_KEY)?
            .parse()
            .map_err(|_| wrong(LINK_VERSION_KEY, "expected a number"))?;
        let mask = u32::from_str_radix(metadata_value(metadata, HOURS_KEY)?, 16)
            .ok()
            .filter(|mask| *mask < 1 << 24)
            .ok_or_else(|| wrong(HOURS_KEY, "expected 24 bits in hex"))?;
        let built: Vec<usize> = (0..24).filter(|hour| mask >> hour & 1 == 1).collect();
        let inputs = digests(metadata, INPUTS_KEY, built.len())?;
        let link_ids = digests(metadata, LINK_IDS_KEY, built.len())?;
        let row_counts = row_counts(metadata, built.len())?;
        let mut state = Self::new(link_version);
        for (index, hour) in built.into_iter().enumerate() {
            state.hours[hour] = Some(HourState {
                inputs: inputs[index],
                link_id: link_ids[index],
                row_count: row_counts[index],
            });
        }
        Ok(state)
    }
}

fn wrong(key: &'static str, reason: &'static str) -> ManifestError {
    ManifestError::Metadata { key, reason }
}

fn metadata_value<'m>(
    metadata: &'m BTreeMap<String, String>,
    key: &'static str,
) -> Result<&'m str, ManifestError> {
    metadata
        .get(key)
        .map(String::as_str)
        .ok_or_else(|| wrong(key, "missing"))
}

fn digests(
    metadata: &BTreeMap<String, String>,
    key: &'static str,
    count: usize,
) -> Result<Vec<ShortDigest>, ManifestError> {
    let text = metadata_value(metadata, key)?;
    if text.len() != count * SHORT_DIGEST_LEN || !text.is_ascii() {
        return Err(wrong(key, "expected 16 characters for each hour"));
    }
    let digests =
        (0..count).map(|index| text[index * SHORT_DIGEST_LEN..][..SHORT_DIGEST_LEN].parse());
    digests
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(key, "expected base64url"))
}

fn row_counts(
    metadata: &BTreeMap<String, String>,
    count: usize,
) -> Result<Vec<u32>, ManifestError> {
    let text = metadata_value(metadata, ROW_COUNTS_KEY)?;
    let counts = text
        .split('.')
        .filter(|part| !part.is_empty())
        .map(str::parse);
    let counts: Vec<u32> = counts
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(ROW_COUNTS_KEY, "expected numbers"))?;
    if counts.len() == count {
        Ok(counts)
    } else {
        Err(wrong(ROW_COUNTS_KEY, "expected a number for each hour"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trailback_sessions::Timestamp;

    use super::*;
    use crate::partition::DayPart;
    use crate::schema::Table;

    fn day() -> Day {
        "2026-11-20".parse().unwrap()
    }

    fn object(part: DayPart) -> DataKey {
        DataKey::of(Table::Sessions, day(), part, &[0])
    }

    fn state() -> impl Strategy<Value = PartitionState> {
        let hour = any::<(u64, u64, u32)>().prop_map(|(inputs, link_id, row_count)| HourState {
            inputs: ShortDigest::of([inputs.to_le_bytes()]),
            link_id: ShortDigest::of([link_id.to_le_bytes()]),
            row_count,
        });
        (
            any::<i32>(),
            proptest::collection::vec(proptest::option::of(hour), 24),
        )
            .prop_map(|(link_version, hours)| PartitionState {
                link_version,
                hours: hours.try_into().unwrap(),
            })
    }

    #[test]
    fn lines_are_sorted_and_come_back() {
        let objects = [DayPart::Hour(23), DayPart::Hour(0), DayPart::Hour(5)].map(object);
        let manifest = Manifest::new(objects).unwrap();
        for base in ["", "s3://bucket/prefix/"] {
            let text = manifest.to_text(base);
            assert!(text.lines().is_sorted() && text.lines().all(|line| line.starts_with(base)));
            assert_eq!(text.lines().count(), 3);
            assert_eq!(Manifest::from_text(&text, base).as_ref(), Ok(&manifest));
        }
    }

    #[test]
    fn a_manifest_is_never_empty() {
        assert_eq!(Manifest::new([]), Err(ManifestError::Empty));
        assert_eq!(Manifest::from_text("\n\n", ""), Err(ManifestError::Empty));
    }

    #[test]
    fn a_manifest_is_of_one_table_and_day() {
        for other in [
            DataKey::of(Table::Sessions, day().plus(1), DayPart::Whole, &[]),
            DataKey::of(Table::LogObjects, day(), DayPart::Whole, &[]),
        ] {
            let error = Manifest::new([object(DayPart::Whole), other]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .ends_with("is not of sessions on 2026-11-20"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_line_of_something_else_is_named() {
        let good = object(DayPart::Whole);
        let error = Manifest::from_text(&format!("{good}\nother\n"), "").unwrap_err();
        assert!(
            error.to_string().starts_with("line 2: \"other\""),
            "{error}"
        );
        let error = Manifest::from_text(&format!("{good}\n"), "s3://b/").unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("does not begin with \"s3://b/\""),
            "{error}"
        );
    }

    #[test]
    fn a_digest_depends_on_where_its_parts_are_cut() {
        assert_ne!(ShortDigest::of(["ab", "c"]), ShortDigest::of(["a", "bc"]));
        assert_eq!(ShortDigest([0xff; 12]).to_string(), "_".repeat(16));
    }

    proptest! {
        #[test]
        fn state_comes_back_from_metadata(state in state()) {
            let metadata = state.to_metadata();
            prop_assert_eq!(PartitionState::from_metadata(&metadata), Ok(state));
            let bytes: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
            prop_assert!(bytes <= 1_126, "{bytes}");
            prop_assert!(metadata.values().all(|value| value.is_ascii()));
        }

        #[test]
        fn damaged_metadata_is_an_error_or_another_state(state in state(), key in 0_usize..5, text in ".{0,40}") {
            let mut metadata = state.to_metadata();
            let key = metadata.keys().nth(key).cloned().unwrap();
            metadata.insert(key, text);
            if let Ok(other) = PartitionState::from_metadata(&metadata) {
                prop_assert_eq!(PartitionState::from_metadata(&other.to_metadata()), Ok(other));
            }
        }

        #[test]
        fn a_damaged_text_is_an_error_or_another_manifest(ms in 0_i64..4_000_000_000_000, at in 0_usize..90, with in any::<char>()) {
            let manifest = Manifest::new([DataKey::of(Table::Sessions, Day::of(Timestamp(ms)), DayPart::Whole, &[])]).unwrap();
            let mut text: Vec<char> = manifest.to_text("").chars().collect();
            let at = at % text.len();
            text[at] = with;
            let text: String = text.into_iter().collect();
            if let Ok(other) = Manifest::from_text(&text, "") {
                prop_assert_eq!(Manifest::from_text(&other.to_text(""), ""), Ok(other));
            }
        }
    }
}
