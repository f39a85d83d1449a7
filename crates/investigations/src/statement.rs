//! From SQL text to one query with its values bound: nothing else than a query passes.
//!
//! A value becomes a literal of the parsed query. It is never part of a text that is parsed, so whatever it holds, it
//! stays a value.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Query, SetExpr, Spanned, Statement, TimezoneInfo,
    TypedString, UnaryOperator, Value as Literal, ValueWithSpan, Visit, Visitor,
    visit_expressions_mut, visit_statements,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Span;

use crate::error::{Place, QueryError};
use crate::parameters::{Value, Values};

/// How deep SQL may be nested.
const NESTING_MAX: usize = 100;

/// How deep expressions may grow; the engine's own recursion needs some kilobytes of stack for each step.
const DEPTH_MAX: usize = 500;

/// How long an SQL text may be, in bytes: as in Athena.
const SQL_BYTES_MAX: usize = 262_144;

/// Reads an SQL text that is one query, and binds the values of its parameters.
pub(crate) fn bound(sql: &str, values: &Values) -> Result<Statement, QueryError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(QueryError::too_large(format!(
            "a query has at most {SQL_BYTES_MAX} bytes, and this has {}",
            sql.len()
        )));
    }
    let mut statement = one_query(sql)?;
    if statement.visit(&mut Depth(0)).is_break() {
        // Dropping it would go as deep as it is.
        std::mem::forget(statement);
        return Err(QueryError::too_large(
            "it is nested too deep; a long chain of OR is written IN (…)".to_owned(),
        ));
    }
    // Inner expressions first: a pattern is what it will be when its LIKE is met.
    let bound = visit_expressions_mut(&mut statement, |expression| {
        without_escapes(expression);
        bind(expression, values)
    });
    match bound {
        ControlFlow::Continue(()) => Ok(statement),
        ControlFlow::Break(failure) => Err(failure),
    }
}

fn one_query(sql: &str) -> Result<Statement, QueryError> {
    let parse = || {
        Parser::new(&GenericDialect {})
            .with_recursion_limit(NESTING_MAX)
            .try_with_sql(sql)?
            .parse_statements()
    };
    let statements = parse().map_err(|error| QueryError::of_parsing(error, sql))?;
    let mut statements = statements.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(QueryError::NotOneQuery { place: None });
    };
    // A query may hold other statements: WITH … INSERT.
    let holds_other = visit_statements(&statement, |inner| match inner {
        Statement::Query(query) if is_reading(query) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    match holds_other {
        ControlFlow::Continue(()) => Ok(statement),
        ControlFlow::Break(()) => Err(QueryError::NotOneQuery {
            place: place_of(statement.span()),
        }),
    }
}

fn place_of(span: Span) -> Option<Place> {
    Place::known(span.start.line, span.start.column)
}

/// Whether the query itself writes nothing, locks nothing and is SELECT all the way down.
fn is_reading(query: &Query) -> bool {
    fn reads(body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => select.into.is_none(),
            SetExpr::Query(query) => is_reading(query),
            SetExpr::SetOperation { left, right, .. } => reads(left) && reads(right),
            SetExpr::Values(_) | SetExpr::Table(_) => true,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                false
            }
        }
    }
    reads(&query.body)
}

/// How deep in expressions a visit is.
struct Depth(usize);

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _expression: &Expr) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 > DEPTH_MAX {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expression: &Expr) -> ControlFlow<()> {
        self.0 -= 1;
        ControlFlow::Continue(())
    }
}

/// Makes a backslash in the pattern of a LIKE stand for itself, as it does in Athena and by the standard; here it would be an
/// escape.
fn without_escapes(expression: &mut Expr) {
    let (Expr::Like {
        pattern,
        escape_char: None,
        ..
    }
    | Expr::ILike {
        pattern,
        escape_char: None,
        ..
    }) = expression
    else {
        return;
    };
    let given = std::mem::replace(&mut **pattern, Expr::value(Literal::Null));
    **pattern = doubled_backslashes(given);
}

