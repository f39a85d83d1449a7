//! A store in a local folder: keys are paths, and a write survives the loss of power.
//!
//! An object appears by rename, after its bytes are on the disk, so readers see the old content or the new. Beside
//! objects stand files that are no objects, all with names that start with a dot: temporary files, the lock under which
//! renames and deletes happen one at a time (also among processes), and state files, which hold what S3 keeps as
//! metadata together with the hash of the content it belongs to.

mod state_file;
mod temporary;
mod walk;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use sha2::{Digest, Sha256};
use trailback_sessions::Timestamp;

use super::{
    Condition, ContentHash, ETag, Metadata, Object, ObjectMeta, PAGE_OBJECTS_MAX, Page, Store,
    StoreError, check_key, check_metadata, content_hash,
};
use temporary::TemporaryFile;

/// The versions of objects up to this size, in bytes, derive from their content; those of larger ones from size and
/// time of change, because hashing them on every look would cost more than reading them. Whatever is put under
/// [`Condition::IfMatches`] stays far below.
const HASHED_BYTES_MAX: u64 = 1 << 20;

/// How many bytes one piece of a streamed object holds.
const PIECE_BYTES: usize = 1 << 20;

/// How often a write starts again when a folder or temporary file is tidied away under it.
const WRITE_TRIES_MAX: u32 = 16;

/// The file whose lock serialises renames and deletes.
const LOCK_FILE: &str = ".trailback-lock";

/// A folder as a store.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: Arc<Folder>,
    page_objects: usize,
}

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    /// The open lock file, once something was written.
    lock: Mutex<Option<File>>,
}

impl FolderStore {
    /// A store in `root`, which need not exist before the first write.
    pub fn new(root: impl Into<PathBuf>) -> FolderStore {
        FolderStore::with_pages_of(root, PAGE_OBJECTS_MAX)
    }

    /// A store whose listings come in pages of at most `page_objects` (at least one).
    pub fn with_pages_of(root: impl Into<PathBuf>, page_objects: usize) -> FolderStore {
        let folder = Folder {
            root: root.into(),
            lock: Mutex::new(None),
        };
        FolderStore {
            folder: Arc::new(folder),
            page_objects: page_objects.max(1),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.folder.root
    }

    /// Removes what killed writers left behind; files of living writers stay.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let sweep = |folder: &Folder| {
            // Under the lock, because a state file stands without its object while that is being renamed.
            let _lock = folder.lock()?;
            walk::sweep(&folder.root)
        };
        self.blocking("write to", "", sweep).await
    }

    /// Runs file work on a thread where it may block, and names the place and the work in its errors.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        key: &str,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        let done = done.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        done.map_err(|cause| explain(action, self.location(key), cause))
    }
}

