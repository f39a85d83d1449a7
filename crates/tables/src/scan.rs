//! Finds rows in a data object without reading it whole; the caller does the I/O.
//!
//! A scan asks for byte ranges and takes bytes: first the footer, then, where statistics leave a row group standing, a
//! few bytes of its Bloom filters, then the filter's columns, and last the pages that hold the rows found. All of it comes in
//! whole blocks that have checksums: damaged bytes are an error, and never another row.
//!
//! ```no_run
//! # fn main() -> Result<(), trailback_tables::TableError> {
//! use trailback_tables::filter::Filter;
//! use trailback_tables::scan::{Scan, Step};
//!
//! # let file = bytes::Bytes::new();
//! # let fetch = |range: &std::ops::Range<u64>| file.slice(range.start as usize..range.end as usize);
//! let mut scan = Scan::new(file.len() as u64, Filter::issued_keys(["ASIAEXAMPLE"]));
//! let mut found = Vec::new();
//! loop {
//!     match scan.step()? {
//!         Step::Need(ranges) => {
//!             let bytes = ranges.iter().map(fetch).collect();
//!             scan.supply(ranges, bytes)?;
//!         }
//!         Step::Rows(rows) => found.extend(rows),
//!         Step::Done => break,
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod bloom;
mod predicate;
mod prune;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder,
    ParquetMetaDataPushDecoder,
};
use trailback_sessions::Session;

use crate::checked::{Opening, check_length};
use crate::columns::Column;
use crate::decode::{BATCH_ROWS, DecodedRows, columns_where, reader_metadata};
use crate::error::{TableError, refusing_damage, while_doing};
use crate::filter::Filter;
use crate::footer::Footer;
use crate::inherited::is_inherited;
use crate::pages;
use crate::schema::{FileKind, Table};
use bloom::BloomChecks;

/// What is scanned.
const TABLE: Table = Table::Sessions;
const KIND: FileKind = FileKind::DataObject(TABLE);

/// The rows that pass a filter, of a data object whose bytes are all at hand.
pub(crate) fn scan_bytes(
    file: &Bytes,
    filter: Filter,
    columns: Columns,
) -> Result<Vec<Session>, TableError> {
    let mut scan = Scan::new(file.len() as u64, filter).with_columns(columns);
    let mut found = Vec::new();
    loop {
        match scan.step()? {
            Step::Need(ranges) => {
                let part =
                    |range: &Range<u64>| file.slice(range.start as usize..range.end as usize);
                let parts = ranges.iter().map(part).collect();
                scan.supply(ranges, parts)?;
            }
            Step::Rows(mut rows) => found.append(&mut rows),
            Step::Done => return Ok(found),
        }
    }
}

/// Which columns of the rows found are decoded; all others are left at their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// All.
    All,
    /// Those that children match or inherit: all that linking asks of an ancestor.
    Inherited,
}

impl Columns {
    fn has(self, column: &Column) -> bool {
        match self {
            Self::All => true,
            Self::Inherited => is_inherited(column),
        }
    }
}

/// What a scan wants or has.
#[derive(Debug)]
pub enum Step {
    /// It needs these byte ranges of the file, sorted by their start; give them to [`Scan::supply`].
    Need(Vec<Range<u64>>),
    /// Rows that pass the filter, in the order of the file.
    Rows(Vec<Session>),
    /// There are no more rows.
    Done,
}

/// A scan of one data object.
#[derive(Debug)]
pub struct Scan {
    filter: Filter,
    columns: Columns,
    footer: Option<Footer>,
    state: State,
    /// The parts of the file that are wanted; whole blocks that hold them were asked for.
    wanted: Vec<Range<u64>>,
    rows: DecodedRows<Session>,
}

#[derive(Debug)]
enum State {
    /// The last bytes of the file are wanted, or supplied.
    Tail {
        opening: Opening,
        bytes: Option<Bytes>,
    },
    /// Bloom filters decide whether the file has any such row, then which row groups.
    FileBlooms {
        checks: BloomChecks,
        row_groups: Vec<usize>,
    },
    Blooms(BloomChecks),
    /// The page index of the row groups that are left.
    PageIndex(Box<ParquetMetaDataPushDecoder>),
    /// Pages.
    Pages(Box<ParquetPushDecoder>),
    Done,
}

impl Scan {
    /// A scan of a data object of that length, in bytes.
    #[must_use]
    pub fn new(file_len: u64, filter: Filter) -> Self {
        let opening = Opening::new(TABLE, file_len);
        let state = State::Tail {
            opening,
            bytes: None,
        };
        Self {
            filter,
            columns: Columns::All,
            footer: None,
            state,
            wanted: Vec::new(),
            rows: DecodedRows::default(),
        }
    }

