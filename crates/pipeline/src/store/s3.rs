//! S3 and what speaks its protocol: as a store for a lake, and as the place where log objects lie.
//!
//! The only room that knows the AWS SDK. What the SDK says goes no further than `failure`, which puts it into plain
//! words: which permission, setting or name is wrong. Requests are repeated by the SDK; a body that breaks off is read
//! on from where it broke (`content`).
//!
//! Sources: AWS, "Amazon S3 API Reference"; "Add preconditions to S3 operations with conditional requests".

mod connecting;
mod content;
mod failure;
mod listing;
mod location;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier, ServerSideEncryption};
use bytes::Bytes;
use trailback_sessions::Timestamp;

use super::{
    Condition, ETag, Metadata, Object, ObjectMeta, PAGE_OBJECTS_MAX, Page, Store, StoreError,
    check_key, check_metadata,
};
use crate::log_objects::{Content, LogSource};
use failure::{Asked, Failure, Operation};

pub use connecting::{Patience, S3Settings};
use listing::Spelling;
pub use listing::{ListedLogObject, ListingPage};
pub use location::{NoS3Location, S3Location};

pub use aws_sdk_s3::config::Credentials;

/// How many keys one request deletes; S3's limit.
const DELETED_AT_ONCE_MAX: usize = 1000;

/// How long to wait before a write that met another one under way (409) is tried again, in milliseconds.
const CONFLICT_PAUSES_MS: [u64; 5] = [50, 100, 200, 400, 800];

/// A connection to S3, cheap to clone.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
    settings: Arc<S3Settings>,
}

/// An object as it is asked for.
#[derive(Clone, Debug)]
struct Place {
    bucket: String,
    key: String,
    version_id: Option<String>,
}

impl Place {
    fn new(bucket: &str, key: &str, version_id: Option<&str>) -> Place {
        Place {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version_id.map(str::to_owned),
        }
    }
}

impl S3 {
    /// Makes a connection. Nothing is asked of S3 yet: what is wrong with the settings shows at the first request.
    ///
    /// What the settings leave open comes from where the AWS command line takes it: `AWS_REGION`, `AWS_PROFILE`,
    /// `AWS_ENDPOINT_URL` and their relatives, the shared configuration files, the role of the machine or function.
    pub async fn connect(settings: S3Settings) -> S3 {
        S3 {
            client: connecting::client(&settings).await,
            settings: Arc::new(settings),
        }
    }

    /// Opens an object, or one version of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such object (any more); the others name the permission or setting.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Object, StoreError> {
        let place = Place::new(bucket, key, version_id);
        let found = self.get(&place, None, None).await;
        let found = found.map_err(|failure| self.explain_read(&place, failure))?;
        let meta = meta_of(&found);
        let size_bytes = meta.size_bytes;
        let content = content::whole(
            self.clone(),
            place,
            meta.etag.clone(),
            size_bytes,
            found.body,
        );
        Ok(Object { meta, content })
    }

    /// Opens an object, or one version of it, from byte `at` on, if it still is the version `etag`.
    ///
    /// # Errors
    ///
    /// As [`S3::open`], and [`StoreError::Precondition`] when it is another version.
    pub async fn open_from(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        at: u64,
        etag: &ETag,
    ) -> Result<Content, StoreError> {
        let place = Place::new(bucket, key, version_id);
        content::from(self.clone(), place, at, etag).await
    }

    async fn get(
        &self,
        place: &Place,
        range: Option<String>,
        if_match: Option<&ETag>,
    ) -> Result<GetObjectOutput, Failure> {
        let request = self
            .client
            .get_object()
            .bucket(&place.bucket)
            .key(&place.key);
        let request = request
            .set_version_id(place.version_id.clone())
            .set_range(range)
            .set_if_match(if_match.map(quoted));
        request.send().await.map_err(Failure::of)
    }

    fn explain_read(&self, place: &Place, failure: Failure) -> StoreError {
        let operation = match place.version_id {
            Some(_) => Operation::GetVersion,
            None => Operation::Get,
        };
        self.explain(operation, &place.bucket, &place.key, failure)
    }

    fn explain(
        &self,
        operation: Operation,
        bucket: &str,
        key: &str,
        failure: Failure,
    ) -> StoreError {
        let asked = Asked {
            operation,
            bucket,
            key,
            region: self.client.config().region().map(AsRef::as_ref),
            endpoint: self.settings.endpoint.as_deref(),
        };
        failure.explain(&asked)
    }
}

/// The log objects of one bucket.
#[derive(Clone, Debug)]
pub struct S3Logs {
    s3: S3,
    bucket: Arc<str>,
}

impl S3Logs {
    /// Those of this bucket.
    pub fn new(s3: S3, bucket: &str) -> S3Logs {
        S3Logs {
            s3,
            bucket: bucket.into(),
        }
    }
}

#[async_trait]
impl LogSource for S3Logs {
    async fn open(&self, key: &str, version_id: Option<&str>) -> Result<Object, StoreError> {
        self.s3.open(&self.bucket, key, version_id).await
    }

