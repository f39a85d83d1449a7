//! `FROM t CROSS JOIN UNNEST(list of t) AS u (x)`, which the engine parses and plans, but cannot run: a join whose right side
//! reads from its left.
//!
//! The right side is a few projections around one `Unnest` of a single row. Put on top of the left side instead of that
//! row, and carrying the left columns along, they are the join.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DataFusionError, JoinType, Result};
use datafusion::logical_expr::expr_rewriter::strip_outer_reference;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, LogicalPlanBuilder, SubqueryAlias};

/// Makes such joins runnable, wherever in the plan they stand.
pub(super) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|plan| match plan {
        LogicalPlan::Join(join) if is_lateral(&join) => {
            splice(&join.right, &join.left).map(Transformed::yes)
        }
        other => Ok(Transformed::no(other)),
    });
    rewritten.map(|rewritten| rewritten.data)
}

fn is_lateral(join: &Join) -> bool {
    let mut right = &*join.right;
    while let LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) = right {
        right = input;
    }
    let unconditional =
        join.join_type == JoinType::Inner && join.on.is_empty() && join.filter.is_none();
    unconditional && matches!(right, LogicalPlan::Subquery(_)) && ends_in_unnest(right)
}

/// Whether nothing but projections lies around an `Unnest` of one row.
fn ends_in_unnest(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Subquery(inner) => ends_in_unnest(&inner.subquery),
        LogicalPlan::SubqueryAlias(inner) => ends_in_unnest(&inner.input),
        LogicalPlan::Projection(inner) => ends_in_unnest(&inner.input),
        LogicalPlan::Unnest(inner) => ends_in_unnest(&inner.input),
        LogicalPlan::EmptyRelation(row) => row.produce_one_row,
        _ => false,
    }
}

/// The right side on top of the left, whose columns come first in every step.
fn splice(right: &LogicalPlan, left: &Arc<LogicalPlan>) -> Result<LogicalPlan> {
    match right {
        LogicalPlan::EmptyRelation(_) => Ok(LogicalPlan::clone(left)),
        LogicalPlan::Subquery(inner) => splice(&inner.subquery, left),
        LogicalPlan::Projection(inner) => {
            let input = splice(&inner.input, left)?;
            let own = inner.expr.iter().cloned().map(strip_outer_reference);
            let expressions: Vec<Expr> = left_columns(left).chain(own).collect();
            LogicalPlanBuilder::from(input)
                .project(expressions)?
                .build()
        }
        LogicalPlan::Unnest(inner) => {
            let input = splice(&inner.input, left)?;
            let columns = inner.exec_columns.clone();
            LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(columns, inner.options.clone())?
                .build()
        }
        LogicalPlan::SubqueryAlias(inner) => {
            let input = splice(&inner.input, left)?;
            let own = input
                .schema()
                .columns()
                .into_iter()
                .skip(left.schema().fields().len());
            let named = own.map(|column| {
                let name = column.name.clone();
                Expr::Column(column).alias_qualified(Some(inner.alias.clone()), name)
            });
            let expressions: Vec<Expr> = left_columns(left).chain(named).collect();
            LogicalPlanBuilder::from(input)
                .project(expressions)?
                .build()
        }
        other => Err(DataFusionError::NotImplemented(format!(
            "UNNEST in a join over {}",
            other.display()
        ))),
    }
}

fn left_columns(left: &LogicalPlan) -> impl Iterator<Item = Expr> {
    let columns: Vec<Column> = left.schema().columns();
    columns.into_iter().map(Expr::Column)
}
