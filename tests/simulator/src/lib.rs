//! An organisation's CloudTrail with a known truth.
