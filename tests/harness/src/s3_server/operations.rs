//! The operations of S3 that Trailback uses, as S3 answers them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use s3s::dto::{
    CommonPrefix, CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, EncodingType,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput,
    PutObjectOutput, StreamingBlob,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

use super::Room;
use super::shelf::{Absent, Checksum, Condition, StoredObject};

/// The server's side of the protocol.
#[derive(Debug)]
pub(super) struct Operations(pub(super) Arc<Room>);

#[async_trait]
impl S3 for Operations {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.0.shelf().create_bucket(&request.input.bucket);
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.demand_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let mut object = StoredObject::of(read(input.body).await?);
        object.metadata = input.metadata.unwrap_or_default().into_iter().collect();
        object.kms_key_id = input.ssekms_key_id;
        let crc64 = input.checksum_crc64nvme.map(Checksum::Crc64Nvme);
        object.checksum = crc64.or(input.checksum_crc32.map(Checksum::Crc32));
        // Checked and stored under one lock: exactly one of several writers wins.
        let mut shelf = self.0.shelf();
        match shelf.allows(&input.bucket, &input.key, &condition) {
            Ok(true) => {}
            Ok(false) => return Err(s3_error!(PreconditionFailed)),
            Err(absent) => return Err(absent.into()),
        }
        let etag = shelf.put(&input.bucket, &input.key, object, &self.0.options);
        let put = shelf.find(&input.bucket, &input.key, None)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            version_id: put.version_id.clone(),
            ..PutObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        demand_match(input.if_match.as_ref(), &object)?;
        let size = object.content.len() as u64;
        let (content, content_range) = match input.range {
            None => (object.content.clone(), None),
            Some(range) => {
                let part = range.check(size).map_err(|_| s3_error!(InvalidRange))?;
                let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                let (start, end) = (place(part.start), place(part.end));
                (object.content.slice(start..end), Some(told))
            }
        };
        let checksum = object.checksum.filter(|_| content_range.is_none());
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(length(&content)),
            body: Some(StreamingBlob::from(Body::from(content))),
            content_range,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified_at.into()),
            metadata: Some(object.metadata.into_iter().collect()),
            version_id: object.version_id,
            ssekms_key_id: object.kms_key_id,
            checksum_crc32: checksum.as_ref().and_then(Checksum::crc32),
            checksum_crc64nvme: checksum.as_ref().and_then(Checksum::crc64nvme),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        demand_match(input.if_match.as_ref(), &object)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(&object.content)),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified_at.into()),
            metadata: Some(object.metadata.into_iter().collect()),
            version_id: object.version_id,
            ssekms_key_id: object.kms_key_id,
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        self.demand_bucket(&input.bucket)?;
        let wanted = input
            .max_keys
            .and_then(|wanted| usize::try_from(wanted).ok());
        let page_lines = wanted
            .unwrap_or(usize::MAX)
            .min(self.0.options.page_objects);
        let shelf = self.0.shelf();
        let prefix = input.prefix.as_deref().unwrap_or_default();
        // S3's token is opaque; here it is the last line of the page before.
        let token = input
            .continuation_token
            .as_ref()
            .or(input.start_after.as_ref());
        let after = token.map_or("", String::as_str);
        let mut page = ListingPage::default();
        for (key, object) in shelf.list(&input.bucket, prefix, after) {
            let group = group(key, prefix, input.delimiter.as_deref());
            if group.is_some_and(|group| group == after || page.has_prefix(group)) {
                continue;
            }
            if page.lines == page_lines {
                page.is_truncated = true;
                break;
            }
            match group {
                Some(group) => page.add_prefix(group),
                None => page.add(key, object),
            }
        }
        Ok(S3Response::new(
            page.output(input.bucket, input.encoding_type),
        ))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.demand_bucket(&input.bucket)?;
        self.0
            .shelf()
            .delete(&input.bucket, &input.key, &self.0.options);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        self.demand_bucket(&input.bucket)?;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML));
        }
        let mut shelf = self.0.shelf();
        let delete = |wanted: s3s::dto::ObjectIdentifier| {
            shelf.delete(&input.bucket, &wanted.key, &self.0.options);
            DeletedObject {
                key: Some(wanted.key),
                ..DeletedObject::default()
            }
        };
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(input.delete.objects.into_iter().map(delete).collect()),
            ..DeleteObjectsOutput::default()
        }))
    }
}

