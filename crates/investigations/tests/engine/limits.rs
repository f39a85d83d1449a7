//! What the engine does not do.

use trailback_investigations::parameters::Values;
use trailback_investigations::{Engine, Limits, QueryError};

use crate::lakes::{LIMITS, Room, ask};

#[tokio::test]
async fn no_file_is_read_or_written() {
    let room = Room::with_sample().await;
    let engine = room.engine().await;
    let target = room.path().join("written.csv");
    let target = target.display();
    let object = room.path().join("trailback-lake.json");
    let object = object.display();
    for sql in [
        format!("SELECT * FROM '{object}'"),
        format!("SELECT * FROM \"{object}\""),
        format!("SELECT * FROM read_json('{object}')"),
        format!("SELECT * FROM read_csv('{object}')"),
        format!("SELECT * FROM read_parquet('{object}')"),
        format!("COPY (SELECT 1) TO '{target}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{object}'"),
        format!("SELECT 1 INTO OUTFILE '{target}'"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "DROP TABLE sessions".to_owned(),
        "DELETE FROM sessions".to_owned(),
        "SET datafusion.execution.target_partitions = 99".to_owned(),
        "SELECT * FROM information_schema.tables".to_owned(),
    ] {
        let answer = ask(&engine, &sql, &Values::new()).await;
        assert!(
            matches!(
                answer,
                Err(QueryError::Sql { .. } | QueryError::NotOneQuery { .. })
            ),
            "{sql}: {answer:?}"
        );
    }
    assert!(!room.path().join("written.csv").exists());
}

#[tokio::test]
async fn wrong_sql_is_told_with_its_place() {
    let room = Room::with_sample().await;
    let engine = room.engine().await;
    for (sql, line, column, problem) in [
        ("SELECT\n  rolearn FROM sessions", 2, 3, "rolearn"),
        ("SELECT 1 FROM\n sesions", 2, 2, "sesions"),
        ("SELECT 1 FROM sessions\nWHERE \n", 2, 6, "EOF"),
        ("SELECT 1 +\n  )", 2, 3, "found: )"),
        ("SELECT s.x FROM sessions AS s", 1, 8, "x"),
    ] {
        let error = ask(&engine, sql, &Values::new()).await.unwrap_err();
        let place = error.place().map(|place| (place.line, place.column));
        assert_eq!(place, Some((line, column)), "{sql}: {error:?}");
        assert!(error.to_string().contains(problem), "{error}");
    }
    let error = ask(&engine, "SELECT no_such_function(1)", &Values::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no_such_function"), "{error}");
}

#[tokio::test]
async fn what_needs_too_much_memory_says_so() {
    let room = Room::with_sample().await;
    let limits = Limits {
        memory_mib: 1,
        ..LIMITS
    };
    let engine = Engine::open(&room.lake, &[], limits).await.unwrap();
    let sql = "SELECT a.value AS a, count(*) AS n FROM generate_series(1, 1000000) AS a GROUP BY a.value ORDER BY n, a";
    let error = ask(&engine, sql, &Values::new()).await.unwrap_err();
    assert!(
        matches!(error, QueryError::Memory { limit: 1 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_query_that_fails_on_its_rows_says_why() {
    let room = Room::with_sample().await;
    let engine = room.engine().await;
    for sql in [
        "SELECT 1 / (chain_depth - chain_depth) FROM sessions",
        "SELECT CAST(event_name AS int) FROM sessions",
    ] {
        let error = ask(&engine, sql, &Values::new()).await.unwrap_err();
        assert!(matches!(error, QueryError::Failed { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_long_query_is_answered_or_refused_and_no_overflow() {
    let room = Room::with_sample().await;
    let engine = room.engine().await;
    let ask_for = async |events: usize| {
        let any = (0..events).map(|number| format!("event_id = '{number}'"));
        let any = any.collect::<Vec<_>>().join(" OR ");
        let sql = format!("SELECT count(*) AS n FROM sessions WHERE {any}");
        ask(&engine, &sql, &Values::new()).await
    };
    assert_eq!(ask_for(300).await.unwrap()[0]["n"], 0);
    for too_many in [5_000, 50_000] {
        let error = ask_for(too_many).await.unwrap_err();
        assert!(matches!(error, QueryError::Sql { .. }), "{error:?}");
    }
}
