//! Lakes to ask, and answers as JSON.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use trailback_investigations::parameters::Values;
use trailback_investigations::saved::Catalog;
use trailback_investigations::{Engine, Limits, QueryError};
use trailback_pipeline::extract::ExtractOptions;
use trailback_pipeline::ingest::ingest;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::log_objects::folders;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_simulator::{Folder, Plan, Sink, Truth, UseTruth, simulate};

pub(crate) const LIMITS: Limits = Limits {
    memory_mib: 256,
    threads: NonZeroUsize::new(2).unwrap(),
};

/// A lake in a temporary folder.
pub(crate) struct Room {
    folder: TempDir,
    pub(crate) lake: Lake,
}

impl Room {
    async fn of(logs: &Path, folder: TempDir) -> Room {
        let lake = Lake::in_folder(&folder.path().join("lake"), Access::Write)
            .await
            .unwrap();
        let silent: Arc<dyn Progress> = Arc::new(Silent);
        let log_objects = folders::find(&[logs.to_owned()]).await.unwrap();
        ingest(&lake, log_objects, &ExtractOptions::default(), &silent)
            .await
            .unwrap();
        Room { folder, lake }
    }

    /// The sample of the README.
    pub(crate) async fn with_sample() -> Room {
        let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/logs");
        Room::of(&logs, TempDir::new().unwrap()).await
    }

    /// Records of one log object.
    pub(crate) async fn with_records(records: &[Json]) -> Room {
        let name = "111122223333_CloudTrail_eu-west-1_20261130T2355Z_AAAAAAAAAAAAAAAA.json";
        Room::with_files(&[(name, records)]).await
    }

    /// Records of log objects, by their names.
    pub(crate) async fn with_files(files: &[(&str, &[Json])]) -> Room {
        let folder = TempDir::new().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        for (name, records) in files {
            fs::write(logs.join(name), json!({"Records": records}).to_string()).unwrap();
        }
        Room::of(&logs, folder).await
    }

    /// A simulated organisation, and the truth about it.
    pub(crate) async fn simulated(plan: &Plan) -> (Room, Vec<Truth>) {
        let folder = TempDir::new().unwrap();
        let logs = folder.path().join("logs");
        let mut sink = Logs {
            folder: Folder::create(&logs, None, None).unwrap(),
            truths: Vec::new(),
        };
        simulate(plan, &mut sink).unwrap();
        (Room::of(&logs, folder).await, sink.truths)
    }

    /// The folder of the lake.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    /// An engine that knows the saved views.
    pub(crate) async fn engine(&self) -> Engine {
        let catalog = Catalog::embedded().unwrap();
        Engine::open(&self.lake, &catalog.views, LIMITS)
            .await
            .unwrap()
    }
}

struct Logs {
    folder: Folder,
    truths: Vec<Truth>,
}

impl Sink for Logs {
    fn object(&mut self, object_key: &str, json: &[u8]) -> std::io::Result<()> {
        self.folder.object(object_key, json)
    }

    fn truth(&mut self, truth: Truth) -> std::io::Result<()> {
        self.truths.push(truth);
        Ok(())
    }

    fn used(&mut self, _used: UseTruth) -> std::io::Result<()> {
        Ok(())
    }
}

/// All rows of an answer, keyed by column.
pub(crate) async fn ask(
    engine: &Engine,
    sql: &str,
    values: &Values,
) -> Result<Vec<Json>, QueryError> {
    let mut answer = engine.query(sql, values).await?;
    let mut found = Vec::new();
    while let Some(rows) = answer.next().await? {
        for row in rows {
            assert_eq!(row.len(), answer.columns().len());
            let members = answer.columns().iter().zip(&row);
            let members =
                members.map(|(name, cell)| (name.clone(), serde_json::to_value(cell).unwrap()));
            found.push(Json::Object(members.collect::<Map<_, _>>()));
        }
    }
    Ok(found)
}

/// All rows of the answer to a question without parameters, which must be one.
pub(crate) async fn rows(engine: &Engine, sql: &str) -> Vec<Json> {
    ask(engine, sql, &Values::new())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}
