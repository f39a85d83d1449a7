//! The digests of an hour: what it was built from, and what later hours depend on.

use std::collections::BTreeMap;

use trailback_sessions::{LINK_VERSION, LOOK_BACK_HOURS, Session, write_link_facts};
use trailback_tables::manifest::{DigestBuilder, HourState, ShortDigest};
use trailback_tables::partition::{EventHour, FragmentKey};

/// What is known of the hours that have rows.
pub(super) type HourStates = BTreeMap<EventHour, HourState>;

/// The digest of an hour's inputs: the linking rules, the names of its fragments, and the link IDs of the hours that
/// it looks back on.
pub(super) fn inputs<'k>(
    hour: EventHour,
    fragments: impl IntoIterator<Item = &'k FragmentKey>,
    states: &HourStates,
) -> ShortDigest {
    let mut digest = DigestBuilder::default();
    digest.part(b"inputs");
    digest.part(&LINK_VERSION.to_le_bytes());
    for fragment in fragments {
        digest.part(fragment.sha256().as_bytes());
    }
    for (earlier, state) in states.range(look_back(hour)) {
        digest.part(&earlier.start().0.to_le_bytes());
        digest.part(state.link_id.to_string().as_bytes());
    }
    digest.finish()
}

/// The hours in which ancestors of an hour's rows can have been issued, but for the hour itself.
pub(super) fn look_back(hour: EventHour) -> std::ops::Range<EventHour> {
    hour.plus(-LOOK_BACK_HOURS)..hour
}

/// The hash of what children match or inherit of an hour's rows, whatever their order.
pub(super) fn link_id(rows: &[Session]) -> ShortDigest {
    let mut facts: Vec<String> = rows.iter().filter_map(link_facts).collect();
    facts.sort_unstable();
    let mut digest = DigestBuilder::default();
    digest.part(b"link-id");
    for fact in facts {
        digest.part(fact.as_bytes());
    }
    digest.finish()
}

/// The digest of what children match or inherit of a row; `None` where none can.
fn link_facts(row: &Session) -> Option<String> {
    let mut digest = DigestBuilder::default();
    let mut is_empty = true;
    write_link_facts(row, &mut |part| {
        is_empty = false;
        digest.part(part);
    });
    (!is_empty).then(|| digest.finish().to_string())
}
