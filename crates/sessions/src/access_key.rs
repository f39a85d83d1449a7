//! What an ID says by its letters: kind and account.

/// The account that an `ASIA…`, `AKIA…`, `AROA…` or `AIDA…` ID encodes.
pub(crate) fn account_id(id: &str) -> Option<String> {
    let _ = id;
    None
}
