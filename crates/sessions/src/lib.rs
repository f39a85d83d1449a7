//! What a record means: issuances, the sessions they start, and the chains back to an origin.

pub mod access_key;
pub mod arn;
pub mod issuance;
pub mod policy;
pub mod session;

pub use issuance::{
    CallerFacts, Issuance, MfaFacts, Outcome, PolicyFacts, RecordFacts, SessionFacts, SessionType,
    TagFacts, TagMap, Text,
};
pub use session::{Chain, Evidence, GapReason, Hop, Link, LinkStatus, Origin, OriginType, Session};
pub use trailback_cloudtrail::Timestamp;
