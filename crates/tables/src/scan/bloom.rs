//! Whether a file, and which of its row groups, can hold a value, by their Bloom filters.
//!
//! A split-block filter looks at one block of 32 bytes for one value. Only that block is read, not the filter: a look-up over a year of
//! files costs bytes by the file, not by the row.

use std::ops::Range;

use bytes::Bytes;
use hashbrown::HashMap;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use trailback_sessions::Text;
use twox_hash::XxHash64;

use super::prune::chunk;
use crate::columns::Column;
use crate::filter::Condition;
use crate::footer::Footer;

/// The block of a split-block Bloom filter: eight words of 32 bits.
const BLOCK_BYTES: u64 = 32;

/// The Thrift header before the blocks, without the digits of their length.
const HEADER_BYTES_MIN: u64 = 14;
const HEADER_BYTES_MAX: u64 = 32;

/// More values than this are not worth their requests: the column itself is read instead.
const VALUES_MAX: usize = 256;

/// The file as a whole, where parts are counted.
const WHOLE_FILE: usize = 0;

/// The blocks that decide between parts of a file: its row groups, or all of it.
#[derive(Debug)]
pub(super) struct BloomChecks {
    /// The parts, each with what must hold of it.
    parts: Vec<(usize, Check)>,
    /// Blocks asked for, by their first byte; `None` until supplied.
    blocks: HashMap<u64, Option<Bytes>>,
}

/// What Bloom filters can say of a condition in one part.
#[derive(Debug)]
enum Check {
    /// Nothing.
    Maybe,
    /// The value is in the block, or certainly not in the part.
    Value {
        value: Text,
        block: u64,
    },
    All(Vec<Check>),
    Any(Vec<Check>),
}

impl BloomChecks {
    /// The checks of the condition in the file.
    pub(super) fn of_file(condition: &Condition, footer: &Footer) -> Self {
        let check = Check::of(condition, &|column| {
            Filter::within(&footer.file_filters().of(column)?)
        });
        Self::new(vec![(WHOLE_FILE, check)])
    }

    /// The checks of the condition in these row groups.
    pub(super) fn of_row_groups(
        condition: &Condition,
        metadata: &ParquetMetaData,
        row_groups: Vec<usize>,
    ) -> Self {
        let check = |group| {
            Check::of(condition, &|column| {
                chunk(column, metadata.row_group(group)).and_then(Filter::of)
            })
        };
        Self::new(row_groups.into_iter().map(|group| (group, check(group))))
    }

    fn new(parts: impl IntoIterator<Item = (usize, Check)>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        let mut blocks = HashMap::new();
        parts
            .iter()
            .for_each(|(_, check)| check.collect_blocks(&mut blocks));
        Self { parts, blocks }
    }

    /// The ranges that are still missing, sorted; `None` when all are there.
    pub(super) fn needed(&self) -> Option<Vec<Range<u64>>> {
        let missing = self.blocks.iter().filter(|(_, bytes)| bytes.is_none());
        let mut starts: Vec<u64> = missing.map(|(start, _)| *start).collect();
        starts.sort_unstable();
        let ranges: Vec<_> = starts
            .into_iter()
            .map(|start| start..start + BLOCK_BYTES)
            .collect();
        (!ranges.is_empty()).then_some(ranges)
    }

    /// Takes the bytes of a range.
    pub(super) fn supply(&mut self, range: &Range<u64>, bytes: &Bytes) {
        if let Some(block) = self.blocks.get_mut(&range.start) {
            *block = Some(bytes.clone());
        }
    }

    /// The parts that can hold a row.
    pub(super) fn kept(&self) -> Vec<usize> {
        let kept = self
            .parts
            .iter()
            .filter(|(_, check)| check.may_match(&self.blocks));
        kept.map(|(part, _)| *part).collect()
    }
}

impl Check {
    fn of(condition: &Condition, filter: &dyn Fn(&Column) -> Option<Filter>) -> Self {
        match condition {
            Condition::TextIn { column, values } if values.len() <= VALUES_MAX => {
                let Some(filter) = filter(column) else {
                    return Self::Maybe;
                };
                let check = |value: &Text| Self::Value {
                    value: Text::clone(value),
                    block: filter.block(value),
                };
                Self::Any(values.iter().map(check).collect())
            }
            Condition::And(all) => Self::All(
                all.iter()
                    .map(|condition| Self::of(condition, filter))
                    .collect(),
            ),
            Condition::Or(any) => {
                let checks: Vec<_> = any
                    .iter()
                    .map(|condition| Self::of(condition, filter))
                    .collect();
                // One that nothing is known of decides them all.
                if checks.iter().any(|check| matches!(check, Self::Maybe)) {
                    return Self::Maybe;
                }
                Self::Any(checks)
            }
            _ => Self::Maybe,
        }
    }

    fn collect_blocks(&self, blocks: &mut HashMap<u64, Option<Bytes>>) {
        match self {
            Self::Maybe => {}
            Self::Value { block, .. } => {
                blocks.insert(*block, None);
            }
            Self::All(checks) | Self::Any(checks) => {
                checks.iter().for_each(|check| check.collect_blocks(blocks));
            }
        }
    }

    fn may_match(&self, blocks: &HashMap<u64, Option<Bytes>>) -> bool {
        match self {
            Self::Maybe => true,
            Self::Value { value, block } => match blocks.get(block) {
                // A filter of one block looks for every value in it.
                Some(Some(bytes)) => Sbbf::new(bytes).check(&**value),
                _ => true,
            },
            Self::All(checks) => checks.iter().all(|check| check.may_match(blocks)),
            Self::Any(checks) => checks.iter().any(|check| check.may_match(blocks)),
        }
    }
}

/// Where the blocks of a filter lie.
struct Filter {
    first_block: u64,
    block_count: u64,
}

impl Filter {
    /// `None` where the column has no filter, or one of a shape that we do not write.
    fn of(chunk: &ColumnChunkMetaData) -> Option<Self> {
        let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
        let len = u64::try_from(chunk.bloom_filter_length()?).ok()?;
        Self::within(&(start..start + len))
    }

    /// The filter that those bytes of the file are.
    fn within(bytes: &Range<u64>) -> Option<Self> {
        let len = bytes.end - bytes.start;
        // Blocks are a power of two of them, and the header before them is short.
        let bitset = 1_u64 << len.checked_ilog2()?;
        let header = len - bitset;
        let ours = bitset >= BLOCK_BYTES && (HEADER_BYTES_MIN..=HEADER_BYTES_MAX).contains(&header);
        ours.then_some(Self {
            first_block: bytes.start + header,
            block_count: bitset / BLOCK_BYTES,
        })
    }

    /// The first byte of the block that a value would be in, as the Parquet specification has it.
    fn block(&self, value: &str) -> u64 {
        let hash = XxHash64::oneshot(0, value.as_bytes());
        let index = ((hash >> 32) * self.block_count) >> 32;
        self.first_block + index * BLOCK_BYTES
    }
}
