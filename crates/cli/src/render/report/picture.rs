//! The chain as a picture: a line runs down from the origin to the subject, through a lane for each account.
//!
//! Drawn in pixels without a view box, so that text keeps its size on every screen: what does not fit on a narrow one is the
//! second column, which is left out there.

use maud::{Markup, html};
use trailback_sessions::{Outcome, Session, Text};

use super::super::remarks::{earlier_hops, hop_name};
use super::super::text::{count, safe};
use super::super::words::{
    self, account_id, is_use, link, mfa, origin, policies, policy_name, shown,
};
use super::words::{class, shortened, time_of_day};
use crate::look::Tone;

/// How far the lanes lie apart, and how much room all of them may take, in pixels.
const LANE_PITCH: usize = 28;
const LANES_WIDTH_MAX: usize = 168;

/// The height of the lane heads and of one row.
const HEAD: usize = 36;
const ROW: usize = 92;

/// How many characters of a text fit beside the lanes, on a wide screen and on a narrow one.
const WIDE_MAX: usize = 48;
const NARROW_MAX: usize = 22;

/// How many characters fit into the second column, on a wide screen and on paper.
const SIDE_MAX: usize = 48;
const SIDE_PAPER_MAX: usize = 24;

/// As many colours as the style has for lanes.
const LANE_COLOURS: usize = 6;

/// The accounts of a chain, in the order in which it reaches them.
struct Lanes(Vec<Option<Text>>);

