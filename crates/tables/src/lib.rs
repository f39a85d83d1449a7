//! How rows lie in Parquet: columns, files, partitions, DDL; bytes in, bytes out.
//!
//! No I/O happens here. [`encode_fragment`] and [`encode_data_object`] give bytes, [`decode_fragment`] and
//! [`decode_data_object`] take them, and [`scan::Scan`] asks for the byte ranges it wants of a file too large to be read whole.

pub mod checked;
mod checksums;
pub mod columns;
pub mod ddl;
mod decode;
mod encode;
mod error;
mod file_filters;
pub mod filter;
mod footer;
mod fragment;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod inherited;
pub mod ledger;
pub mod manifest;
mod pages;
pub mod partition;
mod rows;
mod runs;
pub mod scan;
mod schema;
mod writer;

pub use decode::{decode_data_object, decode_fragment, decode_known_fragment};
pub use encode::{encode_data_object, encode_fragment};
pub use error::TableError;
pub use footer::Footer;
pub use fragment::{Fragment, FragmentByTime};
pub use inherited::EncodedAncestors;
pub use rows::{DataRow, FragmentRow, TableRow};
pub use runs::{Run, merge_runs};
pub use schema::{SCHEMA_VERSION, Table};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;
