//! A trace as a Mermaid flowchart: accounts are subgraphs, links carry their evidence.
//!
//! Mermaid has no escape of its own: it reads `#…;` as a character, and markup in a label may reach the page that draws it. So
//! a label keeps letters, digits and a few harmless marks, and everything else becomes the number of its character.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use trailback_sessions::{Outcome, Session, Text};

use super::remarks::earlier_hops;
use super::text::{count, safe};
use super::trace::Trail;
use super::words::{account, account_id, call, is_use, link, moment, origin, session_name};

/// How much of a name stands in a box.
const LABEL_MAX: usize = 120;

/// The chains of some sessions as one flowchart; steps that they share are drawn once.
pub(crate) fn render(trails: &[Trail<'_>]) -> String {
    let mut chart = Chart::default();
    for trail in trails {
        chart.add(trail.hops);
    }
    chart.into_text()
}

/// Boxes by account, arrows between them.
#[derive(Default)]
struct Chart<'a> {
    accounts: Vec<(Option<&'a Text>, Vec<String>)>,
    arrows: Vec<String>,
    numbers: BTreeMap<Place<'a>, usize>,
    drawn: BTreeSet<(usize, usize)>,
    classes: Vec<String>,
}

/// What a box is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Start(&'a Text),
    Hop(&'a Text),
}

impl<'a> Chart<'a> {
    fn add(&mut self, hops: &'a [Session]) {
        let Some(first) = hops.first() else {
            return;
        };
        let mut before = self.start(first, earlier_hops(hops));
        for (position, session) in hops.iter().enumerate() {
            let number = self.hop(session, position + 1 == hops.len());
            if self.drawn.insert((before, number)) {
                let label = escaped(&link(session).0);
                self.arrows
                    .push(format!("  n{before} -->|\"{label}\"| n{number}\n"));
            }
            before = number;
        }
    }

    /// The origin, or the gap.
    fn start(&mut self, first: &'a Session, earlier: usize) -> usize {
        let place = Place::Start(&first.origin.event_id);
        let account = first.origin.account_id.as_ref();
        let who = escaped(&origin(&first.origin));
        let label = match (first.origin.known, earlier) {
            (true, 0) => who,
            (false, 0) => format!("gap: {who}"),
            (_, earlier) => {
                let hops = count(earlier as u64, "earlier hop", "earlier hops");
                format!("{who}<br>{}", escaped(&format!("{hops} not shown")))
            }
        };
        let class = if first.origin.known { "origin" } else { "gap" };
        self.node(place, account, &format!("([\"{label}\"])"), class)
    }

    fn hop(&mut self, session: &'a Session, is_subject: bool) -> usize {
        let record = &session.issuance.record;
        let at = moment(record.event_time);
        let name = match is_use(session) {
            true => format!("{} in account {}", call(session), account(session)),
            false => session_name(session),
        };
        let label = format!("{}<br>{}", escaped(&name), escaped(&at));
        let class = match (record.outcome, is_subject) {
            (Outcome::Failed, _) => "refused",
            (_, true) => "subject",
            (_, false) => "hop",
        };
        let place = Place::Hop(&record.event_id);
        self.node(place, account_id(session), &format!("[\"{label}\"]"), class)
    }

    /// A box, or the one that is there already.
    fn node(
        &mut self,
        place: Place<'a>,
        account: Option<&'a Text>,
        shape: &str,
        class: &str,
    ) -> usize {
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(place, number);
        let node = format!("n{number}{shape}");
        match self.accounts.iter_mut().find(|(of, _)| *of == account) {
            Some((_, nodes)) => nodes.push(node),
            None => self.accounts.push((account, vec![node])),
        }
        self.classes.push(format!("  class n{number} {class}\n"));
        number
    }

    fn into_text(self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (number, (account, nodes)) in self.accounts.iter().enumerate() {
            let name = account.map_or_else(
                || "account not in the logs".to_owned(),
                |account| format!("account {}", escaped(account)),
            );
            // A String takes every write.
            let _ = writeln!(text, "  subgraph a{number}[\"{name}\"]");
            for node in nodes {
                let _ = writeln!(text, "    {node}");
            }
            text += "  end\n";
        }
        text.extend(self.arrows);
        text += "  classDef origin stroke-width:3px\n";
        text += "  classDef hop stroke-width:1px\n";
        text += "  classDef subject stroke:#2350b8,stroke-width:3px\n";
        text += "  classDef gap stroke:#b3261e,stroke-dasharray:4 3\n";
        text += "  classDef refused stroke:#b3261e,stroke-width:2px\n";
        text.extend(self.classes);
        text
    }
}

/// A label that Mermaid, and the page it is drawn on, take for nothing but text.
fn escaped(text: &str) -> String {
    let mut label = String::new();
    for (number, character) in safe(text).chars().enumerate() {
        if number == LABEL_MAX {
            label.push('…');
            break;
        }
        match character {
            c if c.is_alphanumeric() || " .,:/@=+_-()".contains(c) => label.push(c),
            // A String takes every write.
            c => drop(write!(label, "#{};", u32::from(c))),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::super::{stories, trace::Trail};
    use super::{escaped, render};

    fn drawn(hops: &[trailback_sessions::Session]) -> String {
        render(&[Trail {
            subject: "ASIA",
            hops,
            ..Trail::default()
        }])
    }

    #[test]
    fn a_chain_is_a_flowchart_with_accounts_as_subgraphs() {
        insta::assert_snapshot!(drawn(&stories::cross_account_chain()));
    }

    #[test]
    fn a_gap_and_a_refused_call_stand_out() {
        insta::assert_snapshot!("vendor_gap", drawn(&stories::vendor_gap()));
        insta::assert_snapshot!("refused", drawn(&stories::identity_center_refused()));
    }

    #[test]
    fn chains_that_share_steps_are_one_chart() {
        let hops = stories::cross_account_chain();
        let (all, first) = (&hops[..], &hops[..2]);
        let trails = [all, first].map(|hops| Trail {
            subject: "ASIA",
            hops,
            ..Trail::default()
        });
        assert_eq!(render(&trails).matches("-->").count(), 3);
    }

    #[test]
    fn what_an_attacker_chose_is_nothing_but_text() {
        let hostile = "\"]; click a \"javascript:x\" <script>alert(1)</script> %%{init: {}}%% `md` &amp; #35; \u{1b}[2J\u{202e}\nend";
        let label = escaped(hostile);
        let is_plain = |c: char| c.is_alphanumeric() || " .,:/@=+_-()#;…".contains(c);
        assert!(label.chars().all(is_plain), "{label}");
        assert!(!label.contains("#35;35;"), "{label}");
        insta::assert_snapshot!(drawn(&stories::hostile()));
    }
}