    /// The same scan, that decodes no more columns than these.
    #[must_use]
    pub fn with_columns(self, columns: Columns) -> Self {
        Self { columns, ..self }
    }

    /// Another scan of a data object whose footer is known.
    ///
    /// # Errors
    /// When the footer's statistics cannot be read.
    pub fn with_footer(footer: Footer, filter: Filter) -> Result<Self, TableError> {
        let mut scan = Self::new(footer.file_len(), filter);
        scan.start(footer)?;
        Ok(scan)
    }

    /// The file's footer, once it has been read: worth keeping for the next scan.
    #[must_use]
    pub fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    /// Takes the bytes that [`Step::Need`] asked for.
    ///
    /// # Errors
    /// When bytes are not as long as their range, or not those that were written.
    pub fn supply(&mut self, ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Result<(), TableError> {
        for (index, range) in ranges.iter().enumerate() {
            check_length(range, bytes.get(index).unwrap_or(&Bytes::new()))?;
        }
        let supplied = self.checked(ranges, bytes)?.into_iter();
        match &mut self.state {
            State::Tail { opening, bytes } => {
                let tail = opening.wanted();
                *bytes = supplied
                    .filter(|(given, _)| *given == tail)
                    .map(|(_, b)| b)
                    .last();
            }
            State::FileBlooms { checks, .. } | State::Blooms(checks) => {
                supplied.for_each(|(range, bytes)| checks.supply(&range, &bytes))
            }
            State::PageIndex(decoder) => {
                for (range, bytes) in supplied {
                    decoder
                        .push_range(range, bytes)
                        .map_err(while_doing("take a page index"))?;
                }
            }
            State::Pages(decoder) => {
                for (range, bytes) in supplied {
                    if let Some(footer) = &self.footer {
                        check_pages(footer.metadata(), &range, &bytes)?;
                    }
                    decoder
                        .push_range(range, bytes)
                        .map_err(while_doing("take pages"))?;
                }
            }
            State::Done => {}
        }
        Ok(())
    }

    /// Checks whole blocks, and cuts out of them the parts that are wanted. The end of the file is checked when it is decoded.
    fn checked(
        &mut self,
        ranges: Vec<Range<u64>>,
        bytes: Vec<Bytes>,
    ) -> Result<Vec<(Range<u64>, Bytes)>, TableError> {
        let supplied: Vec<_> = ranges.into_iter().zip(bytes).collect();
        let Some(footer) = &self.footer else {
            return Ok(supplied);
        };
        let wanted = std::mem::take(&mut self.wanted);
        let parts = footer.cut(&wanted, &supplied)?;
        Ok(wanted.into_iter().zip(parts).collect())
    }

    /// Goes on as far as the bytes supplied allow. After an error there is no more to come.
    ///
    /// # Errors
    /// When the file is no data object of ours, or damaged.
    pub fn step(&mut self) -> Result<Step, TableError> {
        let step = refusing_damage(|| self.run()).and_then(|step| self.in_whole_blocks(step));
        if step.is_err() {
            self.state = State::Done;
        }
        step
    }

    fn run(&mut self) -> Result<Step, TableError> {
        loop {
            let step = match &mut self.state {
                State::Tail { .. } => self.read_tail()?,
                State::FileBlooms { .. } => self.read_file_blooms(),
                State::Blooms(_) => self.read_blooms()?,
                State::PageIndex(_) => self.read_page_index()?,
                State::Pages(_) => self.read_pages()?,
                State::Done => Some(Step::Done),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// Asks for the blocks that hold what is needed, because only whole blocks can be checked.
    fn in_whole_blocks(&mut self, step: Step) -> Result<Step, TableError> {
        let (Step::Need(ranges), Some(footer)) = (&step, &self.footer) else {
            return Ok(step);
        };
        let blocks = footer.blocks(ranges)?;
        self.wanted.clone_from(ranges);
        Ok(Step::Need(blocks))
    }

    fn read_tail(&mut self) -> Result<Option<Step>, TableError> {
        let State::Tail { opening, bytes } = &mut self.state else {
            return Ok(None);
        };
        let Some(tail) = bytes.take() else {
            return Ok(Some(Step::Need(vec![opening.wanted()])));
        };
        if let Some(footer) = opening.supply(&tail)? {
            self.start(footer)?;
        }
        Ok(None)
    }

    fn read_file_blooms(&mut self) -> Option<Step> {
        let (State::FileBlooms { checks, row_groups }, Some(footer)) =
            (&mut self.state, &self.footer)
        else {
            return None;
        };
        if let Some(ranges) = checks.needed() {
            return Some(Step::Need(ranges));
        }
        self.state = match checks.kept().is_empty() {
            true => State::Done,
            false => State::Blooms(BloomChecks::of_row_groups(
                &self.filter.0,
                footer.metadata(),
                std::mem::take(row_groups),
            )),
        };
        None
    }

    fn read_blooms(&mut self) -> Result<Option<Step>, TableError> {
        let State::Blooms(checks) = &mut self.state else {
            return Ok(None);
        };
        if let Some(ranges) = checks.needed() {
            return Ok(Some(Step::Need(ranges)));
        }
        let kept = checks.kept();
        self.open(&kept)?;
        Ok(None)
    }

    fn read_page_index(&mut self) -> Result<Option<Step>, TableError> {
        let State::PageIndex(decoder) = &mut self.state else {
            return Ok(None);
        };
        match decoder
            .try_decode()
            .map_err(while_doing("read a page index"))?
        {
            DecodeResult::NeedsData(ranges) => return Ok(Some(Step::Need(ranges))),
            DecodeResult::Data(metadata) => self.state = self.pages(metadata)?,
            DecodeResult::Finished => self.state = State::Done,
        }
        Ok(None)
    }

    /// Rules row groups out by their statistics.
    fn start(&mut self, footer: Footer) -> Result<(), TableError> {
        let metadata = footer.metadata();
        let standing: Vec<usize> = (0..metadata.num_row_groups())
            .filter(|&group| prune::may_match(&self.filter.0, metadata.row_group(group)))
            .collect();
        self.state = match standing.is_empty() {
            true => State::Done,
            false => State::FileBlooms {
                checks: BloomChecks::of_file(&self.filter.0, &footer),
                row_groups: standing,
            },
        };
        self.footer = Some(footer);
        Ok(())
    }

    /// Goes on with the row groups that are left, and with no others: the page index of the rest is not even read.
    fn open(&mut self, row_groups: &[usize]) -> Result<(), TableError> {
        let Some(footer) = self.footer.as_ref().filter(|_| !row_groups.is_empty()) else {
            self.state = State::Done;
            return Ok(());
        };
        let metadata = footer.metadata();
        let left = row_groups
            .iter()
            .map(|&group| metadata.row_group(group).clone())
            .collect();
        let metadata = ParquetMetaDataBuilder::new(metadata.file_metadata().clone())
            .set_row_groups(left)
            .build();
        let decoder =
            ParquetMetaDataPushDecoder::try_new_with_metadata(footer.file_len(), metadata)
                .map_err(while_doing("read a page index"))?
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional);
        self.state = State::PageIndex(Box::new(decoder));
        Ok(())
    }

    fn pages(&self, metadata: ParquetMetaData) -> Result<State, TableError> {
        let metadata = Arc::new(metadata);
        let columns = columns_where(&metadata, KIND, |column| self.columns.has(column));
        let filter = predicate::row_filter(&self.filter.0, &metadata);
        let builder = ParquetPushDecoderBuilder::new_with_metadata(reader_metadata(metadata)?)
            .with_batch_size(BATCH_ROWS)
            .with_projection(columns)
            .with_row_filter(filter)
            // It would hold the filter's columns of a whole row group, some 150 bytes a row, to spare the few rows found.
            .with_max_predicate_cache_size(0);
        let decoder = builder
            .build()
            .map_err(while_doing("read a Parquet file"))?;
        Ok(State::Pages(Box::new(decoder)))
    }

    fn read_pages(&mut self) -> Result<Option<Step>, TableError> {
        let State::Pages(decoder) = &mut self.state else {
            return Ok(None);
        };
        match decoder.try_decode().map_err(while_doing("decode pages"))? {
            DecodeResult::NeedsData(mut ranges) => {
                ranges.sort_unstable_by_key(|range| range.start);
                Ok(Some(Step::Need(ranges)))
            }
            DecodeResult::Data(batch) => {
                let mut rows = Vec::with_capacity(batch.num_rows());
                self.rows.decode(&batch, KIND, &mut rows)?;
                Ok((!rows.is_empty()).then_some(Step::Rows(rows)))
            }
            DecodeResult::Finished => {
                self.state = State::Done;
                Ok(None)
            }
        }
    }
}

/// Checks pages of whichever column has its bytes there.
fn check_pages(
    metadata: &ParquetMetaData,
    range: &Range<u64>,
    bytes: &Bytes,
) -> Result<(), TableError> {
    let groups = metadata.row_groups().iter();
    let mut chunks = groups.flat_map(|group| group.columns());
    let holds = |chunk: &&ColumnChunkMetaData| {
        let (start, len) = chunk.byte_range();
        start <= range.start && range.end <= start + len
    };
    match chunks.find(holds) {
        Some(chunk) => refusing_damage(|| pages::check(chunk, bytes.clone())),
        None => Err(TableError::NotParquet {
            reason: "a page lies outside its column",
        }),
    }
}

#[cfg(test)]
mod tests;
