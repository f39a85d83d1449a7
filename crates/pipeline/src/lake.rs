//! A lake: the store it lies in, how it is told from other things, and who may write to it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use trailback_tables::Table;

use crate::location::{Location, S3OnDemand};
use crate::store::counted::{CountedStore, Counts};
use crate::store::folder::{self, FolderStore};
use crate::store::s3::{S3, S3Location, S3Store};
use crate::store::{Condition, Metadata, Store, StoreError};

/// The object that says that a store holds a lake.
pub const MARKER_KEY: &str = "trailback-lake.json";

/// The object that says which stack of functions works on the lake.
pub const STACK_KEY: &str = "trailback-stack.json";

/// The layout of the lake's objects that this program writes, and the newest it can read.
pub const LAYOUT_VERSION: u32 = 1;

/// The file whose lock a linker holds.
const LINK_LOCK_FILE: &str = ".trailback-link-lock";

/// What a lake is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To look things up. Nothing is written, so a read-only lake will do.
    Read,
    /// To link. An empty store holds nothing to link, and is no lake.
    Link,
    /// To ingest or link. An empty store becomes a lake.
    Write,
}

/// A place that holds fragments, linked rows and manifests.
#[derive(Clone)]
pub struct Lake {
    store: Arc<dyn Store>,
    base: String,
    folder: Option<FolderStore>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake")
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}

