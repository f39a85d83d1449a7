//! Manifests and what the linker remembers beside them: what is read is written as it was read.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use trailback_fuzz as _;
use trailback_tables::manifest::{Manifest, PartitionState, ShortDigest};

/// The keys of a manifest's metadata, in the order of the input's lines.
const KEYS: [&str; 5] = ["link-version", "hours", "inputs", "link-ids", "rows"];

fuzz_target!(|text: &str| {
    for base in ["", "s3://lake/prefix/"] {
        if let Ok(manifest) = Manifest::from_text(text, base) {
            let written = manifest.to_text(base);
            assert_eq!(Manifest::from_text(&written, base), Ok(manifest.clone()));
            let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(written.lines().collect::<Vec<_>>(), lines);
            assert!(manifest.objects().all(|object| manifest.names(object)));
        }
    }
    let lines = KEYS.iter().zip(text.lines());
    let metadata: BTreeMap<String, String> = lines
        .map(|(key, line)| ((*key).to_owned(), line.to_owned()))
        .collect();
    if let Ok(state) = PartitionState::from_metadata(&metadata) {
        let written = state.to_metadata();
        let bytes: usize = written
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        assert!(bytes < 2_048, "S3 keeps no more");
        assert_eq!(PartitionState::from_metadata(&written), Ok(state));
    }
    if let Ok(digest) = text.parse::<ShortDigest>() {
        assert_eq!(digest.to_string(), text);
    }
});
