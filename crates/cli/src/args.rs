//! What may be typed. [`crate::settings`] says what it means.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};
use trailback_cloudtrail::Limits;

/// Who is really behind a CloudTrail key, role session or event.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colour; `auto` follows the terminal and NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", display_order = 100)]
    pub(crate) color: Colour,

    #[command(flatten)]
    pub(crate) s3: S3,
}

const EXIT_CODES: &str = "Exit codes: 0 found or done; 1 not found, or some log objects were unreadable (each is named); \
                          2 wrong use, or it could not be done.";

/// Where `--color` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read CloudTrail log objects into a lake, and link the sessions
    ///
    /// Reading the same objects again changes nothing; those in S3 that the lake has read already are skipped.
    /// Digests, Insights and aggregated events are skipped and counted; an unreadable object is named, and the others
    /// are read all the same.
    Ingest(Ingest),
    /// Link the sessions of a lake again where something changed
    Link(Link),
    /// Trace a key, session, principal, role or event back to its origin
    #[command(after_help = TRACE_EXAMPLES)]
    Trace(Trace),
    /// Show everything an identity, key or session turned into
    Descendants(Descendants),
    /// List and filter sessions
    Sessions(Sessions),
    /// List the session policies of a lake, or show how two of them differ
    #[command(after_help = POLICIES_EXAMPLES)]
    Policies(Policies),
    /// Ask a saved investigation, or list them
    ///
    /// The same questions that are deployed to Athena, in the same SQL, answered on this machine.
    #[cfg(feature = "investigate")]
    #[command(after_help = INVESTIGATE_EXAMPLES)]
    Investigate(Investigate),
    /// Ask in SQL: tables `sessions` and `log_objects`, and the views of the saved investigations
    #[cfg(feature = "investigate")]
    #[command(after_help = QUERY_EXAMPLES)]
    Query(Query),
    /// The commands of the SQL engine, in a build without it
    #[cfg(not(feature = "investigate"))]
    #[command(
        name = "investigate",
        alias = "query",
        hide = true,
        disable_help_flag = true
    )]
    LeftOut(LeftOut),
    /// Prove with CloudTrail's digests that log objects, and what a lake has read of them, are what was delivered
    ///
    /// Goes along the chain of digests of each account and region, offline: signatures, hashes, what is altered, missing or
    /// was added, and the hours for which nothing can be said. Objects whose hash is in the ledger are not downloaded again.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Show the columns of a table, or its Athena DDL
    Schema(Schema),
}

const VERIFY_EXAMPLES: &str = "Examples:
  aws cloudtrail list-public-keys --start-time 2026-11-01 --end-time 2026-11-30 > keys.json
  trailback verify s3://trail --public-keys keys.json --lake lake --since 2026-11-20
  trailback verify s3://trail --public-keys keys.json --format json > verified.json
  trailback trace ASIAWO645SY5JF6HUBQ3 --lake lake --verified verified.json

Exit codes: 0 all is proven but for what is too recent, 1 something is wrong or not known, 2 wrong use";

#[cfg(feature = "investigate")]
const INVESTIGATE_EXAMPLES: &str = "Examples:
  trailback investigate
  trailback investigate who-is-behind-this-access-key --explain
  trailback investigate who-is-behind-this-access-key --param access_key_id=ASIAWO645SY5JF6HUBQ3 --lake lake";

#[cfg(feature = "investigate")]
const QUERY_EXAMPLES: &str = "Examples:
  trailback query 'SELECT role_arn, count(*) AS sessions FROM sessions_issued GROUP BY role_arn' --lake lake
  trailback query - --lake lake --format csv < question.sql";

const TRACE_EXAMPLES: &str = "Examples:
  trailback trace ASIAWO645SY5JF6HUBQ3 --lake lake
  trailback trace arn:aws:sts::444455556666:assumed-role/ledger-restore/restore-4711 --lake lake
  aws cloudtrail lookup-events --max-results 1 | trailback trace - --lake lake
  trailback trace - --lake lake --format html < finding.json > report.html";

