//! `trailback-simulate`: writes a simulated organisation as a tree of log objects.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use trailback_simulator::{Digests, Folder, Plan, Tally, Tampering, public_keys, simulate, tamper};

/// Writes an organisation's CloudTrail, and the truth about every session in it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder to write log objects to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A file for the truth about every issuing call, JSON lines
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// A file for a sample of uses with their truth, JSON lines
    #[arg(long, value_name = "FILE")]
    uses: Option<PathBuf>,
    /// What to start from
    #[arg(long, value_enum, default_value = "day")]
    preset: Preset,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Issuing calls and witnesses
    #[arg(long)]
    calls: Option<u64>,
    /// Their share of all records, above 0 and at most 1
    #[arg(long, value_name = "SHARE")]
    sts_share: Option<f64>,
    /// The first moment of the logs, RFC 3339
    #[arg(long, value_name = "TIME")]
    start: Option<jiff::Timestamp>,
    /// How long the logs last
    #[arg(long, value_name = "HOURS")]
    hours: Option<i64>,
    /// Accounts of the organisation
    #[arg(long)]
    accounts: Option<usize>,
    /// Regions in use
    #[arg(long)]
    regions: Option<usize>,
    /// IAM users per account
    #[arg(long)]
    users: Option<usize>,
    /// The share of records delivered twice
    #[arg(long, value_name = "SHARE")]
    duplicates: Option<f64>,
    /// The share of records delivered late
    #[arg(long, value_name = "SHARE")]
    late: Option<f64>,
    /// Minutes between deliveries
    #[arg(long, value_name = "MINUTES")]
    delivery_minutes: Option<i64>,
    /// The share of uses of sessions told with their truth
    #[arg(long, value_name = "SHARE")]
    uses_told: Option<f64>,
    /// Write the digests of log file validation too, which say that all lies in this bucket
    #[arg(long, value_name = "BUCKET")]
    digests: Option<String>,
    /// A file for the public key that checks the digests, as `aws cloudtrail list-public-keys` writes it
    #[arg(long, value_name = "FILE", requires = "digests")]
    public_keys: Option<PathBuf>,
    /// A file for the signature of each digest, which S3 keeps as metadata: key and signature, a line each
    #[arg(long, value_name = "FILE", requires = "digests")]
    signatures: Option<PathBuf>,
    /// Tamper with what was written; tells with what
    #[arg(long, value_enum, value_name = "HOW", requires = "digests")]
    tamper: Vec<Tampering>,
}

/// Named plans.
#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// Half a day of a few accounts
    Small,
    /// A day of a dozen accounts
    Day,
    /// Three days of a large organisation
    Organisation,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let base = match self.preset {
            Preset::Small => Plan::small(self.seed),
            Preset::Day => Plan {
                seed: self.seed,
                ..Plan::default()
            },
            Preset::Organisation => Plan::organisation(self.seed),
        };
        Plan {
            seed: self.seed,
            calls: self.calls.unwrap_or(base.calls),
            sts_share: self.sts_share.unwrap_or(base.sts_share),
            start: self.start.map_or(base.start, jiff::Timestamp::as_second),
            duration: self.hours.map_or(base.duration, |hours| hours * 3_600),
            accounts: self.accounts.unwrap_or(base.accounts),
            regions: self.regions.unwrap_or(base.regions),
            users: self.users.unwrap_or(base.users),
            duplicates: self.duplicates.unwrap_or(base.duplicates),
            late: self.late.unwrap_or(base.late),
            delivery_minutes: self.delivery_minutes.unwrap_or(base.delivery_minutes),
            uses_told: self.uses_told.unwrap_or(base.uses_told),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = arguments.plan();
    ensure!(
        plan.sts_share > 0.0 && plan.sts_share <= 1.0,
        "--sts-share must be above 0 and at most 1"
    );
    let mut folder = Folder::create(
        &arguments.out,
        arguments.truth.as_deref(),
        arguments.uses.as_deref(),
    )
    .with_context(|| format!("cannot write to {}", arguments.out.display()))?;
    let tally = match &arguments.digests {
        Some(bucket) => simulate_validated(&plan, &mut folder, bucket, &arguments)?,
        None => simulate(&plan, &mut folder).context("cannot write a log object")?,
    };
    folder.finish().context("cannot write the truth")?;
    summarise(&tally).context("cannot write to standard output")?;
    for how in &arguments.tamper {
        let tampered = tamper(&arguments.out, *how).context("cannot tamper")?;
        let mut out = std::io::stdout().lock();
        for key in tampered.log_objects.iter().chain(&tampered.digests) {
            writeln!(out, "tampered with    {key}")?;
        }
    }
    Ok(())
}

/// Simulates with log file validation on.
fn simulate_validated(
    plan: &Plan,
    folder: &mut Folder,
    bucket: &str,
    arguments: &Arguments,
) -> anyhow::Result<Tally> {
    let mut digests = Digests::before(folder, bucket)?;
    let tally = simulate(plan, &mut digests).context("cannot write a log object")?;
    let signatures = digests.finish().context("cannot write a digest")?;
    if let Some(path) = &arguments.public_keys {
        std::fs::write(path, public_keys()?).context("cannot write the public key")?;
    }
    if let Some(path) = &arguments.signatures {
        let lines = signatures
            .iter()
            .map(|(key, signature)| format!("{key} {signature}\n"));
        std::fs::write(path, lines.collect::<String>()).context("cannot write the signatures")?;
    }
    Ok(tally)
}

fn summarise(tally: &Tally) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "calls            {}", tally.calls)?;
    writeln!(out, "records          {}", tally.records)?;
    writeln!(out, "  issuing        {}", tally.issuing_records)?;
    writeln!(out, "  other          {}", tally.other_records)?;
    writeln!(out, "delivered twice  {}", tally.repeated)?;
    writeln!(out, "delivered late   {}", tally.late)?;
    writeln!(out, "objects          {}", tally.objects)?;
    writeln!(out, "unpacked bytes   {}", tally.unpacked_bytes)?;
    writeln!(out, "uses told        {}", tally.uses_told)
}