/// `replace(text, '\', '\\')`.
fn doubled_backslashes(text: Expr) -> Expr {
    let literal = |text: &str| Expr::value(Literal::SingleQuotedString(text.to_owned()));
    let argument = |value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value));
    let arguments = [text, literal(r"\"), literal(r"\\")].map(argument);
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("replace")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn bind(expression: &mut Expr, values: &Values) -> ControlFlow<QueryError> {
    let Expr::Value(ValueWithSpan {
        value: Literal::Placeholder(placeholder),
        span,
    }) = expression
    else {
        return ControlFlow::Continue(());
    };
    let name = placeholder.trim_start_matches('$');
    match values.get(name) {
        Some(value) => {
            *expression = literal(value, *span);
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(QueryError::Unbound {
            name: placeholder.clone(),
            place: place_of(*span),
        }),
    }
}

/// The literal of a value.
fn literal(value: &Value, span: Span) -> Expr {
    let at = |value| ValueWithSpan { value, span };
    let text = |text: String| at(Literal::SingleQuotedString(text));
    match value {
        Value::Text(given) => Expr::Value(text(given.clone())),
        Value::Day(day) => Expr::Value(text(day.to_string())),
        Value::Time(moment) => Expr::TypedString(TypedString {
            data_type: DataType::Timestamp(None, TimezoneInfo::None),
            value: text(moment.to_string()),
            uses_odbc_syntax: false,
        }),
        Value::Number(digits) => {
            let magnitude = digits.trim_start_matches('-').to_owned();
            let number = Expr::Value(at(Literal::Number(magnitude, false)));
            if digits.starts_with('-') {
                Expr::UnaryOp {
                    op: UnaryOperator::Minus,
                    expr: Box::new(number),
                }
            } else {
                number
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound_text(sql: &str, value: Value) -> String {
        let values = Values::from([("p".to_owned(), value)]);
        bound(sql, &values).unwrap().to_string()
    }

    #[test]
    fn a_value_stays_a_value_whatever_it_holds() {
        let hostile = "x' OR 'a'='a'; DROP TABLE sessions; -- $p";
        let bound = bound_text(
            "SELECT 1 WHERE a = $p OR b = $p",
            Value::Text(hostile.into()),
        );
        let quoted = "'x'' OR ''a''=''a''; DROP TABLE sessions; -- $p'";
        assert_eq!(
            bound,
            format!("SELECT 1 WHERE a = {quoted} OR b = {quoted}")
        );
    }

    #[test]
    fn each_type_has_its_literal() {
        let sql = "SELECT $p";
        assert_eq!(bound_text(sql, Value::Number("-1.5".into())), "SELECT -1.5");
        assert_eq!(
            bound_text(sql, Value::Day("2026-11-20".parse().unwrap())),
            "SELECT '2026-11-20'"
        );
        let moment = trailback_sessions::Timestamp::parse("2026-11-20T09:00:00Z").unwrap();
        assert_eq!(
            bound_text(sql, Value::Time(moment)),
            "SELECT TIMESTAMP '2026-11-20T09:00:00Z'"
        );
    }

    #[test]
    fn only_one_query_passes() {
        for sql in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "DROP TABLE sessions",
            "CREATE TABLE t AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
            "INSERT INTO sessions SELECT 1",
            "COPY sessions TO '/tmp/x.parquet'",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "SET x = 1",
            "WITH a AS (SELECT 1) INSERT INTO sessions SELECT * FROM a",
            "WITH a AS (DELETE FROM sessions RETURNING *) SELECT * FROM a",
            "SELECT 1 INTO t",
            "EXPLAIN SELECT 1",
            "SHOW TABLES",
        ] {
            assert!(bound(sql, &Values::new()).is_err(), "{sql}");
        }
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            "(SELECT 1) UNION ALL VALUES (2)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "-- why\nSELECT 1",
        ] {
            assert!(bound(sql, &Values::new()).is_ok(), "{sql}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_is_named_with_its_place() {
        let error = bound("SELECT 1\nWHERE a = $p", &Values::new()).unwrap_err();
        let QueryError::Unbound { name, place } = error else {
            panic!("{error}");
        };
        assert_eq!(
            (&*name, place),
            (
                "$p",
                Some(Place {
                    line: 2,
                    column: 11
                })
            )
        );
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        for (sql, line, column) in [("SELECT 1 +\n  )", 2, 3), ("SELECT\n  'open", 2, 3)] {
            let error = bound(sql, &Values::new()).unwrap_err();
            assert_eq!(error.place(), Some(Place { line, column }), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let sql = format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(bound(&sql, &Values::new()).is_err());
    }
}
