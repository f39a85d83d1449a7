//! A table of the lake as the engine sees it: exactly the rows of the data objects that the manifests name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{
    DFSchema, DataFusionError, Result, ScalarValue, ToDFSchema, project_schema,
};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use tokio::sync::Mutex;
use trailback_pipeline::find::FindError;
use trailback_pipeline::lake::Lake;
use trailback_pipeline::published;
use trailback_tables::Table;
use trailback_tables::partition::Day;

use super::reader::{DataObject, Readers};
use crate::error::CarriedError;

/// The partition column: the day of a row, from the name of its folder.
const DAY_COLUMN: &str = "dt";

/// A table of the lake, at the moment it is first asked: what is read of it stays the same generation.
#[derive(Debug)]
pub(crate) struct LakeTable {
    lake: Lake,
    table: Table,
    schema: TableSchema,
    days: BTreeSet<Day>,
    /// The data objects of the days that were asked for so far.
    objects: Mutex<BTreeMap<Day, Vec<Arc<DataObject>>>>,
}

impl LakeTable {
    /// The table; its days are listed, and nothing more.
    pub(crate) async fn open(lake: Lake, table: Table) -> Result<LakeTable, FindError> {
        let days = published::days(&lake, table).await?;
        let day_column = Arc::new(Field::new(DAY_COLUMN, DataType::Utf8, false));
        Ok(LakeTable {
            lake,
            table,
            schema: TableSchema::builder(table.arrow_schema())
                .with_table_partition_cols(vec![day_column])
                .build(),
            days,
            objects: Mutex::default(),
        })
    }

    /// The days that have rows.
    pub(crate) fn days(&self) -> &BTreeSet<Day> {
        &self.days
    }

    /// The days that conditions on `dt` leave.
    fn days_left(&self, state: &dyn Session, filters: &[Expr]) -> Result<BTreeSet<Day>> {
        let of_day = filters.iter().filter(|filter| is_of_day(filter)).cloned();
        let Some(condition) = conjunction(of_day) else {
            return Ok(self.days.clone());
        };
        let names = self.days.iter().map(Day::to_string);
        let names: ArrayRef = Arc::new(names.map(Some).collect::<StringArray>());
        let field = Field::new(DAY_COLUMN, DataType::Utf8, false);
        let schema = Arc::new(Schema::new(vec![field]));
        let named: DFSchema = Arc::clone(&schema).to_dfschema()?;
        let condition = state.create_physical_expr(condition, &named)?;
        let batch = RecordBatch::try_new(schema, vec![names])?;
        let kept = condition.evaluate(&batch)?.into_array(batch.num_rows())?;
        let kept = kept.as_boolean().iter();
        let days = self.days.iter().zip(kept);
        Ok(days
            .filter(|(_, kept)| *kept == Some(true))
            .map(|(day, _)| *day)
            .collect())
    }

    /// The data objects of some days, looked up once.
    async fn objects_of(&self, days: &BTreeSet<Day>) -> Result<Vec<Arc<DataObject>>, FindError> {
        let mut known = self.objects.lock().await;
        let missing: BTreeSet<Day> = days
            .iter()
            .filter(|day| !known.contains_key(day))
            .copied()
            .collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            let found = published::objects(&self.lake, self.table, &(*first..=*last)).await?;
            missing.iter().for_each(|day| {
                known.entry(*day).or_default();
            });
            for (key, size_bytes) in found
                .into_iter()
                .filter(|(key, _)| missing.contains(&key.day))
            {
                let day = key.day;
                let object = DataObject::new(self.lake.clone(), key, size_bytes);
                known.entry(day).or_default().push(Arc::new(object));
            }
        }
        Ok(days
            .iter()
            .flat_map(|day| known.get(day))
            .flatten()
            .cloned()
            .collect())
    }
}

/// Whether a condition speaks of nothing but the day.
fn is_of_day(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty()
        && columns.iter().all(|column| column.name == DAY_COLUMN)
        && !filter.is_volatile()
}

fn file(object: Arc<DataObject>) -> PartitionedFile {
    let key = object.key();
    let mut file = PartitionedFile::new(key.to_string(), object.size_bytes());
    file.partition_values = vec![ScalarValue::Utf8(Some(key.day.to_string()))];
    file.extensions.insert_arc(object);
    file
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let days = self.days_left(state, filters)?;
        let objects = self.objects_of(&days).await.map_err(carried)?;
        if objects.is_empty() {
            let schema = project_schema(&self.schema(), projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let files = FileGroup::new(objects.into_iter().map(file).collect());
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(Readers));
        let groups = files.split_files(state.config().target_partitions());
        let scan = FileScanConfigBuilder::new(nowhere()?, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match is_of_day(filter) {
            true => TableProviderFilterPushDown::Exact,
            // Pruned by, then evaluated by the scan where the engine's optimizer moves it there.
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }
}

/// The engine wants to know which of its own stores a file lies in; ours are read by [`Readers`] alone.
pub(crate) fn nowhere() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("lake://")
}

fn carried(failure: FindError) -> DataFusionError {
    DataFusionError::External(Box::new(CarriedError::new(failure)))
}
