//! The embedded engine: a lake's tables and the saved views as SQL sees them, without any server.

mod functions;
mod reader;
mod table;
mod unnest;

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::datasource::ViewTable;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::memory::InMemory;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use trailback_pipeline::lake::Lake;
use trailback_pipeline::store::counted::Counts;
use trailback_tables::Table;
use trailback_tables::partition::Day;

use crate::cell::{Row, rows};
use crate::error::QueryError;
use crate::parameters::Values;
use crate::saved::View;
use crate::statement;
use table::LakeTable;

/// Rows in one batch: with wide rows some megabytes.
const BATCH_ROWS: usize = 4096;

/// What an engine may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How much memory sorting, joining and grouping may take together, in MiB.
    pub memory_mib: usize,
    /// How many parts of a question are worked on at once.
    pub threads: NonZeroUsize,
}

/// An engine over one lake. Every question to it sees the same generation of a day.
pub struct Engine {
    context: SessionContext,
    counts: Arc<Counts>,
    sessions: Arc<LakeTable>,
    limits: Limits,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine over a lake, with the tables of the lake and these views.
    ///
    /// # Errors
    /// When the lake cannot be read, or a view does not fit the tables.
    pub async fn open(lake: &Lake, views: &[View], limits: Limits) -> Result<Engine, QueryError> {
        let (lake, counts) = lake.counted();
        let context = context(limits).map_err(QueryError::of_planning)?;
        let sessions = Arc::new(LakeTable::open(lake.clone(), Table::Sessions).await?);
        let log_objects = Arc::new(LakeTable::open(lake, Table::LogObjects).await?);
        for (table, provider) in [
            (Table::Sessions, &sessions),
            (Table::LogObjects, &log_objects),
        ] {
            let registered = context.register_table(table.name(), Arc::clone(provider) as _);
            registered.map_err(QueryError::of_planning)?;
        }
        let engine = Engine {
            context,
            counts,
            sessions,
            limits,
        };
        engine.register_views(views).await?;
        Ok(engine)
    }

    /// The first and the last day with sessions; `None` of a lake without any.
    #[must_use]
    pub fn days(&self) -> Option<RangeInclusive<Day>> {
        let days = self.sessions.days();
        Some(*days.first()?..=*days.last()?)
    }

    /// What was asked of the lake so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Plans a query, with the values of its parameters bound, and begins to run it.
    ///
    /// # Errors
    /// When the SQL is wrong or no query, a parameter has no value, or the lake cannot be read.
    pub async fn query(&self, sql: &str, values: &Values) -> Result<Answer, QueryError> {
        let plan = self.plan(sql, values).await;
        let plan = plan.map_err(|wrong| wrong.or_one_of(|| self.table_names()))?;
        let names = plan
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let run = async {
            self.context
                .execute_logical_plan(plan)
                .await?
                .execute_stream()
                .await
        };
        Ok(Answer {
            columns: names,
            batches: run.await.map_err(QueryError::of_planning)?,
            memory_mib: self.limits.memory_mib,
        })
    }

    fn table_names(&self) -> Vec<String> {
        let state = self.context.state();
        let catalog = &state.config_options().catalog;
        let schema = self
            .context
            .catalog(&catalog.default_catalog)
            .and_then(|tables| tables.schema(&catalog.default_schema));
        let mut names = schema.map_or_else(Vec::new, |schema| schema.table_names());
        names.sort_unstable();
        names
    }

    async fn plan(&self, sql: &str, values: &Values) -> Result<LogicalPlan, QueryError> {
        let statement = statement::bound(sql, values)?;
        let plan = async {
            let statement = Statement::Statement(Box::new(statement));
            let plan = self.context.state().statement_to_plan(statement).await?;
            let reading = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            reading.verify_plan(&plan)?;
            unnest::rewrite(plan)
        };
        plan.await.map_err(QueryError::of_planning)
    }

    /// Makes the views known; one may use another, whatever their names.
    async fn register_views(&self, views: &[View]) -> Result<(), QueryError> {
        let mut left: Vec<&View> = views.iter().collect();
        while !left.is_empty() {
            let (before, mut failure) = (left.len(), None);
            for view in std::mem::take(&mut left) {
                match self.plan(&view.text, &Values::new()).await {
                    Ok(plan) => {
                        let table = Arc::new(ViewTable::new(plan, None));
                        let registered = self.context.register_table(&*view.name, table);
                        registered.map_err(QueryError::of_planning)?;
                    }
                    Err(error) => {
                        failure.get_or_insert(error);
                        left.push(view);
                    }
                }
            }
            if let Some(error) = failure.filter(|_| left.len() == before) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A session of the engine, within limits, that knows no file and no table yet.
fn context(limits: Limits) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.threads.get())
        .with_batch_size(BATCH_ROWS)
        .with_collect_statistics(false);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    // As in Athena and DuckDB: absent values come last, however it is sorted.
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    // The engine's two halves disagree on whether a column of a window function can be null, which harms nothing.
    options.execution.skip_physical_aggregate_schema_check = true;
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.schema_force_view_types = false;
    let memory = limits.memory_mib.saturating_mul(1024 * 1024);
    // Nothing of a lake is written to a disk that its owner does not know of.
    let no_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory)))
        .with_disk_manager_builder(no_disk)
        .build_arc()?;
    runtime.register_object_store(table::nowhere()?.as_ref(), Arc::new(InMemory::new()));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .build();
    let context = SessionContext::new_with_state(state);
    functions::register(&context);
    Ok(context)
}

/// The answer to a question, a part at a time.
pub struct Answer {
    columns: Vec<String>,
    batches: SendableRecordBatchStream,
    memory_mib: usize,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next rows, at least one; `None` after the last.
    ///
    /// # Errors
    /// When the query fails on the rows, needs too much memory, or the lake cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, QueryError> {
        let failed = |error| QueryError::of_running(error, self.memory_mib);
        while let Some(batch) = self.batches.next().await {
            let batch = batch.map_err(failed)?;
            if batch.num_rows() > 0 {
                let rows = rows(&batch).map_err(|error| failed(error.into()))?;
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}
