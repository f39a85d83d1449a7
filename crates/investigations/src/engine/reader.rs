//! Hands the engine the bytes of data objects: from the lake's store, in few requests, every byte checked.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::DataFusionError;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;
use trailback_pipeline::find::FindError;
use trailback_pipeline::lake::Lake;
use trailback_pipeline::published;
use trailback_tables::Footer;
use trailback_tables::partition::DataKey;

use crate::error::CarriedError;

/// A data object of the table, whose footer is read once however many parts of it are read.
pub(crate) struct DataObject {
    lake: Lake,
    key: DataKey,
    size_bytes: u64,
    footer: OnceCell<Footer>,
}

impl DataObject {
    pub(crate) fn new(lake: Lake, key: DataKey, size_bytes: u64) -> DataObject {
        DataObject {
            lake,
            key,
            size_bytes,
            footer: OnceCell::new(),
        }
    }

    pub(crate) fn key(&self) -> &DataKey {
        &self.key
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn footer(&self) -> Result<&Footer, FindError> {
        let read = || published::footer(&self.lake, &self.key, self.size_bytes);
        self.footer.get_or_try_init(read).await
    }

    async fn parts(&self, parts: &[Range<u64>]) -> Result<Vec<Bytes>, FindError> {
        let footer = self.footer().await?;
        published::parts(&self.lake, &self.key, footer, parts).await
    }
}

impl fmt::Debug for DataObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataObject").field(&self.key).finish()
    }
}

/// Makes the readers; the object itself travels with the engine's file.
#[derive(Debug)]
pub(crate) struct Readers;

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let object = file.extensions.get_arc::<DataObject>();
        let object = object.ok_or_else(|| {
            DataFusionError::Internal(format!("{} is no data object", file.object_meta.location))
        })?;
        Ok(Box::new(Reader(object)))
    }
}

struct Reader(Arc<DataObject>);

fn carried(failure: FindError) -> ParquetError {
    ParquetError::External(Box::new(CarriedError::new(failure)))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let mut parts = self.0.parts(&[range]).await.map_err(carried)?;
            Ok(parts.pop().unwrap_or_default())
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.0.parts(&ranges).await.map_err(carried) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let footer = self.0.footer().await.map_err(carried)?;
            Ok(Arc::clone(footer.metadata()))
        }
        .boxed()
    }
}
