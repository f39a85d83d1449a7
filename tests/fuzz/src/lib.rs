//! What the fuzz targets share. A target asks more of a reader than to survive: it holds it against a judge.

pub mod choices;
pub mod damage;
pub mod fields;
pub mod json;
pub mod seen;
