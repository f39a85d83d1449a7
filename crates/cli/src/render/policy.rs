//! Session policies for people: the text laid out, and in plain words what it restricts.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use trailback_sessions::policy::canonical_form;

use super::text::{count, safe};

/// In which order people write the members of a policy; others follow by name.
const ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// How many actions or resources of a statement are named.
const NAMED_MAX: usize = 4;

/// What every session policy does, whatever its text.
pub(crate) const NARROWS: &str = "A session policy only takes away: the session may do what its role allows and the session policy \
                                  allows as well. It can never add a permission.";

/// The policy laid out, members in the order in which people write them. A text that is no JSON, or repeats a member, so
/// that readers disagree on what it means, stays as it was sent.
pub(crate) fn laid_out(policy: &str) -> String {
    let value = read(policy).and_then(|value| serde_json::to_string_pretty(&Ordered(&value)).ok());
    let text = value.as_deref().unwrap_or(policy);
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join("\n")
}

/// What the policy allows and forbids, a sentence a statement.
pub(crate) fn in_words(policy: &str) -> Vec<String> {
    let Some(Value::Object(document)) = read(policy) else {
        return vec!["Its text is no JSON that can be put into words.".to_owned()];
    };
    let statements = items(document.get("Statement"));
    if statements.is_empty() {
        return vec!["It has no statement, so it allows nothing.".to_owned()];
    }
    statements.into_iter().map(statement).collect()
}

fn read(policy: &str) -> Option<Value> {
    canonical_form(policy)?;
    serde_json::from_str(policy).ok()
}

/// One value or a list of them, as policies have it.
fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

fn statement(statement: &Value) -> String {
    let Value::Object(statement) = statement else {
        return "A statement that is no object.".to_owned();
    };
    let verb = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => "Allows",
        Some("Deny") => "Forbids",
        _ => "Neither allows nor forbids",
    };
    let actions = listed(statement, "Action", "NotAction", "every action", action);
    let resources = listed(
        statement,
        "Resource",
        "NotResource",
        "every resource",
        str::to_owned,
    );
    let conditions = conditions(statement.get("Condition"));
    safe(&format!("{verb} {actions} on {resources}{conditions}."))
}

/// `s3:*` is every action of a service.
fn action(action: &str) -> String {
    match action.strip_suffix(":*") {
        Some(service) if !service.contains(['*', '?']) => format!("every action of {service}"),
        _ => action.to_owned(),
    }
}

/// The members of a list or of its negation; `all` where it is a lone `*`.
fn listed(
    statement: &Map<String, Value>,
    name: &str,
    negated: &str,
    all: &str,
    word: fn(&str) -> String,
) -> String {
    let texts = |name: &str| -> Vec<String> {
        let values = items(statement.get(name)).into_iter();
        values.map(|value| word(&plain(value))).collect()
    };
    let (named, excepted) = (texts(name), texts(negated));
    match (named.iter().any(|text| text == "*"), excepted.is_empty()) {
        (true, _) => all.to_owned(),
        (false, false) => format!("{all} except {}", joined(&excepted)),
        (false, true) if named.is_empty() => format!("no {}", name.to_lowercase()),
        (false, true) => joined(&named),
    }
}

fn joined(texts: &[String]) -> String {
    let named = &texts[..texts.len().min(NAMED_MAX)];
    match texts.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `, but only where aws:SourceIp (IpAddress) is 203.0.113.0/24`.
fn conditions(condition: Option<&Value>) -> String {
    let Some(Value::Object(operators)) = condition else {
        return String::new();
    };
    let mut all = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else { continue };
        for (key, values) in keys {
            let values: Vec<String> = items(Some(values)).into_iter().map(plain).collect();
            all.push(format!("{key} ({operator}) is {}", values.join(" or ")));
        }
    }
    match all.len() {
        0 => String::new(),
        n if n > NAMED_MAX => format!(
            ", but only under {}",
            count(n as u64, "condition", "conditions")
        ),
        _ => format!(", but only where {}", all.join(" and ")),
    }
}

/// A value whose objects keep the order of [`ORDER`].
struct Ordered<'v>(&'v Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let rank = |name: &str| ORDER.iter().position(|known| *known == name);
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_key(|(name, _)| (rank(name).unwrap_or(ORDER.len()), *name));
                let mut object = serializer.serialize_map(Some(sorted.len()))?;
                for (name, value) in sorted {
                    object.serialize_entry(name, &Ordered(value))?;
                }
                object.end()
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{in_words, laid_out};

    #[test]
    fn a_policy_is_laid_out_as_people_write_it() {
        let sent = r#"{"Statement":[{"Resource":"*","Action":["s3:*"],"Effect":"Allow"}],"Version":"2012-10-17"}"#;
        insta::assert_snapshot!(laid_out(sent), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": [
                "s3:*"
              ],
              "Resource": "*"
            }
          ]
        }
        "#);
    }

    #[test]
    fn what_readers_disagree_on_stays_as_it_was_sent() {
        for sent in [r#"{"Effect":"Allow","Effect":"Deny"}"#, "no JSON", "{"] {
            assert_eq!(laid_out(sent), sent);
            assert_eq!(in_words(sent).len(), 1);
        }
        assert_eq!(laid_out("\u{1b}[2J\nx\u{202e}"), "\\u{1b}[2J\nx\\u{202e}");
    }

    #[test]
    fn every_statement_becomes_a_sentence() {
        let policy = r#"{"Statement":[
            {"Effect":"Allow","Action":["rds:*","sts:AssumeRole"],"Resource":"*"},
            {"Effect":"Deny","NotAction":"iam:Get*","Resource":["a","b","c","d","e","f"]},
            {"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::box/*",
             "Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]},"Bool":{"aws:SecureTransport":true}}},
            {"Action":[]}, 7]}"#;
        insta::assert_snapshot!(in_words(policy).join("\n"), @"
        Allows every action of rds, sts:AssumeRole on every resource.
        Forbids every action except iam:Get* on a, b, c, d and 2 more.
        Allows every action on arn:aws:s3:::box/*, but only where aws:SecureTransport (Bool) is true and aws:SourceIp (IpAddress) is 203.0.113.0/24 or 198.51.100.0/24.
        Neither allows nor forbids no action on no resource.
        A statement that is no object.
        ");
        assert_eq!(
            in_words("{}"),
            ["It has no statement, so it allows nothing."]
        );
    }
}