impl Operations {
    fn demand_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.0.shelf().has_bucket(bucket) {
            Ok(())
        } else {
            Err(Absent::Bucket.into())
        }
    }

    fn find(&self, bucket: &str, key: &str, version_id: Option<&str>) -> S3Result<StoredObject> {
        let shelf = self.0.shelf();
        Ok(shelf.find(bucket, key, version_id)?.clone())
    }
}

impl From<Absent> for s3s::S3Error {
    fn from(absent: Absent) -> s3s::S3Error {
        match absent {
            Absent::Bucket => s3_error!(NoSuchBucket, "The specified bucket does not exist"),
            Absent::Key => s3_error!(NoSuchKey, "The specified key does not exist."),
            Absent::Version => s3_error!(NoSuchVersion, "The specified version does not exist."),
        }
    }
}

impl Checksum {
    fn crc32(&self) -> Option<String> {
        match self {
            Checksum::Crc32(value) => Some(value.clone()),
            Checksum::Crc64Nvme(_) => None,
        }
    }

    fn crc64nvme(&self) -> Option<String> {
        match self {
            Checksum::Crc64Nvme(value) => Some(value.clone()),
            Checksum::Crc32(_) => None,
        }
    }
}

/// One page of a listing, being filled.
#[derive(Default)]
struct ListingPage {
    objects: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
    lines: usize,
    last: String,
    is_truncated: bool,
}

impl ListingPage {
    fn add(&mut self, key: &str, object: &StoredObject) {
        self.objects.push(Object {
            key: Some(key.to_owned()),
            size: Some(length(&object.content)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified_at.into()),
            ..Object::default()
        });
        self.ends_with(key);
    }

    fn add_prefix(&mut self, prefix: &str) {
        self.prefixes.push(CommonPrefix {
            prefix: Some(prefix.to_owned()),
        });
        self.ends_with(prefix);
    }

    fn ends_with(&mut self, line: &str) {
        self.lines += 1;
        line.clone_into(&mut self.last);
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        let last = self.prefixes.last().and_then(|last| last.prefix.as_deref());
        last == Some(prefix)
    }

    fn output(
        mut self,
        bucket: String,
        encoding_type: Option<EncodingType>,
    ) -> ListObjectsV2Output {
        if encoding_type.is_some() {
            let keys = self
                .objects
                .iter_mut()
                .filter_map(|object| object.key.as_mut());
            let prefixes = self.prefixes.iter_mut();
            let prefixes = prefixes.filter_map(|prefix| prefix.prefix.as_mut());
            for line in keys.chain(prefixes) {
                *line = crate::notices::form_encoded(line);
            }
        }
        ListObjectsV2Output {
            name: Some(bucket),
            encoding_type,
            key_count: i32::try_from(self.lines).ok(),
            is_truncated: Some(self.is_truncated),
            next_continuation_token: self.is_truncated.then_some(self.last),
            contents: Some(self.objects),
            common_prefixes: Some(self.prefixes),
            ..ListObjectsV2Output::default()
        }
    }
}

/// The common prefix that stands for a key, where a delimiter is asked for and follows in it.
fn group<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let place = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + place + delimiter.len()])
}

fn condition(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::Always),
        (None, Some(ETagCondition::Any)) => Ok(Condition::IfAbsent),
        (Some(ETagCondition::ETag(etag)), None) => {
            Ok(Condition::IfMatches(etag.value().to_owned()))
        }
        _ => Err(s3_error!(NotImplemented, "no such condition on puts")),
    }
}

fn demand_match(if_match: Option<&ETagCondition>, object: &StoredObject) -> S3Result<()> {
    match if_match {
        Some(ETagCondition::ETag(etag)) if etag.value() != object.etag => {
            Err(s3_error!(PreconditionFailed))
        }
        _ => Ok(()),
    }
}

async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut whole = BytesMut::new();
    let Some(mut body) = body else {
        return Ok(Bytes::new());
    };
    while let Some(piece) = body.next().await {
        let piece = piece
            .map_err(|cause| s3s::S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, cause))?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

fn length(content: &Bytes) -> i64 {
    i64::try_from(content.len()).unwrap_or(i64::MAX)
}

fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