    async fn open_from(
        &self,
        key: &str,
        version_id: Option<&str>,
        at: u64,
        etag: &ETag,
    ) -> Result<Content, StoreError> {
        let opened = self.s3.open_from(&self.bucket, key, version_id, at, etag);
        opened.await
    }

    fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

/// A lake's place in S3: the objects below a prefix of a bucket.
#[derive(Clone, Debug)]
pub struct S3Store {
    s3: S3,
    bucket: String,
    /// Empty, or ends with `/`.
    prefix: String,
    page_objects: i32,
}

impl S3Store {
    /// The store below `prefix`; the whole bucket where that is empty. A `/` at its end makes no difference.
    pub fn new(s3: S3, bucket: &str, prefix: &str) -> S3Store {
        let prefix = prefix.trim_matches('/');
        S3Store {
            s3,
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            page_objects: i32::try_from(PAGE_OBJECTS_MAX).unwrap_or(i32::MAX),
        }
    }

    /// The same store with pages of at most `page_objects`.
    #[cfg(test)]
    fn with_pages_of(mut self, page_objects: i32) -> S3Store {
        self.page_objects = page_objects;
        self
    }

    /// What manifests write before the key of a data object: `s3://bucket/prefix/`.
    pub fn base(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn place(&self, key: &str) -> Result<Place, StoreError> {
        check_key(key)?;
        let full_key = format!("{}{key}", self.prefix);
        Ok(Place::new(&self.bucket, &full_key, None))
    }

    fn explain(&self, operation: Operation, key: &str, failure: Failure) -> StoreError {
        let key = format!("{}{key}", self.prefix);
        self.s3.explain(operation, &self.bucket, &key, failure)
    }

    async fn put_once(
        &self,
        place: &Place,
        content: Bytes,
        condition: &Condition,
        metadata: &Metadata,
    ) -> Result<ETag, Failure> {
        let patience = self.s3.settings.patience.to_write(content.len());
        let overridden = aws_sdk_s3::Config::builder().timeout_config(patience);
        let put = self.put_request(place, condition, metadata);
        let put = put.body(ByteStream::from(content)).customize();
        let done = put.config_override(overridden).send().await;
        let done = done.map_err(Failure::of)?;
        Ok(unquoted(done.e_tag()))
    }

    fn put_request(
        &self,
        place: &Place,
        condition: &Condition,
        metadata: &Metadata,
    ) -> PutObjectFluentBuilder {
        let put = self
            .s3
            .client
            .put_object()
            .bucket(&place.bucket)
            .key(&place.key);
        let put = put.set_metadata(Some(metadata.clone().into_iter().collect()));
        let put = match condition {
            Condition::Always => put,
            Condition::IfAbsent => put.if_none_match("*"),
            Condition::IfMatches(etag) => put.if_match(quoted(etag)),
        };
        match &self.s3.settings.kms_key_id {
            Some(kms_key_id) => put
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(kms_key_id)
                // One data key for the bucket instead of one request to KMS for each of thousands of objects.
                .bucket_key_enabled(true),
            None => put,
        }
    }

    async fn delete_batch(&self, keys: &[&String]) -> Result<Vec<(String, Failure)>, Failure> {
        let mut batch = Delete::builder().quiet(true);
        for key in keys {
            let object = ObjectIdentifier::builder().key(format!("{}{key}", self.prefix));
            batch = batch.objects(object.build().map_err(Failure::unsound)?);
        }
        let batch = batch.build().map_err(Failure::unsound)?;
        let request = self
            .s3
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(batch);
        let done = request.send().await.map_err(Failure::of)?;
        let failed = |error: &aws_sdk_s3::types::Error| {
            let key = error.key().unwrap_or_default().to_owned();
            (key, Failure::of_code(error.code(), error.message()))
        };
        Ok(done.errors().iter().map(failed).collect())
    }
}

#[async_trait]
impl Store for S3Store {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        let request = self.s3.client.list_objects_v2().bucket(&self.bucket);
        let request = request
            .prefix(format!("{}{prefix}", self.prefix))
            .encoding_type(EncodingType::Url)
            .set_start_after(after.map(|after| format!("{}{after}", self.prefix)))
            .max_keys(self.page_objects);
        let page = request.send().await.map_err(Failure::of);
        let page = page.map_err(|failure| self.explain(Operation::List, prefix, failure))?;
        let spelling = Spelling::of(page.encoding_type());
        let objects = page.contents().iter().filter_map(|object| {
            let listed = listing::listed(object, spelling)?;
            // A folder that somebody made in the console is an object that ends with `/`: none of ours.
            let key = listed.key.strip_prefix(&self.prefix)?;
            Some(super::Listed {
                key: key.to_owned(),
                size_bytes: listed.size_bytes,
                modified_at: listed.modified_at,
            })
        });
        let objects: Vec<_> = objects
            .filter(|listed| check_key(&listed.key).is_ok())
            .collect();
        let last = page.contents().last().and_then(|last| last.key());
        let last = last.map(|last| spelling.read(last));
        let next = last
            .filter(|_| page.is_truncated() == Some(true))
            .and_then(|last| last.strip_prefix(&self.prefix).map(str::to_owned));
        Ok(Page { objects, next })
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        let place = self.place(key)?;
        self.s3.open(&place.bucket, &place.key, None).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        let place = self.place(key)?;
        content::part(&self.s3, &place, range, if_match).await
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        check_metadata(&metadata)?;
        let place = self.place(key)?;
        let try_put = || self.put_once(&place, content.clone(), &condition, &metadata);
        let mut done = try_put().await;
        for pause in CONFLICT_PAUSES_MS {
            if !done.as_ref().is_err_and(Failure::is_conflict) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            done = try_put().await;
        }
        done.map_err(|failure| match condition {
            // AWS answers 404 where other implementations answer 412: what was to be replaced is gone.
            Condition::IfMatches(_) if failure.is_absent_object(Operation::Put) => {
                StoreError::Precondition {
                    location: self.location(key),
                }
            }
            _ => self.explain(Operation::Put, key, failure),
        })
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        let place = self.place(key)?;
        let request = self
            .s3
            .client
            .head_object()
            .bucket(&place.bucket)
            .key(&place.key);
        let found = request.send().await.map_err(Failure::of);
        let found = found.map_err(|failure| self.explain(Operation::Head, key, failure))?;
        Ok(ObjectMeta {
            size_bytes: size(found.content_length()),
            etag: unquoted(found.e_tag()),
            modified_at: timestamp(found.last_modified()),
            metadata: found.metadata.unwrap_or_default().into_iter().collect(),
            version_id: found.version_id,
        })
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        let mut outcomes: Vec<Result<(), StoreError>> =
            keys.iter().map(|key| check_key(key)).collect();
        let sound: Vec<usize> = (0..keys.len())
            .filter(|place| outcomes[*place].is_ok())
            .collect();
        for places in sound.chunks(DELETED_AT_ONCE_MAX) {
            let batch: Vec<&String> = places.iter().map(|place| &keys[*place]).collect();
            let failed = match self.delete_batch(&batch).await {
                Ok(failed) => failed,
                Err(failure) => {
                    let full = |key: &&String| (format!("{}{key}", self.prefix), failure.clone());
                    batch.iter().map(full).collect()
                }
            };
            for (full_key, failure) in failed {
                let is_it =
                    |place: &&usize| full_key.strip_prefix(&self.prefix) == Some(&keys[**place]);
                for place in places.iter().filter(is_it) {
                    outcomes[*place] =
                        Err(self.explain(Operation::Delete, &keys[*place], failure.clone()));
                }
            }
        }
        outcomes
    }

