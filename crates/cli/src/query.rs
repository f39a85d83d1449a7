//! `trailback query`: free SQL over the lake.

use std::io::Read;

use miette::{IntoDiagnostic, WrapErr};
use trailback_investigations::parameters::Values;
use trailback_investigations::saved::Catalog;
use trailback_pipeline::lake::Access;
use trailback_pipeline::location::S3OnDemand;

use crate::investigate::answer::{self, Asked};
use crate::look::Look;
use crate::render::rows::Frame;
use crate::{Answer, args, lake};

/// Runs the command.
pub(crate) async fn run(typed: args::Query, s3: &S3OnDemand, look: Look) -> miette::Result<Answer> {
    let sql = match &*typed.sql {
        "-" => from_stdin()?,
        sql => sql.to_owned(),
    };
    let catalog = Catalog::embedded().into_diagnostic()?;
    let lake = lake::open(&typed.lake, s3, Access::Read).await?;
    let engine = answer::engine(&lake, &catalog, typed.limits).await?;
    let asked = Asked {
        sql: &sql,
        values: &Values::new(),
        frame: Frame::default(),
    };
    answer::print(&engine, &asked, &typed.rows, look).await
}

fn from_stdin() -> miette::Result<String> {
    let mut sql = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut sql);
    read.into_diagnostic()
        .wrap_err("cannot read standard input")?;
    Ok(sql)
}
