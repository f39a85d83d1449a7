//! Why linking stops, and whether looking again may help.

use trailback_tables::TableError;
use trailback_tables::manifest::ManifestError;
use trailback_tables::partition::{DataKey, Day, EventHour};

use crate::data_scan::ScanError;
use crate::fragments::FragmentError;
use crate::store::StoreError;

/// Why linking stopped. The lake is whole: what was published stays, and the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The lake cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others were faster again and again.
    #[error("other linkers are at work on this lake; gave way after {tries} tries")]
    Contended {
        /// How often it was tried.
        tries: u64,
        /// What happened last.
        #[source]
        last: StoreError,
    },
    /// The lake was linked by a newer program.
    #[error(
        "{table} of {day} was linked by rules of version {found}, this program knows up to {known}; use a newer trailback"
    )]
    NewerLinkVersion {
        /// The table.
        table: &'static str,
        /// A day of which that is so.
        day: Day,
        /// The version.
        found: i32,
        /// This program's.
        known: i32,
    },
    /// A fragment does not hold what its name says.
    #[error(
        "{location} is damaged; ingest the log objects of that time with --again, and if that does not mend it, delete it first"
    )]
    DamagedFragment {
        /// The fragment.
        location: String,
        /// What is wrong, where the bytes are right.
        #[source]
        cause: Option<TableError>,
    },
    /// A fragment has what this program does not know.
    #[error("{location} was written by a newer trailback; use that one to link this lake")]
    NewerFragment {
        /// The fragment.
        location: String,
        /// What is not known.
        #[source]
        cause: TableError,
    },
    /// A data object cannot be read, although its day was built anew for that reason.
    #[error(
        "{location} is damaged, and so was what it replaced; see that the store gives back what is written to it, then run `trailback link --rebuild`"
    )]
    DamagedObject {
        /// The data object.
        location: String,
        /// Its day.
        day: Day,
        /// What is wrong.
        #[source]
        cause: TableError,
    },
    /// Rows cannot be made for a reason that nobody thought of.
    #[error(
        "the rows of {table} of the hour {hour} cannot be made, which is a bug of trailback: please report it; that hour stays as it is published"
    )]
    Panicked {
        /// The table.
        table: &'static str,
        /// The hour.
        hour: EventHour,
        /// How the thread ended.
        #[source]
        cause: tokio::task::JoinError,
    },
    /// Rows cannot be encoded.
    #[error("cannot encode the rows of {day}")]
    Encode {
        /// Their day.
        day: Day,
        /// Why not.
        #[source]
        cause: TableError,
    },
    /// A manifest cannot be made.
    #[error("cannot make the manifest of {day}")]
    Manifest {
        /// The day.
        day: Day,
        /// Why not.
        #[source]
        cause: ManifestError,
    },
    /// A thread died.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

impl From<FragmentError> for LinkError {
    fn from(failure: FragmentError) -> LinkError {
        match failure {
            FragmentError::Store(failure) => LinkError::Store(failure),
            // Its bytes are those that were written.
            FragmentError::Damaged {
                location,
                cause: Some(cause),
            } if cause.is_of_a_newer_program() => LinkError::NewerFragment { location, cause },
            FragmentError::Damaged { location, cause } => {
                LinkError::DamagedFragment { location, cause }
            }
            FragmentError::Worker(stopped) => LinkError::Worker(stopped),
        }
    }
}

impl LinkError {
    /// Why a data object could not be read.
    pub(super) fn of_scan(failure: ScanError, object: &DataKey) -> LinkError {
        match failure {
            ScanError::Store(failure) => LinkError::Store(failure),
            ScanError::Damaged { location, cause } => LinkError::DamagedObject {
                location,
                day: object.day,
                cause,
            },
            ScanError::Worker(stopped) => LinkError::Worker(stopped),
        }
    }

    /// Whether the other table can be brought up all the same.
    pub(super) fn is_of_one_table(&self) -> bool {
        !matches!(
            self,
            LinkError::Store(_) | LinkError::NewerLinkVersion { .. }
        )
    }
}

/// Whether another writer was faster, so that looking again may help.
pub(super) fn is_conflict(failure: &StoreError) -> bool {
    matches!(
        failure,
        StoreError::NotFound { .. } | StoreError::Precondition { .. }
    )
}
