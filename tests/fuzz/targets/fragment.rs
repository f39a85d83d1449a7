//! Fragments, ours and damaged ones: an error or rows, never a panic of ours or a growth. Rows that come out go in again, and in
//! whatever order they go in, their fragment is the same bytes.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trailback_fuzz::damage;
use trailback_sessions::Issuance;
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::{FragmentRow, decode_fragment, encode_fragment};

/// More rows tell nothing new, and take long.
const ROWS_MAX: usize = 200;

fuzz_target!(
    init: damage::let_libraries_panic(),
    |file: &[u8]| {
        let file = Bytes::copy_from_slice(file);
        check::<Issuance>(&file);
        check::<LedgerEntry>(&file);
    }
);

fn check<R: FragmentRow>(file: &Bytes) {
    let Ok(mut rows) = decode_fragment::<R>(file.clone()) else {
        return;
    };
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return;
    }
    let fragment = encode_fragment(&rows).expect("rows are encoded");
    rows.reverse();
    let reversed = encode_fragment(&rows).expect("rows are encoded");
    assert!(fragment == reversed, "the order of rows changes a fragment");
    let again = decode_fragment::<R>(fragment.into()).expect("what we write we read");
    rows.sort_unstable_by(R::fragment_order);
    assert!(rows == again, "other rows come back");
}
