//! The content of an object, read on where a connection broke off.

use std::ops::Range;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::failure::Failure;
use super::{Place, S3, size};
use crate::log_objects::Content;
use crate::store::{ETag, StoreError};

/// How often the content of one object is read on, or a part read again, before that is given up.
const BREAKS_MAX: u32 = 8;

/// Streams the whole content of an object whose answer has begun.
pub(super) fn whole(
    s3: S3,
    place: Place,
    etag: ETag,
    size_bytes: u64,
    body: ByteStream,
) -> Content {
    let rest = Rest {
        s3,
        place,
        etag,
        size_bytes,
        body,
        taken_bytes: 0,
        breaks: 0,
    };
    stream::try_unfold(rest, Rest::next).boxed()
}

/// Streams the rest of an object from a byte on, of the very same version.
pub(super) async fn from(
    s3: S3,
    place: Place,
    at: u64,
    etag: &ETag,
) -> Result<Content, StoreError> {
    // An empty object has no first byte to begin a range with.
    let rest = (at > 0).then(|| format!("bytes={at}-"));
    let answer = s3.get(&place, rest, Some(etag)).await;
    let answer = answer.map_err(|failure| s3.explain_read(&place, failure))?;
    let rest = Rest {
        s3,
        place,
        etag: etag.clone(),
        size_bytes: at + size(answer.content_length()),
        body: answer.body,
        taken_bytes: at,
        breaks: 0,
    };
    Ok(stream::try_unfold(rest, Rest::next).boxed())
}

/// What of an object is still to come.
struct Rest {
    s3: S3,
    place: Place,
    etag: ETag,
    size_bytes: u64,
    body: ByteStream,
    taken_bytes: u64,
    breaks: u32,
}

impl Rest {
    async fn next(mut self) -> Result<Option<(Bytes, Rest)>, StoreError> {
        loop {
            match self.body.try_next().await {
                Ok(Some(piece)) => {
                    self.taken_bytes += piece.len() as u64;
                    return Ok(Some((piece, self)));
                }
                Ok(None) => return Ok(None),
                // All was there, but not as it was written: its checksum differs.
                Err(_) if self.taken_bytes >= self.size_bytes => {
                    return Err(broken(
                        &self.s3,
                        &self.place,
                        "what arrived has another checksum",
                    ));
                }
                Err(_) if self.breaks < BREAKS_MAX => self.read_on().await?,
                Err(_) => {
                    return Err(broken(
                        &self.s3,
                        &self.place,
                        "the connection broke off again and again",
                    ));
                }
            }
        }
    }

    /// Asks for the rest, of the very same version.
    async fn read_on(&mut self) -> Result<(), StoreError> {
        self.breaks += 1;
        let rest = Some(format!("bytes={}-", self.taken_bytes));
        let answer = self.s3.get(&self.place, rest, Some(&self.etag)).await;
        let answer = answer.map_err(|failure| self.s3.explain_read(&self.place, failure))?;
        self.body = answer.body;
        Ok(())
    }
}

/// Reads a part of an object.
pub(super) async fn part(
    s3: &S3,
    place: &Place,
    range: Range<u64>,
    if_match: Option<&ETag>,
) -> Result<Bytes, StoreError> {
    // HTTP has no empty range: one byte is asked for and not given.
    let last = range.end.saturating_sub(1).max(range.start);
    let wanted = format!("bytes={}-{last}", range.start);
    for _ in 0..BREAKS_MAX {
        let answer = match s3.get(place, Some(wanted.clone()), if_match).await {
            Ok(answer) => answer,
            Err(failure) if failure.is_beyond_the_end() => return Ok(Bytes::new()),
            Err(failure) => return Err(s3.explain_read(place, failure)),
        };
        if let Ok(content) = answer.body.collect().await {
            let content = content.into_bytes();
            return Ok(if range.is_empty() {
                Bytes::new()
            } else {
                content
            });
        }
    }
    Err(broken(
        s3,
        place,
        "the connection broke off again and again",
    ))
}

fn broken(s3: &S3, place: &Place, reason: &'static str) -> StoreError {
    s3.explain_read(place, Failure::broken(reason))
}
