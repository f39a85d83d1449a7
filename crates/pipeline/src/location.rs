//! A folder or a place in S3, as people type either.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use tokio::sync::OnceCell;

use crate::store::s3::{NoS3Location, S3, S3Location, S3Settings};

/// Where a lake or log objects lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// A folder or file.
    Local(PathBuf),
    /// Below a prefix of a bucket, or one object.
    S3(S3Location),
}

impl Location {
    /// Reads what was typed: what starts with `s3:` is in S3, everything else is a path.
    ///
    /// # Errors
    ///
    /// When it starts with `s3:` but is no place in S3.
    pub fn parse(typed: &OsStr) -> Result<Location, NoS3Location> {
        match typed.to_str() {
            Some(text) if S3Location::is_meant(text) => text.parse().map(Location::S3),
            _ => Ok(Location::Local(PathBuf::from(typed))),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => path.display().fmt(f),
            Location::S3(location) => location.fmt(f),
        }
    }
}

/// A connection to S3 that is made when it is needed first: who only uses folders has no credentials.
#[derive(Debug, Default)]
pub struct S3OnDemand {
    settings: S3Settings,
    connection: OnceCell<S3>,
}

impl S3OnDemand {
    /// Not connected yet.
    pub fn new(settings: S3Settings) -> S3OnDemand {
        S3OnDemand {
            settings,
            connection: OnceCell::new(),
        }
    }

    /// The connection.
    pub async fn get(&self) -> &S3 {
        self.connection
            .get_or_init(|| S3::connect(self.settings.clone()))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_starts_with_s3_is_in_s3() {
        let parse = |text: &str| Location::parse(OsStr::new(text));
        for path in ["lake", "./s3:", "/srv/s3://a", "s3", "C:\\lake"] {
            assert_eq!(parse(path).unwrap(), Location::Local(PathBuf::from(path)));
        }
        let Ok(Location::S3(location)) = parse("s3://trail/AWSLogs") else {
            panic!("s3://trail/AWSLogs is in S3");
        };
        assert_eq!(location.to_string(), "s3://trail/AWSLogs");
        assert!(parse("s3:/trail").is_err());
        assert!(parse("S3://trail").is_err());
    }
}