const POLICIES_EXAMPLES: &str = "Examples:
  trailback policies --lake lake --since 2026-11-20
  trailback policies 9e7851b471ce --lake lake
  trailback policies 9e7851b471ce 4f1c2a90d3e8 --lake lake";

/// See [`Command::Ingest`].
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Folders, files or places in S3 (s3://bucket/prefix): log objects, plain or gzip
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) lake: Lake,
    #[command(flatten)]
    pub(crate) delivered: Delivered,
    /// Leave the SHA-256 of each log object's text, as CloudTrail's digests have it, out of the ledger: a quarter of the
    /// time goes into it
    #[arg(long)]
    pub(crate) no_hash: bool,
    /// Read also what the lake has read already: brings back a fragment that was lost or is damaged
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) limits: ReadLimits,
}

/// See [`Command::Link`].
#[derive(Debug, Args)]
pub(crate) struct Link {
    #[command(flatten)]
    pub(crate) lake: Lake,
    /// Build every partition again, as after an upgrade
    #[arg(long)]
    pub(crate) rebuild: bool,
}

/// See [`Command::Trace`].
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// An access key ID, session ARN, principal ID (AROA…:name), user or role ARN, or event ID; `-` reads a
    /// CloudTrail record (or lookup-events output, or an EventBridge event) from standard input
    pub(crate) subject: String,
    #[command(flatten)]
    pub(crate) lake: Lake,
    /// Of several sessions that match, those alive at this time
    #[arg(long, value_name = "TIME", conflicts_with_all = ["since", "until"])]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) period: Period,
    /// Where the subject is not in the lake, search raw log objects here for a call made with it, and
    /// trace that; a folder, file or place in S3
    #[arg(long, value_name = "PATH")]
    pub(crate) logs: Vec<OsString>,
    /// What `verify --format json` wrote: a gap whose time lies in a hole of the logs then says so
    #[arg(long, value_name = "FILE")]
    pub(crate) verified: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub(crate) limits: ReadLimits,
    /// How many matching sessions to show, newest first; 0 shows all (of a subject of `-`, as they come)
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) limit: usize,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = TraceFormat::Text)]
    pub(crate) format: TraceFormat,
}

/// See [`Command::Descendants`].
#[derive(Debug, Args)]
pub(crate) struct Descendants {
    /// As of trace: an access key ID, session ARN, principal ID, user or role ARN, or event ID
    pub(crate) subject: String,
    #[command(flatten)]
    pub(crate) lake: Lake,
    /// Only the subject's issuances at or after this time (UTC), with all that descends from them
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only the subject's issuances at or before this time (UTC), with all that descends from them, later ones too
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// See [`Command::Sessions`].
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    #[command(flatten)]
    pub(crate) lake: Lake,
    /// Only chains that start here: an ARN, a name, or a principal ID
    #[arg(long, value_name = "WHO")]
    pub(crate) origin: Option<String>,
    /// Only sessions of this role: its ARN, or its name
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// Only sessions with this tag in force, its key in any case; repeat for several
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) tag: Vec<String>,
    /// Only sessions under this session policy: a SHA-256, or how it starts
    #[arg(long, value_name = "SHA")]
    pub(crate) policy: Option<String>,
    /// Only sessions without MFA: the origin had none, none was presented on the way, and neither the call nor the caller's session shows any
    #[arg(long)]
    pub(crate) no_mfa: bool,
    /// Only sessions of whose MFA the logs say nothing, as of most services, SAML and OIDC
    #[arg(long, conflicts_with = "no_mfa")]
    pub(crate) mfa_unknown: bool,
    #[command(flatten)]
    pub(crate) period: Period,
    /// How many sessions to show, newest first; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// See [`Command::Policies`].