#[async_trait]
impl Store for FolderStore {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        let (prefix_owned, after) = (prefix.to_owned(), after.map(str::to_owned));
        let page_objects = self.page_objects;
        let list = move |folder: &Folder| {
            walk::list(&folder.root, &prefix_owned, after.as_deref(), page_objects)
        };
        self.blocking("list", "", list).await
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        check_key(key)?;
        let path = self.folder.root.join(key);
        let (meta, file, content) = self
            .blocking("read", key, move |_| open_object(&path))
            .await?;
        let content = match content {
            Some(content) => stream::iter([Ok(content)]).boxed(),
            None => {
                let (store, key) = (self.clone(), key.to_owned());
                let next_piece = move |file: File| {
                    let (store, key) = (store.clone(), key.clone());
                    async move {
                        store
                            .blocking("read", &key, move |_| read_piece(file))
                            .await
                    }
                };
                stream::try_unfold(file, next_piece).boxed()
            }
        };
        Ok(Object { meta, content })
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        check_key(key)?;
        let path = self.folder.root.join(key);
        let if_match = if_match.cloned();
        let read = move |_: &Folder| {
            if let Some(etag) = if_match {
                let (meta, mut file, _) = open_object(&path)?;
                return if meta.etag == etag {
                    read_range(&mut file, range).map(Some)
                } else {
                    Ok(None)
                };
            }
            read_range(&mut open_file(&path)?.0, range).map(Some)
        };
        let part = self.blocking("read", key, read).await?;
        part.ok_or_else(|| StoreError::Precondition {
            location: self.location(key),
        })
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        check_key(key)?;
        check_metadata(&metadata)?;
        let target = self.folder.root.join(key);
        let put = move |folder: &Folder| folder.put(&target, &content, &condition, &metadata);
        let etag = self.blocking("write", key, put).await?;
        etag.ok_or_else(|| StoreError::Precondition {
            location: self.location(key),
        })
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        check_key(key)?;
        let path = self.folder.root.join(key);
        self.blocking("read", key, move |_| Ok(open_object(&path)?.0))
            .await
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        let mut outcomes = Vec::with_capacity(keys.len());
        for key in keys {
            outcomes.push(match check_key(key) {
                Ok(()) => {
                    let target = self.folder.root.join(key);
                    self.blocking("delete", key, move |folder| folder.delete(&target))
                        .await
                }
                Err(unsound) => Err(unsound),
            });
        }
        outcomes
    }

    /// Whether nothing lies in the folder but what stores and desktops leave there (a folder that does not exist is
    /// empty too).
    async fn is_empty(&self) -> Result<bool, StoreError> {
        self.blocking("read", "", |folder| walk::is_empty(&folder.root))
            .await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a folder's time is the time of its machine"
        )]
        let now = SystemTime::now();
        Ok(timestamp(now))
    }

    fn location(&self, key: &str) -> String {
        self.folder.root.join(key).display().to_string()
    }
}

impl Folder {
    /// Stores an object, or tells by `None` that the condition does not hold.
    fn put(
        &self,
        target: &Path,
        content: &[u8],
        condition: &Condition,
        metadata: &Metadata,
    ) -> io::Result<Option<ETag>> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_put(target, content, condition, metadata) {
                // An emptied folder or an unlocked temporary file was tidied away between two steps.
                Err(e) if e.kind() == io::ErrorKind::NotFound && tries < WRITE_TRIES_MAX => {}
                done => return done,
            }
        }
    }

    fn try_put(
        &self,
        target: &Path,
        content: &[u8],
        condition: &Condition,
        metadata: &Metadata,
    ) -> io::Result<Option<ETag>> {
        let parent = target.parent().unwrap_or(&self.root);
        if *condition == Condition::IfAbsent && target.is_file() {
            // Whoever relies on the object that is there relies on it being there after a loss of power too.
            sync_folder(parent)?;
            return Ok(None);
        }
        create_folders(parent)?;
        let object = TemporaryFile::write(parent, content)?;
        let etag = etag(&object.metadata()?, &|| Ok(content_hash(content)))?;
        {
            let _lock = self.lock()?;
            if !holds(condition, target)? {
                return Ok(None);
            }
            // State before object: in between, the hash tells that the two do not belong together.
            state_file::replace(target, &content_hash(content), metadata)?;
            object.rename_to(target)?;
        }
        sync_folder(parent)?;
        Ok(Some(etag))
    }

    fn delete(&self, target: &Path) -> io::Result<()> {
        if !target.is_file() {
            return Ok(());
        }
        let _lock = self.lock()?;
        state_file::remove(target)?;
        absent_is_fine(fs::remove_file(target))?;
        let parent = target.parent().unwrap_or(&self.root);
        absent_is_fine(sync_folder(parent))?;
        for folder in parent
            .ancestors()
            .take_while(|folder| **folder != *self.root)
        {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Waits until no other thread or process renames or deletes.
    fn lock(&self) -> io::Result<Locked<'_>> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match lock.take() {
            Some(file) => file,
            None => open_lock_file(&self.root.join(LOCK_FILE))?,
        };
        file.lock()?;
        *lock = Some(file);
        Ok(Locked { lock })
    }
}