    /// A listing shows sound keys alone; a trail's logs, or whatever else lies below the prefix, count here.
    async fn is_empty(&self) -> Result<bool, StoreError> {
        let listed = self.s3.list(&self.bucket, &self.prefix, None, None).await?;
        // The console makes a folder by an object that is nothing but the prefix.
        Ok(listed
            .objects
            .iter()
            .all(|object| object.key == self.prefix))
    }

    /// S3 has no clock to ask, but dates every answer: this is the time of an answer to the shortest listing.
    async fn now(&self) -> Result<Timestamp, StoreError> {
        let date = connecting::DateOfAnswer::default();
        let request = self.s3.client.list_objects_v2().bucket(&self.bucket);
        let request = request.prefix(&self.prefix).max_keys(1).customize();
        let asked = request.interceptor(date.clone()).send().await;
        asked.map_err(|failure| self.explain(Operation::List, "", Failure::of(failure)))?;
        date.told().ok_or_else(|| StoreError::Unavailable {
            location: self.location(""),
            action: "tell the time of",
            cause: std::io::Error::other("the answer has no date"),
        })
    }

    fn location(&self, key: &str) -> String {
        let location = format!("s3://{}/{}{key}", self.bucket, self.prefix);
        location.trim_end_matches('/').to_owned()
    }
}

fn meta_of(found: &GetObjectOutput) -> ObjectMeta {
    ObjectMeta {
        size_bytes: size(found.content_length()),
        etag: unquoted(found.e_tag()),
        modified_at: timestamp(found.last_modified()),
        metadata: found
            .metadata
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect(),
        version_id: found.version_id().map(str::to_owned),
    }
}

fn size(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or_default()
}

/// To the second, as headers tell it. Listings of some implementations tell more, and would disagree with them and with
/// [`S3Store::now`].
fn timestamp(time: Option<&DateTime>) -> Timestamp {
    let seconds = time.map(DateTime::secs).unwrap_or_default();
    Timestamp(seconds.saturating_mul(1000))
}

/// `ETag`s travel in quotes but for notifications and inventories; kept without, they compare.
fn unquoted(etag: Option<&str>) -> ETag {
    ETag(etag.unwrap_or_default().trim_matches('"').to_owned())
}

fn quoted(etag: &ETag) -> String {
    format!("\"{}\"", etag.0)
}
