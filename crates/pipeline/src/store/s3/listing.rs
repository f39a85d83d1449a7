//! Listings of buckets that hold log objects: keys as they come, and the folders between them.

use aws_sdk_s3::types::{CommonPrefix, EncodingType, Object};
use percent_encoding::percent_decode_str;
use trailback_sessions::Timestamp;

use super::failure::{Failure, Operation};
use super::{S3, size, timestamp, unquoted};
use crate::store::{ETag, StoreError};

/// One line of a listing of log objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLogObject {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its version.
    pub etag: ETag,
    /// When it was written, by S3's time.
    pub modified_at: Timestamp,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingPage {
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<ListedLogObject>,
    /// What keys have in common up to the delimiter, that included; empty without a delimiter.
    pub common_prefixes: Vec<String>,
    /// What to hand on for the next page; `None` on the last one.
    pub next: Option<String>,
}

impl S3 {
    /// Lists a page of the objects whose key starts with `prefix`; with a delimiter, what lies behind the next one is
    /// told as one common prefix. Hand on [`ListingPage::next`] to go on.
    ///
    /// # Errors
    ///
    /// When S3 refuses or does not answer.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<char>,
        page: Option<String>,
    ) -> Result<ListingPage, StoreError> {
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
        let request = request
            .encoding_type(EncodingType::Url)
            .set_delimiter(delimiter.map(String::from))
            .set_continuation_token(page);
        let answer = request.send().await.map_err(Failure::of);
        let answer =
            answer.map_err(|failure| self.explain(Operation::List, bucket, prefix, failure))?;
        let spelling = Spelling::of(answer.encoding_type());
        let common = |found: &CommonPrefix| Some(spelling.read(found.prefix()?));
        let listed = |object: &Object| listed(object, spelling);
        Ok(ListingPage {
            objects: answer.contents().iter().filter_map(listed).collect(),
            common_prefixes: answer.common_prefixes().iter().filter_map(common).collect(),
            next: answer
                .next_continuation_token
                .filter(|_| answer.is_truncated == Some(true)),
        })
    }

    /// All folders right below a prefix, each with its `/` at the end.
    ///
    /// # Errors
    ///
    /// As [`S3::list`].
    pub async fn folders(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (mut folders, mut page) = (Vec::new(), None);
        loop {
            let answer = self.list(bucket, prefix, Some('/'), page).await?;
            folders.extend(answer.common_prefixes);
            match answer.next {
                Some(next) => page = Some(next),
                None => return Ok(folders),
            }
        }
    }
}

/// How keys are written in an answer. Keys may hold characters that XML cannot: as they are, one such key makes the whole answer
/// unreadable, so they are asked for in the form of URLs. Not every implementation of S3 knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    Url,
}

impl Spelling {
    pub(super) fn of(encoding: Option<&EncodingType>) -> Spelling {
        match encoding {
            Some(EncodingType::Url) => Spelling::Url,
            _ => Spelling::Plain,
        }
    }

    /// A key, or the beginning of one.
    pub(super) fn read(self, written: &str) -> String {
        match self {
            Spelling::Plain => written.to_owned(),
            Spelling::Url => {
                let spaced = written.replace('+', " ");
                percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
            }
        }
    }
}

/// A line, as S3 tells it; one without a key is none.
pub(super) fn listed(object: &Object, spelling: Spelling) -> Option<ListedLogObject> {
    Some(ListedLogObject {
        key: spelling.read(object.key()?),
        size_bytes: size(object.size()),
        etag: unquoted(object.e_tag()),
        modified_at: timestamp(object.last_modified()),
    })
}
