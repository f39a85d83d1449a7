//! Extracts log objects as CloudTrail delivers them.
