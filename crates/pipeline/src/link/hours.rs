//! The digests of an hour: what it was built from, and what later hours depend on.

use std::collections::BTreeMap;

use trailback_sessions::{Session, write_link_facts};
use trailback_tables::manifest::{DigestBuilder, HourState, SHORT_DIGEST_LEN, ShortDigest};
use trailback_tables::partition::{EventHour, FragmentKey};

use super::kinds::Kind;

/// What is known of the hours that have rows.
pub(super) type HourStates = BTreeMap<EventHour, HourState>;

/// The digest of an hour's inputs: the version of the rules, the names of its fragments, and the link IDs of the hours that
/// it looks back on.
pub(super) fn inputs<'k, K: Kind>(
    hour: EventHour,
    fragments: impl IntoIterator<Item = &'k FragmentKey>,
    states: &HourStates,
) -> ShortDigest {
    let mut digest = DigestBuilder::default();
    digest.part(b"inputs");
    digest.part(&K::VERSION.to_le_bytes());
    for fragment in fragments {
        digest.part(fragment.sha256().as_bytes());
    }
    for (earlier, state) in states.range(look_back::<K>(hour)) {
        digest.part(&earlier.start().0.to_le_bytes());
        digest.part(state.link_id.to_string().as_bytes());
    }
    digest.finish()
}

/// The earlier hours that an hour's rows depend on: in which their ancestors can have been issued.
pub(super) fn look_back<K: Kind>(hour: EventHour) -> std::ops::Range<EventHour> {
    // A range that ends before it begins is a panic: one bad hour would stop every linker for good.
    hour.plus(-K::LOOK_BACK_HOURS).min(hour)..hour
}

/// What is recorded as the inputs of an hour whose rows were made of what is not known any more: the digest of no inputs
/// that there can be, so that the hour is built anew as soon as it can be.
pub(super) fn unknown_inputs() -> ShortDigest {
    let mut digest = DigestBuilder::default();
    digest.part(b"unknown inputs");
    digest.finish()
}

/// What children match or inherit of an hour's rows, whatever their order and the pieces they come in.
#[derive(Debug, Default)]
pub(super) struct LinkFacts(Vec<[u8; SHORT_DIGEST_LEN]>);

impl LinkFacts {
    /// Those of some rows.
    pub(super) fn of(rows: &[Session]) -> LinkFacts {
        LinkFacts(rows.iter().filter_map(link_facts).collect())
    }

    /// Adds those of more rows.
    pub(super) fn join(&mut self, more: LinkFacts) {
        self.0.extend(more.0);
    }

    /// Their hash.
    pub(super) fn link_id(mut self) -> ShortDigest {
        self.0.sort_unstable();
        let mut digest = DigestBuilder::default();
        digest.part(b"link-id");
        for fact in self.0 {
            digest.part(&fact);
        }
        digest.finish()
    }
}

/// The digest of what children match or inherit of a row, as text; `None` where none can.
fn link_facts(row: &Session) -> Option<[u8; SHORT_DIGEST_LEN]> {
    let mut digest = DigestBuilder::default();
    let mut is_empty = true;
    write_link_facts(row, &mut |part| {
        is_empty = false;
        digest.part(part);
    });
    (!is_empty).then(|| digest.finish().to_text())
}
