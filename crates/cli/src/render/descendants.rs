//! Descendants: what an identity, key or session turned into, as a tree by parents.

use std::collections::{BTreeMap, BTreeSet};

use trailback_sessions::{Outcome, Session, Text, Timestamp};

use super::page::Page;
use super::text::{count, safe};
use super::words::{
    ABSENT, account, is_use, link, mfa, moment, named_origin, outcome, session_name, shown,
};
use crate::look::{Look, Tone};

/// How far the tree is indented; deeper generations stand at the same edge.
const INDENTED_GENERATIONS_MAX: usize = 12;

/// The sessions as a tree: `sessions` holds the subject's own rows and all that descends from them, in any order.
pub(crate) fn render(subject: &str, sessions: &[Session], look: Look) -> String {
    let mut page = Page::new(look);
    let mut known = Known::new();
    for session in sessions {
        let event_id = &session.issuance.record.event_id;
        known.entry(event_id).or_default().push(session);
    }
    let (mut possible, certain): (Vec<_>, Vec<_>) = sessions
        .iter()
        .partition(|session| may_descend(session, &known));
    possible.sort_by_key(|session| place(session));
    let roots = roots(&certain, &known);
    heading(&mut page, subject, sessions, possible.len());
    let children = children(&certain);
    let mut tree = Tree {
        page,
        children,
        seen: BTreeSet::new(),
    };
    for root in roots {
        tree.page.gap("");
        tree.branch(root);
    }
    for root in possible {
        tree.page.gap("");
        let text = format!(
            "may descend from it as well: {} fit, not all of them above, and the logs do not tell which it was",
            count(root.link.candidates.len() as u64, "issuance", "issuances")
        );
        tree.page.paragraph(&(text, Tone::Bad));
        tree.branch(root);
    }
    tree.page.into_text()
}

/// The rows by their event IDs, which in altered or foreign logs may be in two accounts.
type Known<'a> = BTreeMap<&'a Text, Vec<&'a Session>>;

/// Whether some candidates for a row's parent are among the rows, and others are not.
fn may_descend(row: &Session, known: &Known<'_>) -> bool {
    let mut candidates = row.link.candidates.iter();
    let is_known = |id: &Text| known.contains_key(id);
    candidates.clone().any(is_known) && !candidates.all(is_known)
}

fn heading(page: &mut Page, subject: &str, sessions: &[Session], possible: usize) {
    page.paragraph(&(format!("What did {} turn into?", safe(subject)), Tone::Dim));
    let mut accounts: Vec<String> = sessions.iter().map(account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let perhaps = match possible {
        0 => "",
        _ => ", not all of them for certain",
    };
    let text = format!(
        "{} in {}{perhaps}",
        numbers(sessions),
        count(accounts.len() as u64, "account", "accounts")
    );
    page.paragraph(&(text, Tone::Strong));
}

/// `2 issuances and 1 failed call`: what was asked for in vain is no session, and a call that only tells of one hands out nothing.
fn numbers(sessions: &[Session]) -> String {
    let failed = |session: &&Session| session.issuance.record.outcome == Outcome::Failed;
    let (failed, others): (Vec<&Session>, Vec<&Session>) = sessions.iter().partition(failed);
    let uses = others.iter().filter(|session| is_use(session)).count();
    let rest = [
        (failed.len(), "failed call", "failed calls"),
        (
            uses,
            "call that only tells of a session",
            "calls that only tell of a session",
        ),
    ];
    let mut text = count((others.len() - uses) as u64, "issuance", "issuances");
    for (number, one, many) in rest.into_iter().filter(|(number, ..)| *number > 0) {
        text += &format!(" and {}", count(number as u64, one, many));
    }
    text
}

/// The rows whose parent is not among the rows, oldest first.
fn roots<'a>(certain: &[&'a Session], known: &Known<'_>) -> Vec<&'a Session> {
    let has_parent = |session: &Session| {
        let parent_event_id = session.link.parent_event_id.as_ref();
        let parents = parent_event_id.and_then(|id| known.get(id));
        let mut parents = parents.into_iter().flatten();
        parents.any(|parent| session.comes_from(parent))
    };
    let roots = certain.iter().copied();
    let mut roots: Vec<&Session> = roots.filter(|session| !has_parent(session)).collect();
    roots.sort_by_key(|session| place(session));
    roots
}