/// The right to rename and delete; ends when dropped.
struct Locked<'a> {
    lock: MutexGuard<'a, Option<File>>,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A file that cannot be unlocked is closed instead, which unlocks it.
        if self
            .lock
            .as_ref()
            .is_some_and(|file| file.unlock().is_err())
        {
            *self.lock = None;
        }
    }
}

/// Opens a file for its lock alone.
pub(crate) fn open_lock_file(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

/// Says what went wrong in the words of stores.
pub(crate) fn explain(action: &'static str, location: String, cause: io::Error) -> StoreError {
    match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::NotFound { location },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::Denied {
            location,
            action,
            remedy: "give this user access to it and run again".to_owned(),
            cause,
        },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full { location, cause }
        }
        _ => StoreError::Unavailable {
            location,
            action,
            cause,
        },
    }
}

fn holds(condition: &Condition, target: &Path) -> io::Result<bool> {
    match condition {
        Condition::Always => Ok(true),
        Condition::IfAbsent => Ok(!target.try_exists()?),
        Condition::IfMatches(etag) => match open_object(target) {
            Ok((meta, ..)) => Ok(meta.etag == *etag),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        },
    }
}

/// Opens an object, and reads it at once where its version is its content's.
fn open_object(path: &Path) -> io::Result<(ObjectMeta, File, Option<Bytes>)> {
    let (mut file, found) = open_file(path)?;
    let state = state_file::read(path)?;
    let mut content = None;
    let mut hash = None;
    if found.len() <= HASHED_BYTES_MAX {
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        hash = Some(content_hash(&bytes));
        content = Some(Bytes::from(bytes));
    } else if state.is_some() {
        hash = Some(hash_file(&mut file)?);
    }
    let metadata = match (state, hash) {
        (Some(state), Some(hash)) if state.content_hash == hash => state.metadata,
        _ => Metadata::new(),
    };
    let meta = ObjectMeta {
        size_bytes: content
            .as_ref()
            .map_or(found.len(), |content| content.len() as u64),
        etag: etag(&found, &|| {
            hash.ok_or_else(|| io::Error::other("an object without a hash"))
        })?,
        modified_at: timestamp(found.modified()?),
        metadata,
        version_id: None,
    };
    Ok((meta, file, content))
}

fn open_file(path: &Path) -> io::Result<(File, fs::Metadata)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found))
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn etag(found: &fs::Metadata, hash: &dyn Fn() -> io::Result<ContentHash>) -> io::Result<ETag> {
    if found.len() <= HASHED_BYTES_MAX {
        return Ok(ETag::of_content(&hash()?));
    }
    let changed = found
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(ETag(format!("{:x}-{:x}", found.len(), changed.as_nanos())))
}

fn hash_file(file: &mut File) -> io::Result<ContentHash> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => hasher.update(&piece[..count]),
        }
    }
    file.rewind()?;
    Ok(hasher.finalize().into())
}

fn read_piece(file: File) -> io::Result<Option<(Bytes, File)>> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    (&file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
    Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
}

fn read_range(file: &mut File, range: Range<u64>) -> io::Result<Bytes> {
    let wanted = range.end.saturating_sub(range.start);
    let present = file
        .metadata()?
        .len()
        .saturating_sub(range.start)
        .min(wanted);
    let mut part = Vec::with_capacity(usize::try_from(present).unwrap_or_default());
    file.seek(SeekFrom::Start(range.start))?;
    file.take(wanted).read_to_end(&mut part)?;
    Ok(Bytes::from(part))
}

/// Makes a folder and those above it, each on the disk before the next.
fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder
        .parent()
        .filter(|above| !above.as_os_str().is_empty())
    {
        create_folders(above)?;
        match fs::create_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            done => done,
        }?;
        return sync_folder(above);
    }
    fs::create_dir_all(folder)
}

/// Brings the names in a folder to the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