/// Why a place cannot be used as a lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// There is nothing.
    #[error("there is no lake at {location}; `trailback ingest` makes one")]
    NoLake {
        /// The place.
        location: String,
    },
    /// There is something, but no lake.
    #[error(
        "{location} holds something else than a lake; name an empty or new place (nothing there was touched)"
    )]
    SomethingElse {
        /// The place.
        location: String,
    },
    /// A file stands where a folder is needed.
    #[error("{location} is a file; a lake is a folder")]
    NotAFolder {
        /// The place.
        location: String,
    },
    /// The lake was made by a newer program.
    #[error(
        "the lake at {location} has layout {found}, this program knows up to {LAYOUT_VERSION}; use a newer trailback"
    )]
    NewerLayout {
        /// The place.
        location: String,
        /// Its layout.
        found: u32,
    },
    /// The marker cannot be read.
    #[error(
        "{location} is damaged; if this is a lake, delete it and run `trailback link`, which makes it again"
    )]
    Marker {
        /// The marker.
        location: String,
    },
    /// Another stack of functions works on the lake. Two would read and link everything twice.
    #[error(
        "the lake at {location} belongs to the stack {owner:?}, and this is {stack:?}; give {stack:?} a lake of its \
         own, or, if {owner:?} is gone, delete {claim}"
    )]
    OtherStack {
        /// The place.
        location: String,
        /// The stack that asks.
        stack: String,
        /// The stack that has the lake.
        owner: String,
        /// The object that says so.
        claim: String,
    },
    /// It cannot be read which stack works on the lake.
    #[error("{location} is damaged; delete it, and the next stack to work on the lake claims it")]
    Claim {
        /// The object that says so.
        location: String,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The object that says when a linker last took its turn to delete data objects of a table that no manifest names.
pub(crate) fn garbage_turn_key(table: Table) -> String {
    format!("{}/garbage-turn.json", table.name())
}

/// Whether a key below a lake's place is one that this program writes. A lake may lie where others write too, as in the
/// root of a bucket that is a trail's later on: what they write is not the lake's.
pub fn is_own_key(key: &str) -> bool {
    let mut trees = Table::ALL.into_iter().map(Table::name);
    let is_below = |tree| {
        key.strip_prefix(tree)
            .is_some_and(|below| below.starts_with('/'))
    };
    key == MARKER_KEY || key == STACK_KEY || trees.any(is_below)
}

impl Lake {
    /// Opens a lake wherever it lies.
    ///
    /// # Errors
    ///
    /// As [`Lake::in_folder`].
    pub async fn at(
        location: &Location,
        s3: &S3OnDemand,
        access: Access,
    ) -> Result<Lake, LakeError> {
        match location {
            Location::Local(path) => Lake::in_folder(path, access).await,
            Location::S3(place) => Lake::in_s3(place, s3.get().await, access).await,
        }
    }

    /// Opens a lake in S3.
    ///
    /// # Errors
    ///
    /// As [`Lake::in_folder`].
    pub async fn in_s3(place: &S3Location, s3: &S3, access: Access) -> Result<Lake, LakeError> {
        let store = S3Store::new(s3.clone(), &place.bucket, &place.prefix_or_key);
        let base = store.base();
        Lake::in_store(Arc::new(store), &base, access).await
    }

    /// Opens a lake in a folder.
    ///
    /// # Errors
    ///
    /// When the folder holds something else, is no lake yet (to read), or cannot be written (to write).
    pub async fn in_folder(path: &Path, access: Access) -> Result<Lake, LakeError> {
        let location = path.display().to_string();
        if path.is_file() {
            return Err(LakeError::NotAFolder { location });
        }
        let store = FolderStore::new(path);
        make_ready(&store, location, access).await?;
        if access != Access::Read {
            store.sweep().await?;
        }
        Ok(Lake {
            store: Arc::new(store.clone()),
            base: String::new(),
            folder: Some(store),
        })
    }

    /// Opens a lake in any store; its manifests name data objects by `base` (`s3://bucket/prefix/`) and their key.
    ///
    /// # Errors
    ///
    /// As [`Lake::in_folder`].
    pub async fn in_store(
        store: Arc<dyn Store>,
        base: &str,
        access: Access,
    ) -> Result<Lake, LakeError> {
        make_ready(&*store, store.location(""), access).await?;
        Ok(Lake {
            store,
            base: base.to_owned(),
            folder: None,
        })
    }

    /// Claims the lake for a stack of functions, once and for all, or finds it claimed for it already. People at the
    /// command line claim nothing.
    ///
    /// # Errors
    ///
    /// When another stack has claimed it.
    pub async fn claim_for(&self, stack: &str) -> Result<(), LakeError> {
        let owner = match self.owner().await? {
            Some(owner) => owner,
            None => self.take_for(stack).await?,
        };
        if owner == stack {
            return Ok(());
        }
        Err(LakeError::OtherStack {
            location: self.location(),
            stack: stack.to_owned(),
            owner,
            claim: self.store.location(STACK_KEY),
        })
    }

    /// The stack that has claimed the lake, if one has.
    async fn owner(&self) -> Result<Option<String>, LakeError> {
        let claim = match self.store.get(STACK_KEY).await {
            Ok(claim) => claim.bytes().await?,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let claim: Option<serde_json::Value> = serde_json::from_slice(&claim).ok();
        let owner = claim.as_ref().and_then(|claim| claim["stack"].as_str());
        let unreadable = || LakeError::Claim {
            location: self.store.location(STACK_KEY),
        };
        Ok(Some(owner.ok_or_else(unreadable)?.to_owned()))
    }

    /// Claims a lake that nobody had a moment ago; gives who has it now.
    async fn take_for(&self, stack: &str) -> Result<String, LakeError> {
        let claim = Bytes::from(format!("{}\n", serde_json::json!({ "stack": stack })));
        let put = self
            .store
            .put(STACK_KEY, claim, Condition::IfAbsent, Metadata::new());
        match put.await {
            Ok(_) => Ok(stack.to_owned()),
            Err(lost @ StoreError::Precondition { .. }) => {
                self.owner().await?.ok_or(LakeError::Store(lost))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The same lake, and what is asked of its store from now on through this handle.
    pub fn counted(&self) -> (Lake, Arc<Counts>) {
        let (store, counts) = CountedStore::new(Arc::clone(&self.store));
        let lake = Lake {
            store: Arc::new(store),
            ..self.clone()
        };
        (lake, counts)
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// What manifests write before the key of a data object.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where the lake lies, as a person would name it.
    pub fn location(&self) -> String {
        self.store.location("")
    }

    /// Waits until no other linker works on this lake. Stores without locks rely on conditional writes alone.
    pub(crate) async fn lock_for_linking(&self) -> Result<LinkLock, StoreError> {
        let Some(store) = &self.folder else {
            return Ok(LinkLock { _file: None });
        };
        let path = store.root().join(LINK_LOCK_FILE);
        let location = path.display().to_string();
        let lock = move || {
            let file = folder::open_lock_file(&path)?;
            file.lock()?;
            Ok(file)
        };
        let locked = tokio::task::spawn_blocking(lock).await;
        let locked = locked.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)));
        let file = locked.map_err(|cause| folder::explain("lock", location, cause))?;
        Ok(LinkLock { _file: Some(file) })
    }
}

/// The right to link, where the store knows such; ends when dropped.
#[derive(Debug)]
pub(crate) struct LinkLock {
    _file: Option<File>,
}

impl LinkLock {
    /// Whether nobody else can be linking.
    pub(crate) fn is_exclusive(&self) -> bool {
        self._file.is_some()
    }
}

/// Sees to it that a store is a lake that this program knows, and makes it one where `access` lets it.
async fn make_ready(store: &dyn Store, location: String, access: Access) -> Result<(), LakeError> {
    if !is_marked(store).await? {
        match (store.is_empty().await?, access) {
            (true, Access::Write) => write_marker(store).await?,
            (true, _) => return Err(LakeError::NoLake { location }),
            // Another program may have made the lake between the two looks.
            (false, _) if is_marked(store).await? => {}
            (false, _) if !has_fragments(store).await? => {
                return Err(LakeError::SomethingElse { location });
            }
            (false, Access::Read) => return Err(LakeError::NoLake { location }),
            // A lake that has lost its marker.
            (false, Access::Link | Access::Write) => write_marker(store).await?,
        }
    }
    check_marker(store).await
}

/// Whether fragments of any table lie in a store: all else in a lake is made from them.
async fn has_fragments(store: &dyn Store) -> Result<bool, StoreError> {
    for table in Table::ALL {
        let fragments = format!("{}/fragments/", table.name());
        if !store.list(&fragments, None).await?.objects.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_marked(store: &dyn Store) -> Result<bool, StoreError> {
    match store.head(MARKER_KEY).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn write_marker(store: &dyn Store) -> Result<(), StoreError> {
    let marker = Bytes::from(format!(
        "{{\"format\":\"trailback-lake\",\"layout\":{LAYOUT_VERSION}}}\n"
    ));
    match store
        .put(MARKER_KEY, marker, Condition::IfAbsent, Metadata::new())
        .await
    {
        // Another program has just made the same lake.
        Ok(_) | Err(StoreError::Precondition { .. }) => Ok(()),
        Err(e) => Err(e),
    }
}

async fn check_marker(store: &dyn Store) -> Result<(), LakeError> {
    let marker = store.get(MARKER_KEY).await?.bytes().await?;
    let marker: Option<serde_json::Value> = serde_json::from_slice(&marker).ok();
    let is_ours = |marker: &serde_json::Value| marker["format"] == "trailback-lake";
    let layout = marker
        .filter(is_ours)
        .and_then(|marker| marker["layout"].as_u64());
    match layout.and_then(|layout| u32::try_from(layout).ok()) {
        None => Err(LakeError::Marker {
            location: store.location(MARKER_KEY),
        }),
        Some(found) if found > LAYOUT_VERSION => Err(LakeError::NewerLayout {
            location: store.location(""),
            found,
        }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::list_all;
    use crate::store::memory::MemoryStore;

    async fn open(path: &Path, access: Access) -> Result<Lake, LakeError> {
        Lake::in_folder(path, access).await
    }

    #[tokio::test]
    async fn an_empty_or_absent_folder_becomes_a_lake_only_to_write() {
        let room = tempfile::tempdir().unwrap();
        for path in [room.path().join("new/lake"), room.path().join("empty")] {
            let absent = open(&path, Access::Read).await.unwrap_err();
            assert!(matches!(absent, LakeError::NoLake { .. }), "{absent}");
            let lake = open(&path, Access::Write).await.unwrap();
            assert_eq!(list_all(lake.store(), "").await.unwrap().len(), 1);
            open(&path, Access::Write).await.unwrap();
            open(&path, Access::Read).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_folder_with_something_else_is_left_alone() {
        let room = tempfile::tempdir().unwrap();
        for name in ["My Thesis.odt", ".bashrc", "a/b"] {
            let path = room.path().join(name.replace(['/', '.'], "-"));
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), "years of work").unwrap();
            for access in [Access::Read, Access::Write] {
                let refused = open(&path, access).await.unwrap_err();
                assert!(
                    matches!(refused, LakeError::SomethingElse { .. }),
                    "{refused}"
                );
            }
            assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        }
        let file = room.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = open(&file, Access::Write).await.unwrap_err();
        assert!(matches!(refused, LakeError::NotAFolder { .. }), "{refused}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_programs_can_make_one_lake() {
        let room = tempfile::tempdir().unwrap();
        for round in 0..40 {
            let path = room.path().join(round.to_string());
            let open = || {
                let path = path.clone();
                tokio::spawn(async move { open(&path, Access::Write).await.map(|_| ()) })
            };
            let programs = [open(), open(), open()];
            for program in programs {
                program.await.unwrap().unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_newer_or_damaged_lake_is_refused() {
        let room = tempfile::tempdir().unwrap();
        open(room.path(), Access::Write).await.unwrap();
        let marker = room.path().join(MARKER_KEY);
        fs::write(&marker, "{\"format\":\"trailback-lake\",\"layout\":2}").unwrap();
        let newer = open(room.path(), Access::Write).await.unwrap_err();
        assert!(
            matches!(newer, LakeError::NewerLayout { found: 2, .. }),
            "{newer}"
        );
        for damaged in [
            "",
            "{}",
            "{\"format\":\"other\",\"layout\":1}",
            "{\"layout\":1}",
        ] {
            fs::write(&marker, damaged).unwrap();
            let refused = open(room.path(), Access::Read).await.unwrap_err();
            assert!(matches!(refused, LakeError::Marker { .. }), "{refused}");
        }
    }

    async fn put(store: &dyn Store, key: &str) {
        let put = store.put(key, Bytes::new(), Condition::Always, Metadata::new());
        put.await.unwrap();
    }

    #[tokio::test]
    async fn a_lake_whose_marker_was_deleted_can_be_made_whole() {
        for table in Table::ALL {
            for access in [Access::Link, Access::Write] {
                let room = tempfile::tempdir().unwrap();
                let folder = FolderStore::new(room.path());
                let memory = MemoryStore::new();
                let stores: [Arc<dyn Store>; 2] = [Arc::new(folder), Arc::new(memory)];
                for store in stores {
                    let open = |access| Lake::in_store(Arc::clone(&store), "", access);
                    open(Access::Write).await.unwrap();
                    put(&*store, &format!("{}/fragments/a", table.name())).await;
                    store.delete(&[MARKER_KEY.to_owned()]).await;
                    let absent = open(Access::Read).await.unwrap_err();
                    assert!(matches!(absent, LakeError::NoLake { .. }), "{absent}");
                    open(access).await.unwrap();
                    open(Access::Read).await.unwrap();
                }
            }
        }
    }

    #[tokio::test]
    async fn linking_makes_no_lake_of_nothing() {
        let store = Arc::new(MemoryStore::new());
        let open = |access| Lake::in_store(Arc::clone(&store) as _, "", access);
        let absent = open(Access::Link).await.unwrap_err();
        assert!(matches!(absent, LakeError::NoLake { .. }), "{absent}");
        put(&*store, "sessions/table/dt=2026-11-20/symlink.txt").await;
        let refused = open(Access::Link).await.unwrap_err();
        assert!(
            matches!(refused, LakeError::SomethingElse { .. }),
            "{refused}"
        );
        open(Access::Write).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_store_with_other_objects_is_no_lake() {
        let store = Arc::new(MemoryStore::new());
        let open = |access| Lake::in_store(Arc::clone(&store) as _, "", access);
        assert!(matches!(
            open(Access::Read).await,
            Err(LakeError::NoLake { .. })
        ));
        put(&*store, "other").await;
        assert!(matches!(
            open(Access::Write).await,
            Err(LakeError::SomethingElse { .. })
        ));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lake_is_claimed_by_one_stack() {
        let store = Arc::new(MemoryStore::new());
        let lake = Lake::in_store(store, "", Access::Write).await.unwrap();
        let claims = ["prod", "test", "prod", "test"].map(|stack| {
            let lake = lake.clone();
            tokio::spawn(async move { (stack, lake.claim_for(stack).await) })
        });
        let mut owners = Vec::new();
        for claim in claims {
            match claim.await.unwrap() {
                (stack, Ok(())) => owners.push(stack),
                (stack, Err(LakeError::OtherStack { owner, .. })) => assert_ne!(stack, owner),
                (_, Err(failure)) => panic!("{failure}"),
            }
        }
        assert_eq!(owners.len(), 2);
        assert_eq!(owners[0], owners[1]);
    }

    #[tokio::test]
    async fn a_claim_that_cannot_be_read_is_named() {
        let store = Arc::new(MemoryStore::new());
        let lake = Lake::in_store(Arc::clone(&store) as _, "", Access::Write)
            .await
            .unwrap();
        let put = store.put(STACK_KEY, "{}".into(), Condition::Always, Metadata::new());
        put.await.unwrap();
        let refused = lake.claim_for("prod").await.unwrap_err();
        assert!(refused.to_string().contains(STACK_KEY), "{refused}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_linker_at_a_time_has_the_lock_of_a_folder() {
        let room = tempfile::tempdir().unwrap();
        let lake = open(room.path(), Access::Write).await.unwrap();
        let first = lake.lock_for_linking().await.unwrap();
        assert!(first.is_exclusive());
        let other = open(room.path(), Access::Write).await.unwrap();
        let second = tokio::spawn(async move { other.lock_for_linking().await.unwrap() });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.unwrap().is_exclusive());
    }
}
