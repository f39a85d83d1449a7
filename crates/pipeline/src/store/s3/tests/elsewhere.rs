//! The same promises, kept by implementations of S3 that are not ours: `make e2e` names them in the variables that the AWS
//! command line knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::contract;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs AWS_ENDPOINT_URL of a server with a bucket named lake: make e2e"]
async fn another_implementation_keeps_the_contract() {
    contract::check(&stores(S3::connect(S3Settings::default()).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs AWS_ENDPOINT_URL of a server with a bucket named lake: make e2e"]
async fn another_implementation_that_lists_folder_by_folder_keeps_the_contract() {
    contract::check_folder_by_folder(&stores(S3::connect(S3Settings::default()).await)).await;
}

/// Makes empty stores, each below a prefix of its own.
fn stores(s3: S3) -> impl Fn() -> Arc<dyn Store> {
    let made = AtomicU32::new(0);
    let run = std::process::id();
    move || {
        let number = made.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("contract/{run}/{number}");
        Arc::new(S3Store::new(s3.clone(), "lake", &prefix).with_pages_of(3))
    }
}
