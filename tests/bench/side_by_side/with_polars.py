"""The job with Polars: `with_polars.py FOLDER OUT`. A log object is one line, so it is JSON lines to it."""

import sys

import polars as pl

from calls import NAMES, SOURCES

KEY = pl.Struct({"accessKeyId": pl.String})
ARN = pl.Struct({"arn": pl.String})
RECORD = pl.Struct(
    {
        "eventID": pl.String,
        "eventTime": pl.String,
        "eventSource": pl.String,
        "eventName": pl.String,
        "userIdentity": pl.Struct({"arn": pl.String, "accessKeyId": pl.String}),
        "requestParameters": pl.Struct({"roleArn": pl.String}),
        "responseElements": pl.Struct(
            {
                "credentials": KEY,
                "assumedRoleUser": ARN,
                "federatedUser": ARN,
                "credentialSet": pl.List(pl.Struct({"credentials": KEY, "assumedRoleUser": ARN})),
            }
        ),
    }
)


def extracted(folder: str) -> pl.DataFrame:
    """The records of the issuing calls."""
    response = pl.col("responseElements").struct
    first = response["credentialSet"].list.first().struct
    return (
        pl.scan_ndjson(f"{folder}/**/*.json.gz", schema={"Records": pl.List(RECORD)})
        .explode("Records")
        .unnest("Records")
        .select(
            "eventSource",
            event_id="eventID",
            event_time="eventTime",
            event_name="eventName",
            access_key_id=pl.coalesce(
                response["credentials"].struct["accessKeyId"], first["credentials"].struct["accessKeyId"]
            ),
            session_arn=pl.coalesce(
                response["assumedRoleUser"].struct["arn"],
                response["federatedUser"].struct["arn"],
                first["assumedRoleUser"].struct["arn"],
            ),
            role_arn=pl.col("requestParameters").struct["roleArn"],
            caller_arn=pl.col("userIdentity").struct["arn"],
            caller_access_key_id=pl.col("userIdentity").struct["accessKeyId"],
        )
        .filter(
            (pl.col("eventSource").is_in(SOURCES) & pl.col("event_name").is_in(NAMES))
            | pl.col("access_key_id").is_not_null()
        )
        .drop("eventSource")
        .with_columns(pl.col("event_time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"))
        .collect(engine="streaming")
    )


def linked(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row with the last one before it that issued its caller's key."""
    issued = rows.filter(
        pl.col("access_key_id").is_not_null() & pl.col("access_key_id").ne_missing(pl.col("caller_access_key_id"))
    ).select("access_key_id", "event_time", parent_event_id="event_id")
    return rows.sort("event_time").join_asof(
        issued.sort("event_time"),
        on="event_time",
        by_left="caller_access_key_id",
        by_right="access_key_id",
        check_sortedness=False,
    )


def main() -> None:
    """Reads, links, writes Parquet, and prints what it counted."""
    folder, out = sys.argv[1:]
    records = extracted(folder)
    table = linked(records.unique("event_id"))
    table.write_parquet(out)
    print(len(records), len(table), table["parent_event_id"].count())


if __name__ == "__main__":
    main()
