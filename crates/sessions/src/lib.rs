//! What a record means: issuances, the sessions they start, and the chains back to an origin.

pub mod access_key;
pub mod arn;
mod candidates;
mod extract;
pub mod issuance;
mod lineage;
pub mod link;
mod link_facts;
pub mod look_back;
pub mod merge;
mod origin;
pub mod policy;
pub mod session;
pub mod subject;

pub use extract::{
    EXTRACT_VERSION, ISSUING_EVENT_SOURCES, Unreadable, caller_facts, extract, observe,
};
pub use issuance::{
    CallerFacts, Issuance, MfaFacts, Outcome, PolicyFacts, RecordFacts, SessionFacts, SessionType,
    TagFacts, TagMap, Text,
};
pub use link::{LINK_VERSION, link, link_each, table_order};
pub use link_facts::write_link_facts;
pub use look_back::{LOOK_BACK_HOURS, LOOK_BACK_MS, MatchFacts, Wanted};
pub use merge::{drop_duplicates, merge};
pub use origin::is_only_claimed;
pub use session::{Chain, Evidence, GapReason, Hop, Link, LinkStatus, Origin, OriginType, Session};
pub use subject::Subject;
pub use trailback_cloudtrail::Timestamp;
