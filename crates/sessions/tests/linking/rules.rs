//! One story per rule.
