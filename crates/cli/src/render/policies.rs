//! Session policies of a lake: a list with their texts, and the difference of two.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::page::Page;
use super::policy::{NARROWS, in_words, laid_out};
use super::text::{count, safe};
use super::words::{moment, policy_name};
use crate::look::{Look, Tone};
use crate::policies::Used;

/// How many roles of a policy are named.
const ROLES_MAX: usize = 10;

/// How many lines around a change are shown.
const CONTEXT_LINES: usize = 3;

/// The policies, the most used first.
pub(crate) fn render(used: &[Used], look: Look) -> String {
    let mut page = Page::new(look);
    page.paragraph(&(
        count(used.len() as u64, "session policy", "session policies"),
        Tone::Strong,
    ));
    for used in used {
        page.gap("");
        one(&mut page, used);
    }
    page.gap("");
    page.paragraph(&(NARROWS.to_owned(), Tone::Dim));
    page.into_text()
}

fn one(page: &mut Page, used: &Used) {
    let policy = &used.policy;
    page.paragraph(&(format!("policy {}", hash(used)), Tone::Accent));
    if hash(used) != scope(used) {
        let with = match policy.session_policy_arns.is_empty() {
            true => "session scope",
            false => "session scope, its managed policies included,",
        };
        page.bullet("  ", &(format!("{with} {}", scope(used)), Tone::Dim));
    }
    let mut facts = vec![count(used.sessions, "session", "sessions")];
    facts.extend(
        (used.refused > 0).then(|| format!("{} failed", count(used.refused, "call", "calls"))),
    );
    facts.push(match used.first_seen == used.last_seen {
        true => format!("on {} UTC", moment(used.first_seen)),
        false => format!(
            "first {} UTC, last {} UTC",
            moment(used.first_seen),
            moment(used.last_seen)
        ),
    });
    page.bullet("  ", &(facts.join(", "), Tone::Strong));
    for (role, number) in used.roles.iter().take(ROLES_MAX) {
        page.bullet(
            "  ",
            &(format!("by {} ({number})", safe(role)), Tone::Plain),
        );
    }
    if used.roles.len() > ROLES_MAX {
        let more = count(
            (used.roles.len() - ROLES_MAX) as u64,
            "more role",
            "more roles",
        );
        page.bullet("  ", &(format!("and {more}"), Tone::Dim));
    }
    let sentences = policy.session_policy.as_deref().map(in_words);
    for sentence in sentences.unwrap_or_default() {
        page.bullet("  - ", &(sentence, Tone::Plain));
    }
    for arn in &policy.session_policy_arns {
        let arn = safe(arn);
        let sentence = format!(
            "Allows what the managed policy {} allows ({arn}).",
            policy_name(&arn)
        );
        page.bullet("  - ", &(sentence, Tone::Plain));
    }
    if let Some(text) = &policy.session_policy {
        page.verbatim("    ", &laid_out(text), Tone::Dim);
    }
}

/// The hash that a trace shows: of the inline policy; without one, of the whole scope.
fn hash(used: &Used) -> String {
    let policy = &used.policy;
    let hash = policy.session_policy_sha256.as_ref();
    let hash = hash.or(policy.session_scope_sha256.as_ref());
    hash.map_or_else(String::new, |hash| safe(hash))
}

/// The hash that no other policy has.
fn scope(used: &Used) -> String {
    let scope = used.policy.session_scope_sha256.as_ref();
    scope.map_or_else(String::new, |scope| safe(scope))
}

/// A policy as data.
pub(crate) fn as_json(used: &Used) -> Value {
    let policy = &used.policy;
    json!({
        "session_scope_sha256": policy.session_scope_sha256.as_deref(),
        "session_policy_sha256": policy.session_policy_sha256.as_deref(),
        "session_policy_arns": policy.session_policy_arns.iter().map(|arn| &**arn).collect::<Vec<_>>(),
        "session_policy": policy.session_policy.as_deref(),
        "restricts": policy.session_policy.as_deref().map(in_words),
        "sessions": used.sessions,
        "refused": used.refused,
        "roles": used.roles.iter().map(|(role, number)| (role.to_string(), json!(number))).collect::<serde_json::Map<_, _>>(),
        "first_seen": used.first_seen.to_string(),
        "last_seen": used.last_seen.to_string()
    })
}

/// Why a hash does not name a policy: none starts so, or several do.
pub(crate) fn not_one(typed: &str, fit: &[&Used]) -> String {
    if fit.is_empty() {
        return format!(
            "no session policy of this lake has a hash that starts with {}",
            safe(typed)
        );
    }
    let mut lines = vec![format!(
        "{} names {}; give more digits, or the hash of one:",
        safe(typed),
        count(fit.len() as u64, "session policy", "session policies")
    )];
    lines.extend(fit.iter().map(|used| {
        let sessions = count(used.sessions, "session", "sessions");
        let last = moment(used.last_seen);
        format!("  {}, {sessions}, last {last} UTC", scope(used))
    }));
    lines.join("\n")
}

/// Two policies, line by line.
pub(crate) struct Difference {
    hashes: [String; 2],
    texts: [String; 2],
}

impl Difference {
    /// Of a policy and the one to compare it with.
    pub(crate) fn of(before: &Used, after: &Used) -> Difference {
        Difference {
            hashes: match hash(before) == hash(after) {
                true => [before, after].map(scope),
                false => [before, after].map(hash),
            },
            texts: [before, after].map(whole_text),
        }
    }

    /// The lines that differ, with some around them.
    pub(crate) fn render(&self, look: Look) -> String {
        let [before, after] = &self.hashes;
        let mut text = look.paint(Tone::Bad, &format!("- {before}")) + "\n";
        text += &(look.paint(Tone::Good, &format!("+ {after}")) + "\n");
        let difference = TextDiff::from_lines(&*self.texts[0], &*self.texts[1]);
        let groups = difference.grouped_ops(CONTEXT_LINES);
        if groups.is_empty() {
            return text + "\nThe two restrict the same.\n";
        }
        for group in groups {
            text.push('\n');
            for change in group.iter().flat_map(|part| difference.iter_changes(part)) {
                let (mark, tone) = match change.tag() {
                    ChangeTag::Delete => ("-", Tone::Bad),
                    ChangeTag::Insert => ("+", Tone::Good),
                    ChangeTag::Equal => (" ", Tone::Dim),
                };
                let line = format!("{mark} {}", change.value().trim_end_matches('\n'));
                text += &(look.paint(tone, &line) + "\n");
            }
        }
        text
    }

    /// All lines, each with what became of it.
    pub(crate) fn as_json(&self) -> Value {
        let difference = TextDiff::from_lines(&*self.texts[0], &*self.texts[1]);
        let lines = difference.iter_all_changes().map(|change| {
            let became = match change.tag() {
                ChangeTag::Delete => "removed",
                ChangeTag::Insert => "added",
                ChangeTag::Equal => "same",
            };
            json!({"change": became, "line": change.value().trim_end_matches('\n')})
        });
        json!({"before": self.hashes[0], "after": self.hashes[1], "lines": lines.collect::<Vec<_>>()})
    }
}

/// The inline policy laid out, and the managed ones, a line each.
fn whole_text(used: &Used) -> String {
    let policy = &used.policy;
    let mut text = policy
        .session_policy
        .as_deref()
        .map(laid_out)
        .unwrap_or_default();
    if !text.is_empty() {
        text.push('\n');
    }
    for arn in &policy.session_policy_arns {
        text += &format!("managed policy {}\n", safe(arn));
    }
    text
}
