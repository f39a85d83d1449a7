//! What the fuzz targets share. A target asks more of a reader than to survive: it holds it against a judge.

pub mod choices;
pub mod damage;
pub mod fields;
pub mod json;
pub mod seen;

/// As in our programs, where room that a file claims and nobody fills costs nothing. A sanitizer brings an allocator of its own.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
