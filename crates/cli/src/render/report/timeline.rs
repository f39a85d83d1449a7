//! What else the origin held: every session of it around the chain, on one axis of time.

use std::collections::BTreeSet;

use maud::{Markup, html};
use trailback_sessions::{Outcome, Session, SessionType, Text, Timestamp};

use super::super::text::count;
use super::super::words::{account, mfa, moment, origin, outcome, session_name, shown};
use super::Case;
use super::words::{class, code, duration, shortened, time, time_of_day, toned};

/// How many bars are drawn: those of the chain, then those nearest to its end.
const BARS_MAX: usize = 40;

/// How many sessions the table lists, chosen in the same way.
const ROWS_MAX: usize = 200;

/// How much of a text stands in a cell.
const CELL_MAX: usize = 100;

/// Where the bars begin, and how high a row is, in pixels.
const AXIS: usize = 34;
const ROW: usize = 36;

/// How much of a name stands in the heading.
const NAME_MAX: usize = 46;

/// How much of a name stands above a bar, on a wide screen and on a narrow one.
const WIDE_MAX: usize = 90;
const NARROW_MAX: usize = 24;

/// Marks at about this many moments.
const TICKS: i64 = 4;

/// The picture and the table.
pub(super) fn section(case: &Case, number: usize) -> Markup {
    let Some(last) = case.hops.last() else {
        return html! {};
    };
    let own: BTreeSet<&Text> = case
        .hops
        .iter()
        .map(|hop| &hop.issuance.record.event_id)
        .collect();
    let is_session = |row: &&Session| row.issuance.session.session_type != SessionType::Witness;
    let sessions: Vec<&Session> = case.of_origin.sessions.iter().filter(is_session).collect();
    let at = last.issuance.record.event_time;
    let who = shortened(&origin(&last.origin), NAME_MAX);
    html! {
        section.panel.timeline aria-labelledby={ "timeline-" (number) } {
            h2 id={ "timeline-" (number) } {
                @if last.origin.known { "What " (who) " held in that time" } @else { "Chains that stop at " (who) }
            }
            p.lead { (lead(case, &sessions)) }
            @if !sessions.is_empty() {
                (picture(&nearest(&sessions, &own, at, BARS_MAX), &own, number))
                (table(&nearest(&sessions, &own, at, ROWS_MAX), &own))
                @if sessions.len() > ROWS_MAX {
                    p.note {
                        (count((sessions.len() - ROWS_MAX) as u64, "session", "sessions"))
                        " further away in time are not in this table; `trailback descendants` lists all."
                    }
                }
            }
        }
    }
}

fn lead(case: &Case, sessions: &[&Session]) -> Markup {
    let (since, until) = (case.window.since, case.window.until);
    html! {
        (count(sessions.len() as u64, "session", "sessions"))
        @if let (Some(since), Some(until)) = (since, until) { " from " (time(since)) " to " (time(until)) }
        ", whatever the chain between. "
        @if case.of_origin.is_cut { span.warn { "There are more: only the first of them were read. " } }
        @if case.hops.last().is_some_and(|last| last.origin.known) {
            "Sessions whose own chain is open are not among them, even if it may begin here: `trailback descendants` lists them. "
        }
        "Bars run from the moment a session was handed out until it expires, as logged; those of this chain are dark."
    }
}

/// The sessions of the chain, and those nearest to its end, in the order of time.
fn nearest<'s>(
    sessions: &[&'s Session],
    own: &BTreeSet<&Text>,
    at: Timestamp,
    sessions_max: usize,
) -> Vec<&'s Session> {
    let mut nearest = sessions.to_vec();
    nearest.sort_by_key(|session| {
        let record = &session.issuance.record;
        (
            !own.contains(&record.event_id),
            record.event_time.0.abs_diff(at.0),
        )
    });
    nearest.truncate(sessions_max);
    nearest.sort_by_key(|session| place(session));
    nearest
}

fn place(session: &Session) -> (Timestamp, &Text) {
    let record = &session.issuance.record;
    (record.event_time, &record.event_id)
}

/// When a session ends, as logged; a refused call, and one that does not tell, at once.
fn end(session: &Session) -> i64 {
    let start = session.issuance.record.event_time.0;
    let expiry = session.issuance.session.expires_at;
    expiry.map_or(start, |expiry| expiry.0).max(start)
}

/// The span of time that is drawn, in milliseconds.
struct Axis {
    start: i64,
    span: i64,
}

impl Axis {
    fn of(sessions: &[&Session]) -> Axis {
        let starts = sessions
            .iter()
            .map(|session| session.issuance.record.event_time.0);
        let ends = sessions.iter().map(|session| end(session));
        let (start, end) = (starts.min().unwrap_or(0), ends.max().unwrap_or(0));
        // A little room on both sides, for the round ends of bars.
        let room = ((end - start) / 40).max(1_000);
        Axis {
            start: start - room,
            span: end - start + 2 * room,
        }
    }

