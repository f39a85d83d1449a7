//! `trailback investigate`: the saved questions, without any server.

pub(crate) mod answer;
mod csv;
mod understand;

use miette::IntoDiagnostic;
use trailback_investigations::saved::{Catalog, Investigation};
use trailback_investigations::sql_text::positional;
use trailback_pipeline::lake::Access;
use trailback_pipeline::location::S3OnDemand;

use crate::args::SqlForm;
use crate::look::Look;
use crate::render::rows::Frame;
use crate::render::{investigations, not_found};
use crate::settings::WrongUse;
use crate::{Answer, args, lake, output};
use answer::Asked;
use understand::{NoInvestigation, Typed};

/// Runs the command.
pub(crate) async fn run(
    typed: args::Investigate,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let catalog = Catalog::embedded().into_diagnostic()?;
    let Some(name) = &typed.name else {
        output::print(&investigations::list(&catalog.investigations, look))?;
        return Ok(Answer::Complete);
    };
    let known = catalog.investigation(name);
    let investigation = known.ok_or_else(|| NoInvestigation::named(name, &catalog))?;
    if typed.explain {
        output::print(&investigations::explain(investigation, look))?;
        return Ok(Answer::Complete);
    }
    if let Some(form) = typed.sql {
        output::print(&sql(investigation, form))?;
        return Ok(Answer::Complete);
    }
    ask(&typed, &catalog, investigation, s3, look).await
}

async fn ask(
    typed: &args::Investigate,
    catalog: &Catalog,
    investigation: &Investigation,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let understood = Typed::understand(typed, investigation)?;
    let place = typed.lake.clone().ok_or(WrongUse::NoLake)?;
    let lake = lake::open(&args::Lake { lake: place }, s3, Access::Read).await?;
    let engine = answer::engine(&lake, catalog, typed.limits).await?;
    let Some(days) = engine.days() else {
        output::tell(not_found::NO_SESSIONS);
        return Ok(Answer::Incomplete);
    };
    let values = understood.within(&days);
    let asked = Asked {
        sql: &investigation.text,
        values: &values,
        frame: Frame {
            title: Some(&investigation.question),
            footnote: Some(&investigation.read),
        },
    };
    answer::print(&engine, &asked, &typed.rows, look).await
}

fn sql(investigation: &Investigation, form: SqlForm) -> String {
    match form {
        SqlForm::Saved => investigation.text.clone(),
        SqlForm::Athena => {
            let (text, order) = positional(&investigation.text);
            let name = investigation.name.replace('-', "_");
            let order = order.join(", ");
            format!(
                "-- EXECUTE trailback_{name} USING {order}\nPREPARE trailback_{name} FROM\n{text}"
            )
        }
    }
}