impl Lanes {
    fn of(hops: &[Session]) -> Lanes {
        let mut accounts: Vec<Option<Text>> = Vec::new();
        let origin = hops.first().map(|first| first.origin.account_id.clone());
        for account in origin
            .into_iter()
            .chain(hops.iter().map(|hop| account_id(hop).cloned()))
        {
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Lanes(accounts)
    }

    fn place(&self, account: Option<&Text>) -> usize {
        let is_it = |lane: &Option<Text>| lane.as_ref() == account;
        self.0.iter().position(is_it).unwrap_or(0)
    }

    fn pitch(&self) -> usize {
        LANE_PITCH.min(LANES_WIDTH_MAX / self.0.len().max(1))
    }

    fn x(&self, lane: usize) -> usize {
        16 + lane * self.pitch()
    }

    /// Where the words begin.
    fn text_x(&self) -> usize {
        self.x(self.0.len().saturating_sub(1)) + 28
    }

    /// `A`, `B`: lanes are told apart without their colours too.
    fn letter(lane: usize) -> char {
        u8::try_from(lane)
            .ok()
            .filter(|lane| *lane < 26)
            .map_or('+', |lane| char::from(b'A' + lane))
    }
}

/// Which lane is which account.
pub(super) fn legend(hops: &[Session]) -> Markup {
    let lanes = Lanes::of(hops);
    let is_known = hops.first().is_some_and(|first| first.origin.known);
    let start = if is_known {
        " where the chain starts"
    } else {
        " where the logs end"
    };
    html! {
        ul.legend {
            @for (lane, account) in lanes.0.iter().enumerate() {
                li class={ "lane-" (lane % LANE_COLOURS) } {
                    span.key aria-hidden="true" { (Lanes::letter(lane)) }
                    @match account {
                        Some(account) => { "account " (safe(account)) }
                        None if is_known && lane == 0 => { "outside of all accounts" }
                        None => { "account not in the logs" }
                    }
                    @if lane == 0 { span.soft { (start) } }
                }
            }
        }
    }
}

/// The picture.
pub(super) fn picture(hops: &[Session], number: usize) -> Markup {
    let lanes = Lanes::of(hops);
    let height = HEAD + ROW * (hops.len() + 1);
    let places = places(hops, &lanes);
    html! {
        svg.chain xmlns="http://www.w3.org/2000/svg" width="100%" height=(height) role="img"
            aria-labelledby={ "chain-title-" (number) " chain-desc-" (number) } {
            title id={ "chain-title-" (number) } { "The chain from its origin to the subject" }
            desc id={ "chain-desc-" (number) } { (description(hops)) }
            @for lane in 0..lanes.0.len() { (lane_band(&lanes, lane, height)) }
            @for pair in places.windows(2) { (connection(pair[0], pair[1])) }
            (start(hops, &lanes, places[0]))
            @for (position, place) in places[1..].iter().enumerate() { (hop(hops, position, &lanes, *place)) }
        }
    }
}

/// Where the origin and every hop stand.
fn places(hops: &[Session], lanes: &Lanes) -> Vec<(usize, usize)> {
    let origin = hops
        .first()
        .and_then(|first| first.origin.account_id.as_ref());
    let accounts = std::iter::once(origin).chain(hops.iter().map(account_id));
    accounts
        .enumerate()
        .map(|(row, account)| (lanes.x(lanes.place(account)), HEAD + ROW * row + 26))
        .collect()
}

/// What the picture shows, for who does not see it.
fn description(hops: &[Session]) -> String {
    let Some(first) = hops.first() else {
        return String::new();
    };
    let start = match first.origin.known {
        true => origin(&first.origin),
        false => format!("a gap beyond {}", origin(&first.origin)),
    };
    let steps = hops.iter().map(|session| {
        format!(
            "{} in account {}",
            words::session_name(session),
            words::account(session)
        )
    });
    let all: Vec<String> = std::iter::once(start).chain(steps).collect();
    all.join(", then ")
}

fn lane_band(lanes: &Lanes, lane: usize, height: usize) -> Markup {
    let x = lanes.x(lane);
    let width = lanes.pitch().min(24) - 2;
    html! {
        g class={ "lane-" (lane % LANE_COLOURS) } {
            rect.band x=(x - width / 2) y="4" width=(width) height=(height - 8) rx=(width / 2) {}
            text.letter x=(x) y="22" text-anchor="middle" { (Lanes::letter(lane)) }
        }
    }
}

fn connection((x, y): (usize, usize), (next_x, next_y): (usize, usize)) -> Markup {
    let middle = (y + next_y) / 2;
    html! {
        path.line d={ "M" (x) " " (y) "C" (x) " " (middle) " " (next_x) " " (middle) " " (next_x) " " (next_y) } {}
    }
}

/// The origin, or the gap in its place.
fn start(hops: &[Session], lanes: &Lanes, (x, y): (usize, usize)) -> Markup {
    let Some(first) = hops.first() else {
        return html! {};
    };
    let is_known = first.origin.known;
    let earlier = earlier_hops(hops);
    let text_x = lanes.text_x();
    let told = match (is_known, earlier) {
        (true, 0) => "origin of the chain".to_owned(),
        (true, _) => format!(
            "{} not shown",
            count(earlier as u64, "earlier hop", "earlier hops")
        ),
        (false, _) => "gap: the logs end here".to_owned(),
    };
    html! {
        g class=(if is_known { "origin" } else { "gap" }) {
            circle.node cx=(x) cy=(y) r="11" {}
            @if is_known {
                circle.head cx=(x) cy=(y - 3) r="3" {}
                path.head d={ "M" (x - 5) " " (y + 6) "a5 5 0 0 1 10 0z" } {}
            } @else {
                text.mark x=(x) y=(y + 5) text-anchor="middle" { "?" }
            }
            (fitting("name", text_x, y - 4, &origin(&first.origin)))
            (fitting("detail", text_x, y + 15, &told))
        }
    }
}

fn hop(hops: &[Session], position: usize, lanes: &Lanes, (x, y): (usize, usize)) -> Markup {
    let session = &hops[position];
    let is_refused = session.issuance.record.outcome == Outcome::Failed;
    let kind = match (is_refused, position + 1 == hops.len()) {
        (true, _) => "hop refused",
        (false, true) => "hop subject",
        (false, false) => "hop",
    };
    let mark = match (is_refused, is_use(session)) {
        (true, _) => "✕".to_owned(),
        (false, true) => "→".to_owned(),
        (false, false) => hop_name(hops, position)
            .trim_start_matches("hop ")
            .to_owned(),
    };
    let (name, detail) = names(session);
    let lane = Lanes::letter(lanes.place(account_id(session)));
    let at = time_of_day(session.issuance.record.event_time);
    let text_x = lanes.text_x();
    html! {
        g class=(kind) {
            circle.node cx=(x) cy=(y) r="11" {}
            text.mark x=(x) y=(y + 4) text-anchor="middle" { (mark) }
            (fitting("name", text_x, y - 4, &name))
            @if let Some(detail) = &detail { (fitting("detail", text_x, y + 15, detail)) }
            text.detail x=(text_x) y=(y + if detail.is_some() { 33 } else { 15 }) { (at) ", account " (lane) }
            g.side { (side(session, y)) }
        }
    }
}

/// A text beside the lanes.
fn fitting(class: &str, x: usize, y: usize, text: &str) -> Markup {
    fitted(class, &x.to_string(), y, text, [WIDE_MAX, NARROW_MAX])
}

/// A text that is cut to a number of characters; where it is long, to another one on narrow screens and paper.
fn fitted(class: &str, x: &str, y: usize, text: &str, characters_max: [usize; 2]) -> Markup {
    let [wide, narrow] = characters_max.map(|most| shortened(text, most));
    html! {
        @if wide == narrow {
            text.(class) x=(x) y=(y) { (wide) }
        } @else {
            text.(class).wide x=(x) y=(y) { (wide) }
            text.(class).narrow x=(x) y=(y) { (narrow) }
        }
    }
}

/// A role and the name its session was given; or what else was handed out.
fn names(session: &Session) -> (String, Option<String>) {
    let facts = &session.issuance.session;
    match (&facts.role_name, &facts.session_name) {
        (Some(role), Some(name)) if !is_use(session) => {
            (safe(role), Some(format!("session {}", safe(name))))
        }
        _ => (words::session_name(session), None),
    }
}

/// The second column, on wide screens.
fn side(session: &Session, y: usize) -> Markup {
    let (link, link_tone) = link(session);
    let (mfa, mfa_tone) = match is_use(session) {
        true => (String::new(), Tone::Dim),
        false => mfa(session),
    };
    let address = shown(session.issuance.record.source_ip_address.as_ref());
    let policies = policies(session, policy_name);
    let fitted = |y, text: &str| fitted("detail", "56%", y, text, [SIDE_MAX, SIDE_PAPER_MAX]);
    html! {
        (fitted(y - 4, &format!("from {address}")))
        text.detail x="56%" y=(y + 15) {
            "link: " tspan class=(class(link_tone)) { (link) }
            @if !mfa.is_empty() { tspan { "   MFA: " } tspan class=(class(mfa_tone)) { (mfa) } }
        }
        @if !policies.is_empty() { (fitted(y + 33, &format!("policy {}", policies.join(", ")))) }
    }
}
