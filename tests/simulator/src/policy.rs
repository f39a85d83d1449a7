//! Session policies: one value, several spellings, one canonical form.

use sha2::{Digest, Sha256};

use crate::Text;
use crate::dice::Dice;
use crate::json::quote;

/// A JSON value of a policy document.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    List(Vec<Value>),
    Object(Vec<(&'static str, Value)>),
}

/// An inline session policy as one caller sends it.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) text: String,
    /// SHA-256 (hex) of the canonical form of RFC 8785.
    pub(crate) sha256: Text,
}

impl Policy {
    /// One of the organisation's few policies, in one of the ways tools spell them.
    pub(crate) fn any(dice: &mut Dice) -> Self {
        let value = match dice.below(4) {
            0 => read_only(dice.pick::<&str>(&["reports", "invoices", "telemetry"])),
            1 => scoped_by_tags(),
            2 => limited_listing(),
            _ => no_keys(),
        };
        Self::spelled(&value, dice)
    }

    /// The policy that RDS puts on its own sessions.
    pub(crate) fn of_databases() -> Self {
        let value = object([
            ("Version", text("2008-10-17")),
            (
                "Statement",
                Value::List(vec![object([
                    ("Effect", text("Allow")),
                    (
                        "Action",
                        texts(&[
                            "ec2:DescribeSubnets",
                            "ec2:CreateNetworkInterface",
                            "sns:Publish",
                        ]),
                    ),
                    ("Resource", texts(&["*"])),
                ])]),
            ),
        ]);
        Self::new(pretty(&value, "  "), &value)
    }

    fn spelled(value: &Value, dice: &mut Dice) -> Self {
        let spelled = match dice.below(5) {
            0 => compact(value),
            1 => pretty(value, "  "),
            2 => pretty(value, "\t\t"),
            3 => escaped(value),
            _ => canonical(value),
        };
        Self::new(spelled, value)
    }

    fn new(text: String, value: &Value) -> Self {
        Self {
            text,
            sha256: hex::encode(Sha256::digest(canonical(value))).into(),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts(all: &[&str]) -> Value {
    Value::List(all.iter().map(|one| text(one)).collect())
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Object(members.into())
}

fn document(statement: Value) -> Value {
    object([
        ("Version", text("2012-10-17")),
        ("Statement", Value::List(vec![statement])),
    ])
}

fn read_only(bucket: &str) -> Value {
    document(object([
        ("Sid", text("OnlyWhatTheReportNeeds")),
        ("Effect", text("Allow")),
        ("Action", texts(&["s3:GetObject", "s3:ListBucket"])),
        (
            "Resource",
            Value::List(vec![
                text(&format!("arn:aws:s3:::{bucket}")),
                text(&format!("arn:aws:s3:::{bucket}/*")),
            ]),
        ),
    ]))
}

/// Its keys are in another order by UTF-16 than by UTF-8.
fn scoped_by_tags() -> Value {
    document(object([
        ("Effect", text("Allow")),
        ("Action", text("secretsmanager:*")),
        ("Resource", text("*")),
        (
            "Condition",
            object([(
                "StringEquals",
                object([
                    ("aws:ResourceTag/Équipe", text("données \"froides\"")),
                    ("aws:ResourceTag/\u{ff5e}", text("C:\\temp\n")),
                    ("aws:ResourceTag/\u{1f680}", text("launch/pad")),
                ]),
            )]),
        ),
    ]))
}

fn limited_listing() -> Value {
    document(object([
        ("Effect", text("Allow")),
        ("Action", text("s3:ListBucket")),
        ("Resource", text("arn:aws:s3:::exports")),
        (
            "Condition",
            object([(
                "NumericLessThanEquals",
                object([("s3:max-keys", Value::Number(100))]),
            )]),
        ),
    ]))
}

fn no_keys() -> Value {
    document(object([
        ("Effect", text("Deny")),
        ("Action", texts(&["kms:*", "iam:*"])),
        ("Resource", text("*")),
    ]))
}

/// RFC 8785: no white space, members by UTF-16 code units, shortest escapes.
fn canonical(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(number) => number.to_string(),
        Value::List(all) => {
            let all: Vec<String> = all.iter().map(canonical).collect();
            format!("[{}]", all.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<u16>>());
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", quoted(name), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(&mut out, text);
    out
}

/// As a program serialises it: members in the order in which they were put.
fn compact(value: &Value) -> String {
    spell(value, &quoted, "", "", &|number| number.to_string())
}

/// As a person writes it.
fn pretty(value: &Value, indent: &str) -> String {
    spell(value, &quoted, indent, "\n", &|number| number.to_string())
}

/// As a careful program writes it: slashes and letters outside ASCII escaped, numbers with an exponent.
fn escaped(value: &Value) -> String {
    let quote_all = |text: &str| {
        let plain = quoted(text).replace('/', "\\/");
        let mut units = [0_u16; 2];
        plain
            .chars()
            .map(|letter| match letter {
                ascii if ascii.is_ascii() => ascii.to_string(),
                other => other
                    .encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04X}"))
                    .collect(),
            })
            .collect()
    };
    spell(value, &quote_all, " ", "\r\n", &|number| {
        format!("{number}.0e0")
    })
}

fn spell(
    value: &Value,
    quote_text: &dyn Fn(&str) -> String,
    indent: &str,
    line: &str,
    number: &dyn Fn(i64) -> String,
) -> String {
    let inner = |value: &Value| {
        spell(value, quote_text, indent, line, number).replace(line, &format!("{line}{indent}"))
    };
    let block = |open: &str, parts: Vec<String>, close: &str| {
        let parts = parts.join(&format!(",{line}{indent}"));
        format!("{open}{line}{indent}{parts}{line}{close}")
    };
    match value {
        Value::Text(text) => quote_text(text),
        Value::Number(value) => number(*value),
        Value::List(all) => block("[", all.iter().map(inner).collect(), "]"),
        Value::Object(members) => {
            let gap = if line.is_empty() { "" } else { " " };
            let parts = members
                .iter()
                .map(|(name, value)| format!("{}:{gap}{}", quote_text(name), inner(value)))
                .collect();
            block("{", parts, "}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_policy_is_the_same_value() {
        for value in [
            scoped_by_tags(),
            limited_listing(),
            read_only("b"),
            no_keys(),
        ] {
            let parsed = |text: &str| -> serde_json::Value {
                let mut parsed: serde_json::Value = serde_json::from_str(text).unwrap();
                let keys = "/Statement/0/Condition/NumericLessThanEquals/s3:max-keys";
                if let Some(number) = parsed.pointer_mut(keys) {
                    *number = serde_json::json!(number.as_f64());
                }
                parsed
            };
            let plain = parsed(&canonical(&value));
            for spelled in [
                compact(&value),
                pretty(&value, "  "),
                pretty(&value, "\t\t"),
                escaped(&value),
            ] {
                assert_eq!(parsed(&spelled), plain, "{spelled}");
            }
        }
    }

    #[test]
    fn the_canonical_form_sorts_by_utf16() {
        let text = canonical(&scoped_by_tags());
        let at = |needle: &str| text.find(needle).unwrap();
        assert!(at("\u{1f680}") < at("\u{ff5e}"));
        assert!(text.starts_with(r#"{"Statement":[{"Action":"#), "{text}");
    }
}