/// The rows with a parent, by its event ID.
fn children<'a>(certain: &[&'a Session]) -> BTreeMap<&'a Text, Vec<&'a Session>> {
    let mut children: BTreeMap<&Text, Vec<&Session>> = BTreeMap::new();
    for session in certain.iter().copied() {
        if let Some(parent) = &session.link.parent_event_id {
            children.entry(parent).or_default().push(session);
        }
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|session| place(session));
    }
    children
}

/// What tells a row from all others, in the order of time.
type Place<'a> = (Timestamp, &'a Text, Option<&'a Text>);

fn place(session: &Session) -> Place<'_> {
    let record = &session.issuance.record;
    (
        record.event_time,
        &record.event_id,
        record.recipient_account_id.as_ref(),
    )
}

/// Who started it, and how far back.
fn start(root: &Session) -> String {
    let who = named_origin(root);
    let who = if root.origin.known {
        who
    } else {
        format!("not known, beyond {who}")
    };
    match u64::try_from(root.chain.depth) {
        Ok(hops @ 1..) => format!("{who}, {} earlier", count(hops, "hop", "hops")),
        _ => who,
    }
}

struct Tree<'a> {
    page: Page,
    children: BTreeMap<&'a Text, Vec<&'a Session>>,
    seen: BTreeSet<Place<'a>>,
}

/// One row that is still to be printed: how deep it stands, and what leads to it.
struct Twig<'a> {
    session: &'a Session,
    generation: usize,
    lead: String,
    is_last: bool,
}

impl<'a> Tree<'a> {
    /// Prints a row and all below it; a list instead of recursion, because chains may be thousands of hops long.
    fn branch(&mut self, root: &'a Session) {
        let tone = if root.origin.known {
            Tone::Plain
        } else {
            Tone::Bad
        };
        self.page.paragraph(&(start(root), tone));
        let mut waiting = vec![Twig {
            session: root,
            generation: 0,
            lead: String::new(),
            is_last: true,
        }];
        while let Some(twig) = waiting.pop() {
            if !self.seen.insert(place(twig.session)) {
                continue;
            }
            self.row(&twig);
            let children = self.children.get(&twig.session.issuance.record.event_id);
            let children = children.into_iter().flatten().copied();
            let children: Vec<&Session> = children
                .filter(|child| child.comes_from(twig.session))
                .collect();
            let lead = if twig.generation >= INDENTED_GENERATIONS_MAX {
                twig.lead.clone()
            } else {
                format!("{}{}", twig.lead, if twig.is_last { "   " } else { "│  " })
            };
            for (number, child) in children.iter().copied().enumerate().rev() {
                let is_last = number + 1 == children.len();
                waiting.push(Twig {
                    session: child,
                    generation: twig.generation + 1,
                    lead: lead.clone(),
                    is_last,
                });
            }
        }
    }

    fn row(&mut self, twig: &Twig<'a>) {
        let session = twig.session;
        let first = format!("{}{}", twig.lead, if twig.is_last { "└─ " } else { "├─ " });
        let rest = format!("{}{}", twig.lead, if twig.is_last { "   " } else { "│  " });
        let (outcome, outcome_tone) = outcome(session);
        let head = format!("{}  account {}", session_name(session), account(session));
        let tone = if outcome_tone == Tone::Bad {
            Tone::Bad
        } else {
            Tone::Strong
        };
        self.page.branch(&first, &rest, &(head, tone));
        let mut facts = vec![format!(
            "{} UTC",
            moment(session.issuance.record.event_time)
        )];
        let key = session.issuance.session.access_key_id.as_ref();
        facts.push(key.map_or_else(|| outcome.clone(), |key| format!("{outcome} {}", safe(key))));
        facts.push(format!(
            "from {}",
            shown(session.issuance.record.source_ip_address.as_ref())
        ));
        let (mfa, _) = mfa(session);
        facts.extend((mfa != ABSENT).then(|| format!("MFA {mfa}")));
        facts.push(link(session).0);
        self.page
            .branch(&rest, &rest, &(facts.join(", "), Tone::Dim));
    }
}
