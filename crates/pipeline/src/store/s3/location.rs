//! `s3://bucket/prefix`, as people type it.

use std::fmt;
use std::str::FromStr;

/// A place in S3.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// What follows the bucket, without the slash between them; empty for the whole bucket.
    pub prefix_or_key: String,
}

/// Why a text is no place in S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoS3Location {
    /// It starts otherwise.
    #[error("{0:?} is no S3 location: s3://bucket/prefix")]
    Scheme(String),
    /// The bucket cannot be one.
    #[error(
        "{bucket:?} in {location:?} is no bucket: 3 to 63 lower-case letters, digits, - and ., as in s3://bucket/prefix"
    )]
    Bucket {
        /// What was typed.
        location: String,
        /// The part that should name a bucket.
        bucket: String,
    },
    /// The rest cannot be part of a key.
    #[error("{0:?} has control characters after the bucket")]
    Key(String),
}

impl S3Location {
    /// Whether a text is meant as a place in S3, sound or not.
    pub fn is_meant(text: &str) -> bool {
        text.get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("s3:"))
    }
}

impl FromStr for S3Location {
    type Err = NoS3Location;

    fn from_str(text: &str) -> Result<S3Location, NoS3Location> {
        let rest = text.strip_prefix("s3://");
        let rest = rest.ok_or_else(|| NoS3Location::Scheme(text.to_owned()))?;
        let (bucket, prefix_or_key) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket(bucket) {
            return Err(NoS3Location::Bucket {
                location: text.to_owned(),
                bucket: bucket.to_owned(),
            });
        }
        if prefix_or_key.chars().any(char::is_control) {
            return Err(NoS3Location::Key(text.to_owned()));
        }
        Ok(S3Location {
            bucket: bucket.to_owned(),
            prefix_or_key: prefix_or_key.to_owned(),
        })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let S3Location {
            bucket,
            prefix_or_key,
        } = self;
        if prefix_or_key.is_empty() {
            write!(f, "s3://{bucket}")
        } else {
            write!(f, "s3://{bucket}/{prefix_or_key}")
        }
    }
}

/// AWS, "General purpose bucket naming rules", as far as they rule out a slip of the hand.
fn is_bucket(name: &str) -> bool {
    let is_sound = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    (3..=63).contains(&name.len()) && name.bytes().all(is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_taken_apart() {
        for (text, bucket, rest) in [
            ("s3://trail", "trail", ""),
            ("s3://trail/", "trail", ""),
            ("s3://trail/AWSLogs/o-1/", "trail", "AWSLogs/o-1/"),
            ("s3://my.trail-2/ä b+c", "my.trail-2", "ä b+c"),
        ] {
            let location: S3Location = text.parse().unwrap();
            assert_eq!(
                (&*location.bucket, &*location.prefix_or_key),
                (bucket, rest)
            );
        }
        let location: S3Location = "s3://trail/a/b".parse().unwrap();
        assert_eq!(location.to_string(), "s3://trail/a/b");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for text in [
            "s3:/trail/a",
            "s3:trail",
            "s3://",
            "s3:///a",
            "s3://Trail/a",
            "s3://a_b/c",
        ] {
            assert!(S3Location::is_meant(text));
            let refused = text.parse::<S3Location>().unwrap_err().to_string();
            assert!(refused.contains(text), "{refused}");
        }
        assert!(!S3Location::is_meant("logs/s3"));
        assert!("s3://trail/a\nb".parse::<S3Location>().is_err());
    }
}
