//! `trace -`: who made the calls whose records come on standard input, and who is behind what findings name?

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::ops::ControlFlow;

use miette::IntoDiagnostic;
use tokio::sync::mpsc::{self, Receiver, Sender};
use trailback_cloudtrail::Record;
use trailback_pipeline::find::{TimeRange, link_records};
use trailback_pipeline::lake::Lake;
use trailback_sessions::{Issuance, Session, Timestamp, extract, observe};

use super::alert;
use super::show::Shown;
use crate::finding::Finding;
use crate::raw_record::{self, NoRecord, Pasted};
use crate::{args, output};

/// What is asked about: a call, or a finding.
pub(super) enum Asked {
    /// A call.
    Call(Box<Issuance>),
    /// A finding.
    Finding(Box<Finding>),
}

impl Asked {
    fn at(&self) -> Timestamp {
        match self {
            Asked::Call(call) => call.record.event_time,
            Asked::Finding(finding) => finding.last_seen.or(finding.first_seen).unwrap_or_default(),
        }
    }

    /// Whether the call, or some of the time of the finding, is in the time asked for.
    fn is_within(&self, range: &TimeRange) -> bool {
        let (first, last) = match self {
            Asked::Call(_) => (self.at(), self.at()),
            Asked::Finding(finding) => match finding.first_seen.or(finding.last_seen) {
                Some(first) => (first, finding.last_seen.unwrap_or(first)),
                None => return true,
            },
        };
        range.since.is_none_or(|since| since <= last)
            && range.until.is_none_or(|until| first < until)
    }
}

/// How many records are linked at once: they share their look-ups, and a Bloom filter is not asked for more values.
const RECORDS_AT_ONCE: usize = 256;

/// Traces the records: the newest of them, or all as they come.
pub(super) async fn run(
    lake: &Lake,
    typed: &args::Trace,
    range: TimeRange,
    shown: &mut Shown<'_>,
) -> miette::Result<()> {
    let mut calls = read_standard_input(range);
    if typed.limit > 0 {
        let (newest, left_out) = newest(&mut calls, typed.limit).await?;
        shown.left_out = left_out;
        if newest.is_empty() {
            tell_none_of_the_time();
        }
        return link_and_show(lake, newest, shown).await;
    }
    let mut batch = Vec::with_capacity(RECORDS_AT_ONCE);
    let mut is_any = false;
    while calls.recv_many(&mut batch, RECORDS_AT_ONCE).await > 0 {
        is_any = true;
        let (read, failure) = until_failure(batch.drain(..));
        link_and_show(lake, read, shown).await?;
        failure.map_or(Ok(()), Err)?;
    }
    if !is_any {
        tell_none_of_the_time();
    }
    Ok(())
}

/// Nothing at all is told as a failure, so that there was something.
fn tell_none_of_the_time() {
    output::tell("nothing on standard input is of the time asked for (--since, --until)");
}

/// The calls before the first failure, and the failure.
fn until_failure(
    calls: impl Iterator<Item = Result<Asked, NoRecord>>,
) -> (Vec<Asked>, Option<NoRecord>) {
    let mut read = Vec::new();
    for call in calls {
        match call {
            Ok(call) => read.push(call),
            Err(failure) => return (read, Some(failure)),
        }
    }
    (read, None)
}

/// The newest calls, newest first, and how many older ones there were.
async fn newest(
    calls: &mut Receiver<Result<Asked, NoRecord>>,
    limit: usize,
) -> Result<(Vec<Asked>, usize), NoRecord> {
    let mut kept: BTreeMap<(Timestamp, usize), Asked> = BTreeMap::new();
    let mut count = 0;
    while let Some(call) = calls.recv().await {
        let call = call?;
        kept.insert((call.at(), count), call);
        count += 1;
        if kept.len() > limit {
            kept.pop_first();
        }
    }
    let left_out = count - kept.len();
    Ok((kept.into_values().rev().collect(), left_out))
}

/// Calls share their look-ups; findings are looked up one after the other.
async fn link_and_show(
    lake: &Lake,
    asked: Vec<Asked>,
    shown: &mut Shown<'_>,
) -> miette::Result<()> {
    let (mut calls, mut findings) = (Vec::new(), Vec::new());
    for asked in asked {
        match asked {
            Asked::Call(call) => calls.push(*call),
            Asked::Finding(finding) => findings.push(*finding),
        }
    }
    let mut calls = calls.into_iter().peekable();
    while calls.peek().is_some() {
        let batch = calls.by_ref().take(RECORDS_AT_ONCE).collect();
        let sessions: Vec<Session> = link_records(lake, batch).await.into_diagnostic()?;
        shown.show(lake, sessions).await?;
    }
    for finding in &findings {
        alert::trace(lake, finding, shown).await?;
    }
    Ok(())
}

/// Reads while others are linked: records as issuances where they are such, else as uses of the caller's session.
fn read_standard_input(range: TimeRange) -> Receiver<Result<Asked, NoRecord>> {
    if std::io::stdin().is_terminal() {
        output::tell(
            "paste a CloudTrail record or a finding, then press Ctrl-D on a line of its own",
        );
    }
    let (to_taker, taker) = mpsc::channel(RECORDS_AT_ONCE);
    // A thread that nothing waits for: who gives the records may keep standard input open when enough was seen.
    std::thread::spawn(move || {
        let mut take = |pasted| match understand(pasted) {
            Ok(asked) if !asked.is_within(&range) => ControlFlow::Continue(()),
            asked => hand_on(&to_taker, asked),
        };
        if let Err(failure) = raw_record::read(std::io::stdin().lock(), &mut take) {
            let _ = to_taker.blocking_send(Err(failure));
        }
    });
    taker
}

/// Hands a call on; stops after one that cannot be understood, and when nobody takes them any more.
fn hand_on(
    to_taker: &Sender<Result<Asked, NoRecord>>,
    call: Result<Asked, NoRecord>,
) -> ControlFlow<()> {
    let is_last = call.is_err();
    match to_taker.blocking_send(call) {
        Ok(()) if !is_last => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

fn understand(pasted: Pasted) -> Result<Asked, NoRecord> {
    let mut json = match pasted {
        Pasted::Record(json) => json,
        Pasted::Finding(finding) => return Ok(Asked::Finding(Box::new(finding))),
    };
    let record = Record::parse(&mut json).map_err(NoRecord::NotRead)?;
    let issuance = extract(&record).map_err(NoRecord::NotUsable)?;
    let issuance = issuance.map_or_else(|| observe(&record).map_err(NoRecord::NotUsable), Ok)?;
    Ok(Asked::Call(Box::new(issuance)))
}
