//! A door for `tests/fuzz`: checksums would keep it out of a data object.

/// A data object of any body and footer, with checksums that hold.
#[must_use]
pub fn seal(body: Vec<u8>, footer: &[u8]) -> Vec<u8> {
    crate::checksums::seal(body, footer)
}