#[derive(Debug, Args)]
pub(crate) struct Policies {
    /// Only this policy, or two to compare: a SHA-256 as listed, or its first digits
    #[arg(num_args = 0..=2, value_name = "SHA")]
    pub(crate) policies: Vec<String>,
    #[command(flatten)]
    pub(crate) lake: Lake,
    /// Only those of sessions of this role: its ARN, or its name
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    #[command(flatten)]
    pub(crate) period: Period,
    /// How they are written
    #[arg(long, value_enum, default_value_t = PoliciesFormat::Table)]
    pub(crate) format: PoliciesFormat,
}

/// Whatever was typed after a command that this build comes without.
#[cfg(not(feature = "investigate"))]
#[derive(Debug, Args)]
pub(crate) struct LeftOut {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _typed: Vec<OsString>,
}

/// See [`Command::Investigate`].
#[cfg(feature = "investigate")]
#[derive(Debug, Args)]
pub(crate) struct Investigate {
    /// Which investigation; none lists them all
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "LAKE")]
    pub(crate) lake: Option<OsString>,
    /// What the investigation asks for; repeat for several
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// The first day to look at (UTC): 2026-11-20 [default: the lake's first]
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// The last day to look at (UTC) [default: the lake's last]
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<String>,
    /// Only say what it finds, how to read it, what it asks for and what it reads
    #[arg(long, conflicts_with = "sql")]
    pub(crate) explain: bool,
    /// Only print its SQL: as it is saved, or as a prepared statement of Athena
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, default_missing_value = "saved")]
    pub(crate) sql: Option<SqlForm>,
    #[command(flatten)]
    pub(crate) rows: RowOutput,
    #[command(flatten)]
    pub(crate) limits: EngineLimits,
}

/// How the SQL of an investigation is printed.
#[cfg(feature = "investigate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SqlForm {
    /// With its parameters by name
    Saved,
    /// With a question mark wherever a parameter stands
    Athena,
}

/// See [`Command::Query`].
#[cfg(feature = "investigate")]
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// One SELECT; `-` reads it from standard input
    pub(crate) sql: String,
    #[command(flatten)]
    pub(crate) lake: Lake,
    #[command(flatten)]
    pub(crate) rows: RowOutput,
    #[command(flatten)]
    pub(crate) limits: EngineLimits,
}

/// How rows in SQL are written.
#[cfg(feature = "investigate")]
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RowOutput {
    /// A table for people, JSON with one object a line, or CSV
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,
    /// How many rows to show; 0 shows all [default: 100 in a table, else all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// See [`RowOutput`].
#[cfg(feature = "investigate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// Where a table is too wide, a block a row
    Table,
    /// Exact: every character of a log comes back when it is parsed
    Json,
    /// Safe to open: control characters are shown, and text that begins like a formula has a quote before it
    Csv,
}

/// What the engine may use.
#[cfg(feature = "investigate")]
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct EngineLimits {
    /// How much memory sorting, joining and grouping may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub(crate) memory_limit: usize,
    /// How many threads work at once [default: one a processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// See [`Command::Verify`].
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Folders or places in S3 (s3://bucket/prefix) that hold both log objects and digests
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    /// CloudTrail's public keys, as `aws cloudtrail list-public-keys` writes them; once for each region
    #[arg(long, value_name = "FILE", required_unless_present = "no_signatures")]
    pub(crate) public_keys: Vec<std::path::PathBuf>,
    /// Check hashes alone: shows what contradicts itself, and proves nothing
    #[arg(long, conflicts_with = "public_keys")]
    pub(crate) no_signatures: bool,
    /// A lake that has read them: a folder, or s3://bucket/prefix. All that it has read of that time is held against digests
    #[arg(long, value_name = "LAKE")]
    pub(crate) lake: Option<OsString>,
    #[command(flatten)]
    pub(crate) delivered: Delivered,
    /// How many findings to show; 0 shows all, as JSON always does
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) limits: ReadLimits,
    #[command(flatten)]
    pub(crate) format: VerifyFormat,
}