    /// Where a moment stands: `41.3%`.
    fn x(&self, at: i64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a percent is enough")]
        let share = (at - self.start) as f64 / self.span as f64;
        format!("{:.1}%", share * 100.0)
    }

    /// To which side of its moment a text stands, so that none is cut off at the edges.
    fn anchor(&self, at: i64) -> &'static str {
        match (at - self.start) * 100 / self.span {
            ..15 => "start",
            85.. => "end",
            _ => "middle",
        }
    }

    /// Round moments: whole minutes, hours or days, a few of them.
    fn ticks(&self) -> impl Iterator<Item = Timestamp> {
        const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440, 2880];
        let wanted = self.span / TICKS / 60_000;
        let step = STEPS.into_iter().find(|step| *step >= wanted);
        let step = step.unwrap_or(wanted / 1440 * 1440).max(1) * 60_000;
        let first = (self.start / step + 1) * step;
        let end = self.start + self.span;
        std::iter::successors(Some(first), move |tick| Some(tick + step))
            .take_while(move |tick| *tick < end)
            .map(Timestamp)
    }
}

fn picture(sessions: &[&Session], own: &BTreeSet<&Text>, number: usize) -> Markup {
    let axis = Axis::of(sessions);
    let height = AXIS + ROW * sessions.len() + 8;
    html! {
        svg.times xmlns="http://www.w3.org/2000/svg" width="100%" height=(height) role="img"
            aria-labelledby={ "times-title-" (number) " times-desc-" (number) } {
            title id={ "times-title-" (number) } { "Sessions on an axis of time" }
            desc id={ "times-desc-" (number) } {
                (count(sessions.len() as u64, "session", "sessions")) " over " (duration(axis.span)) "; the table below lists them."
            }
            @for tick in axis.ticks() {
                line.grid x1=(axis.x(tick.0)) x2=(axis.x(tick.0)) y1="24" y2=(height) {}
                text.tick x=(axis.x(tick.0)) y="16" text-anchor=(axis.anchor(tick.0)) { (tick_text(tick)) }
            }
            @for (row, session) in sessions.iter().enumerate() { (bar(session, &axis, AXIS + ROW * row, own)) }
        }
    }
}

/// `09:30`, or the day at midnight.
fn tick_text(at: Timestamp) -> String {
    let time = time_of_day(at);
    match time.trim_end_matches(":00") {
        "00" => moment(at).split(' ').next().unwrap_or_default().to_owned(),
        short if short.len() == 2 => format!("{short}:00"),
        short => short.to_owned(),
    }
}

fn bar(session: &Session, axis: &Axis, y: usize, own: &BTreeSet<&Text>) -> Markup {
    let record = &session.issuance.record;
    let start = record.event_time.0;
    let kind = match (record.outcome, own.contains(&record.event_id)) {
        (Outcome::Failed, _) => "refused",
        (_, true) => "own",
        (_, false) => "other",
    };
    let failed = match record.outcome {
        Outcome::Failed => format!("  {}", outcome(session).0),
        Outcome::Issued | Outcome::Used => String::new(),
    };
    let at = time_of_day(record.event_time);
    let name = session_name(session);
    let (wide, narrow) = (shortened(&name, WIDE_MAX), shortened(&name, NARROW_MAX));
    html! {
        g class=(kind) {
            text.name.wide x="0" y=(y + 12) { (at) (failed) "  " (wide) }
            text.name.narrow x="0" y=(y + 12) { (at) (failed) "  " (narrow) }
            line.bar x1=(axis.x(start)) x2=(axis.x(end(session))) y1=(y + 23) y2=(y + 23) {}
        }
    }
}

fn table(sessions: &[&Session], own: &BTreeSet<&Text>) -> Markup {
    html! {
        table.stack.fixed {
            thead { tr {
                th.of-time scope="col" { "Time (UTC)" } th scope="col" { "Session" } th.of-account scope="col" { "Account" }
                th.of-from scope="col" { "From" } th.of-mfa scope="col" { "MFA" } th.of-outcome scope="col" { "Outcome" }
                th.of-event scope="col" { "Event" }
            } }
            tbody {
                @for session in sessions { (row(session, own.contains(&session.issuance.record.event_id))) }
            }
        }
    }
}

fn row(session: &Session, is_own: bool) -> Markup {
    let record = &session.issuance.record;
    let outcome = outcome(session);
    html! {
        tr class=[is_own.then_some("own")] {
            td data-label="Time (UTC)" { (moment(record.event_time)) }
            td data-label="Session" { span { (shortened(&session_name(session), CELL_MAX)) @if is_own { " " span.badge.accent { "this chain" } } } }
            td data-label="Account" { (account(session)) }
            td data-label="From" { (shortened(&shown(record.source_ip_address.as_ref()), CELL_MAX)) }
            td data-label="MFA" { (toned(&mfa(session))) }
            td data-label="Outcome" class=(class(outcome.1)) { (outcome.0) }
            td data-label="Event" { (code(&record.event_id)) }
        }
    }
}
