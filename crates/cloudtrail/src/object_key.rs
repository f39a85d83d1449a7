//! The keys under which CloudTrail delivers: log object, digest, Insights or another kind.