/// How a verification is written.
#[derive(Debug, Args)]
pub(crate) struct VerifyFormat {
    /// Text for people, or one JSON object, which `trace --verified` takes
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub(crate) format: AnswerFormat,
}

/// See [`Command::Schema`].
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which table of the lake
    #[arg(value_enum, value_name = "TABLE", default_value_t = SchemaTable::Sessions)]
    pub(crate) table: SchemaTable,
    /// What to print
    #[arg(long, value_enum, default_value_t = SchemaFormat::Table)]
    pub(crate) format: SchemaFormat,
    /// In the DDL: what to call the table, with its database if wanted [default: the table's own name]
    #[arg(long, value_name = "NAME", alias = "table")]
    pub(crate) name: Option<String>,
    /// In the DDL: where the table's manifests lie [default: s3://BUCKET/PREFIX/TABLE/table/]
    #[arg(long, value_name = "S3")]
    pub(crate) location: Option<String>,
    /// In the DDL: the first day that queries look at
    #[arg(long, value_name = "DAY", default_value = "2026-01-01")]
    pub(crate) first_day: String,
}

/// The days of delivery that are ingested.
#[derive(Debug, Args)]
pub(crate) struct Delivered {
    /// Only log objects delivered on this day (UTC) or later, as far as their names tell: 2026-11-20
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// Only log objects delivered on this day (UTC) or before
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<String>,
}

/// How S3 is reached, beside what AWS's own settings say.
#[derive(Debug, Args)]
#[command(next_help_heading = "S3 (region, credentials and endpoint as for the AWS command line)")]
pub(crate) struct S3 {
    /// Put the bucket into the path, as some S3-compatible servers want it
    #[arg(long, global = true, display_order = 101)]
    pub(crate) s3_path_style: bool,
    /// Encrypt what is written into a lake in S3 with this KMS key, instead of as the bucket says
    #[arg(long, global = true, value_name = "KEY", display_order = 102)]
    pub(crate) s3_kms_key: Option<String>,
}

/// The lake a command works on.
#[derive(Debug, Args)]
pub(crate) struct Lake {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "LAKE")]
    pub(crate) lake: OsString,
}

/// What no log object may exceed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ReadLimits {
    /// How long one record may be, in bytes; parsing takes up to 30 times as much memory
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().record_bytes_max)]
    pub(crate) record_limit: usize,
    /// How much one log object may unpack to, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().unpacked_bytes_max)]
    pub(crate) unpacked_limit: u64,
}

/// The time in which calls are looked for.
#[derive(Debug, Args)]
pub(crate) struct Period {
    /// Only issuances at or after this time (UTC): 2026-11-20, or 2026-11-20T09:00
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only issuances at or before this time (UTC); a day counts to its end
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// How an answer is written.
#[derive(Debug, Args)]
pub(crate) struct Format {
    /// Text for people, or JSON keyed by the table's column names, one object a line
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub(crate) format: AnswerFormat,
}

/// See [`Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    Text,
    Json,
}

/// See [`Policies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoliciesFormat {
    /// For people: with the text laid out, and what it restricts
    Table,
    /// One object a policy and line; of two the difference
    Json,
}

/// See [`Trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// For people at a terminal
    Text,
    /// One object a line, as docs/trace.schema.json has it
    Json,
    /// A flowchart, for tickets and wikis that draw Mermaid
    Mermaid,
    /// A page for the case file, complete in itself: > report.html
    Html,
}

/// See [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaTable {
    /// Temporary credentials, linked to who is behind them
    Sessions,
    /// The ledger: every log object read, and what came of it
    #[value(name = "log_objects", alias = "log-objects")]
    LogObjects,
}

/// See [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFormat {
    /// Every column with its type and meaning
    Table,
    /// CREATE EXTERNAL TABLE for Athena
    AthenaDdl,
    /// Every column as a JSON object a line
    Json,
    /// The JSON Schema of a row; of `sessions` also of what `trace --format json` prints
    JsonSchema,
}
