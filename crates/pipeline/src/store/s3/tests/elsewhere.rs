//! The same promises, kept by implementations of S3 that are not ours: `make e2e` names them in the variables that the AWS
//! command line knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::contract;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs AWS_ENDPOINT_URL of a server with a bucket named lake: make e2e"]
async fn another_implementation_keeps_the_contract() {
    let s3 = S3::connect(S3Settings::default()).await;
    let stores = AtomicU32::new(0);
    let run = std::process::id();
    let make = || -> Arc<dyn Store> {
        let number = stores.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("contract/{run}/{number}");
        Arc::new(S3Store::new(s3.clone(), "lake", &prefix).with_pages_of(3))
    };
    contract::check(&make).await;
}
