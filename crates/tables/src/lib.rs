//! How rows lie in Parquet: columns, files, partitions, DDL; bytes in, bytes out.
//!
//! No I/O happens here. [`encode_fragment`] and [`encode_sessions`] give bytes, [`decode_fragment`] and
//! [`decode_sessions`] take them, and [`scan::Scan`] asks for the byte ranges it wants of a file too large to be read whole.

pub mod columns;
pub mod ddl;
mod decode;
mod encode;
mod error;
pub mod filter;
mod footer;
pub mod manifest;
pub mod partition;
pub mod scan;
mod schema;
mod writer;

pub use decode::{decode_fragment, decode_sessions};
pub use encode::{encode_fragment, encode_sessions};
pub use error::TableError;
pub use footer::Footer;
pub use schema::{SCHEMA_VERSION, Table};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;
