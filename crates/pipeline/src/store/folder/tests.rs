use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::{contract, list_all};

fn metadata(value: &str) -> Metadata {
    Metadata::from([("digest".to_owned(), value.to_owned())])
}

/// Every file below a folder, hidden ones too.
fn files(folder: &Path) -> Vec<String> {
    let paths = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap);
    let files = paths.filter(|entry| entry.file_type().is_file());
    files
        .map(|file| {
            file.path()
                .strip_prefix(folder)
                .unwrap()
                .display()
                .to_string()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_a_folder_keeps_the_contract() {
    let room = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    let make = || -> Arc<dyn Store> {
        let number = count.fetch_add(1, Ordering::Relaxed);
        Arc::new(FolderStore::with_pages_of(
            room.path().join(number.to_string()).join("lake"),
            3,
        ))
    };
    contract::check(&make).await;
    let left: Vec<_> = files(room.path())
        .into_iter()
        .filter(|name| name.contains(".tmp-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_folder_have_one_winner() {
    let room = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let create = |writer: usize| {
            let store = FolderStore::new(room.path());
            tokio::spawn(async move {
                let content = Bytes::from(writer.to_string());
                let key = format!("a/{round}/b");
                store
                    .put(&key, content, Condition::IfAbsent, Metadata::new())
                    .await
            })
        };
        let puts: Vec<_> = (0..8).map(create).collect();
        let mut winners = 0;
        for put in puts {
            winners += usize::from(put.await.unwrap().is_ok());
        }
        assert_eq!(winners, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_and_tidying_at_once_lose_nothing() {
    let room = tempfile::tempdir().unwrap();
    let store = FolderStore::new(room.path());
    store
        .put("start", Bytes::new(), Condition::Always, Metadata::new())
        .await
        .unwrap();
    let tidy = {
        let store = FolderStore::new(room.path());
        tokio::spawn(async move {
            for _ in 0..200 {
                store.sweep().await.unwrap();
                store
                    .delete(&["d/e/other".to_owned()])
                    .await
                    .remove(0)
                    .unwrap();
            }
        })
    };
    while !tidy.is_finished() {
        for key in ["d/e/other", "d/e/f"] {
            store
                .put(key, Bytes::new(), Condition::Always, metadata("one"))
                .await
                .unwrap();
        }
        assert_eq!(store.head("d/e/f").await.unwrap().metadata, metadata("one"));
        store.delete(&["d/e/f".to_owned()]).await.remove(0).unwrap();
    }
    tidy.await.unwrap();
}

#[tokio::test]
async fn metadata_of_other_content_is_not_trusted() {
    let room = tempfile::tempdir().unwrap();
    let store = FolderStore::new(room.path());
    store
        .put("a/b", "one".into(), Condition::Always, metadata("one"))
        .await
        .unwrap();
    assert_eq!(files(room.path()), [".trailback-lock", "a/.b.state", "a/b"]);
    fs::write(room.path().join("a/b"), "two").unwrap();
    assert_eq!(store.head("a/b").await.unwrap().metadata, Metadata::new());
    fs::write(room.path().join("a/b"), "one").unwrap();
    assert_eq!(store.head("a/b").await.unwrap().metadata, metadata("one"));
    for spoilt in [
        "",
        "trailback-state 1\n",
        "trailback-state 1\nsha256 zz\n",
        "\u{1}\u{fffd}",
    ] {
        fs::write(room.path().join("a/.b.state"), spoilt).unwrap();
        assert_eq!(store.head("a/b").await.unwrap().metadata, Metadata::new());
    }
    store.delete(&["a/b".to_owned()]).await.remove(0).unwrap();
    assert_eq!(files(room.path()), [".trailback-lock"]);
    assert!(!room.path().join("a").exists());
}

#[tokio::test]
async fn a_sweep_takes_what_the_dead_left_and_no_more() {
    let room = tempfile::tempdir().unwrap();
    let store = FolderStore::new(room.path().join("lake"));
    assert!(store.is_empty().await.unwrap());
    store
        .put("a/b", "one".into(), Condition::Always, metadata("one"))
        .await
        .unwrap();
    let folder = store.root().join("a");
    fs::write(folder.join(".tmp-1-1"), "abandoned").unwrap();
    fs::write(folder.join(".gone.state"), "orphan").unwrap();
    fs::write(folder.join(".hidden"), "someone's").unwrap();
    let living = TemporaryFile::write(&folder, b"in use").unwrap();
    assert_eq!(list_all(&store, "").await.unwrap().len(), 1);
    store.sweep().await.unwrap();
    let left = files(store.root());
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(left.contains(&"a/.hidden".to_owned()) && left.contains(&"a/.b.state".to_owned()));
    drop(living);
    assert_eq!(files(store.root()).len(), 4);
    assert!(!store.is_empty().await.unwrap());
}

#[test]
fn faults_of_the_disk_say_what_to_do() {
    let say = |kind: io::ErrorKind| explain("write", "lake/a".to_owned(), kind.into()).to_string();
    let full = "no space left to write lake/a; nothing is lost: free some space and run again";
    let denied = "no permission to write lake/a; give this user access to it and run again";
    assert_eq!(say(io::ErrorKind::StorageFull), full);
    assert_eq!(say(io::ErrorKind::QuotaExceeded), full);
    assert_eq!(say(io::ErrorKind::PermissionDenied), denied);
    assert_eq!(say(io::ErrorKind::ReadOnlyFilesystem), denied);
    assert_eq!(say(io::ErrorKind::NotFound), "lake/a does not exist");
    assert_eq!(
        say(io::ErrorKind::TimedOut),
        "cannot write lake/a; run again"
    );
}
