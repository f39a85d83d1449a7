//! What a record means: issuances, the sessions they start, and the chains back to an origin.

pub mod access_key;
pub mod arn;
mod extract;
pub mod issuance;
pub mod policy;
pub mod session;

pub use extract::{
    EXTRACT_VERSION, ISSUING_EVENT_SOURCES, Unreadable, caller_facts, extract, observe,
};
pub use issuance::{
    CallerFacts, Issuance, MfaFacts, Outcome, PolicyFacts, RecordFacts, SessionFacts, SessionType,
    TagFacts, TagMap, Text,
};
pub use session::{Chain, Evidence, GapReason, Hop, Link, LinkStatus, Origin, OriginType, Session};
pub use trailback_cloudtrail::Timestamp;
