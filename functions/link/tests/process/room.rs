//! The deployments that the stories here work on: lakes with fragments that nobody has linked yet.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use trailback_harness::deployment::{BASE, Deployment};
use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::log_objects::folders::find;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::memory::MemoryStore;
use trailback_simulator::{Folder, Plan, simulate};

/// The objects of a lake, by key.
pub(crate) type Objects = BTreeMap<String, Bytes>;

/// A lake before and after it is linked.
pub(crate) struct Story {
    /// The marker and the fragments.
    pub(crate) extracted: Objects,
    /// The data objects and manifests that a linker makes of them.
    pub(crate) published: Objects,
}

/// Some hours of a few accounts.
pub(crate) static SMALL: LazyLock<Story> = LazyLock::new(|| {
    story(&Plan {
        calls: 100,
        sts_share: 0.5,
        duration: 4 * 3600,
        accounts: 3,
        regions: 2,
        delivery_minutes: 60,
        ..Plan::small(11)
    })
});

/// Four days, which take many hours of work, one of the lake's for each of time.
pub(crate) static LONG: LazyLock<Story> = LazyLock::new(|| {
    story(&Plan {
        calls: 2_000,
        duration: 4 * 86_400,
        delivery_minutes: 240,
        ..Plan::small(12)
    })
});

fn story(plan: &Plan) -> Story {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = Folder::create(folder.path(), None, None).unwrap();
    simulate(plan, &mut logs).unwrap();
    // A thread of its own, because the stories run in a runtime already.
    let logs = folder.path().to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Arc::new(MemoryStore::new());
            let lake = Lake::in_store(Arc::clone(&store) as _, BASE, Access::Write)
                .await
                .unwrap();
            let progress: Arc<dyn Progress> = Arc::new(Silent);
            let found = find(&[logs]).await.unwrap();
            let options = ExtractOptions::default();
            extract(&lake, found, &options, &progress, &mut |_| {})
                .await
                .unwrap();
            let extracted = contents(&store);
            link(&lake, &LinkOptions::default(), &progress)
                .await
                .unwrap();
            let published = published(contents(&store));
            Story {
                extracted,
                published,
            }
        })
    })
    .join()
    .unwrap()
}

fn contents(store: &MemoryStore) -> Objects {
    let objects = store.objects().into_iter();
    objects.map(|(key, (content, _))| (key, content)).collect()
}

/// What readers see of the lake of a deployment, given what they should. What no manifest names is garbage, which a race or
/// an older generation leaves and which goes after two days.
pub(crate) fn seen(room: &Deployment, story: &Story) -> Objects {
    let mut objects = room.lake("");
    objects.retain(|key, _| story.published.contains_key(key));
    objects
}

/// Data objects and manifests.
fn published(mut objects: Objects) -> Objects {
    objects.retain(|key, _| key.contains("/data/") || key.contains("/table/"));
    objects
}

/// A deployment of the function on a lake that is not linked yet.
pub(crate) fn deployed(story: &Story, settings: &[(&str, &str)]) -> Deployment {
    let room = Deployment::of(env!("CARGO_BIN_EXE_trailback-link"), settings);
    room.put_lake(&story.extracted);
    room
}
