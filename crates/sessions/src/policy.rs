//! Session policies: what was sent, and hashes by which equal restrictions are found.
//!
//! Anyone can compute the three hashes again (all lower-case hex):
//!
//! - `session_policy_raw_sha256` is SHA-256 of the UTF-8 bytes of `session_policy`.
//! - `session_policy_sha256` is SHA-256 of the RFC 8785 (JCS) form of `session_policy`: no white space, members sorted by
//!   UTF-16 code units, numbers as ECMAScript prints doubles. Where there is no such form, it equals
//!   `session_policy_raw_sha256`: the text is not JSON, repeats a member name (RFC 7493 forbids it, and readers disagree
//!   on what it means), holds a number no double can hold, or is nested deeper than 127 levels.
//! - `session_scope_sha256` is SHA-256 of one JSON array of strings in RFC 8785 form: first `session_policy_sha256`, or the
//!   empty string where there is no inline policy, then `session_policy_arns` in their order. In SQL:
//!   `lower(to_hex(sha256(to_utf8(json_format(CAST(ARRAY[coalesce(session_policy_sha256, '')] ||
//!   coalesce(session_policy_arns, ARRAY[]) AS JSON))))))`; in a shell:
//!   `printf '["%s","%s"]' "$policy_sha256" "$policy_arn" | sha256sum`. It is null where the call sent neither.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

use crate::issuance::{PolicyFacts, Text};

/// Describes the session policies of one call: the inline policy as sent, and the ARNs of managed ones, sorted and
/// unique. `packed_policy_size` is left to the caller.
pub fn describe(session_policy: Option<&str>, session_policy_arns: Vec<Text>) -> PolicyFacts {
    let hashes = session_policy.map(hash_policy);
    let canonical = hashes.as_ref().map(|hashes| hashes.canonical.clone());
    let scope = hash_scope(canonical.as_deref(), &session_policy_arns);
    PolicyFacts {
        session_policy: session_policy.map(Text::from),
        session_policy_sha256: canonical,
        session_policy_raw_sha256: hashes.map(|hashes| hashes.raw),
        session_policy_arns,
        session_scope_sha256: scope,
        packed_policy_size: None,
    }
}

/// The RFC 8785 form of a JSON text; `None` where it has none (see the head of this module).
pub fn canonical_form(policy: &str) -> Option<String> {
    let value: Json<'_> = serde_json::from_str(policy).ok()?;
    let mut form = Vec::with_capacity(policy.len());
    write_json(&value, &mut form)?;
    String::from_utf8(form).ok()
}

struct PolicyHashes {
    canonical: Text,
    raw: Text,
}

fn hash_policy(policy: &str) -> PolicyHashes {
    let raw = sha256(policy.as_bytes());
    let canonical = match canonical_form(policy) {
        Some(form) if form != policy => sha256(form.as_bytes()),
        _ => raw.clone(),
    };
    PolicyHashes { canonical, raw }
}

fn hash_scope(policy_sha256: Option<&str>, arns: &[Text]) -> Option<Text> {
    if policy_sha256.is_none() && arns.is_empty() {
        return None;
    }
    let mut scope = Vec::with_capacity(80 + 64 * arns.len());
    scope.push(b'[');
    write_text(policy_sha256.unwrap_or_default(), &mut scope)?;
    for arn in arns {
        scope.push(b',');
        write_text(arn, &mut scope)?;
    }
    scope.push(b']');
    Some(sha256(&scope))
}

fn sha256(bytes: &[u8]) -> Text {
    let mut digits = [0; 64];
    // The buffer holds exactly two digits a byte, the only thing that could fail.
    let _ = hex::encode_to_slice(Sha256::digest(bytes), &mut digits);
    String::from_utf8_lossy(&digits).into()
}

/// A JSON value that keeps repeated member names, so that they can be refused.
enum Json<'p> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'p, str>),
    List(Vec<Json<'p>>),
    Object(Vec<(Cow<'p, str>, Json<'p>)>),
}

/// Writes the RFC 8785 form; `None` where a member name is repeated.
fn write_json(value: &Json<'_>, form: &mut Vec<u8>) -> Option<()> {
    match value {
        Json::Null => form.extend_from_slice(b"null"),
        Json::Bool(true) => form.extend_from_slice(b"true"),
        Json::Bool(false) => form.extend_from_slice(b"false"),
        Json::Number(number) => serde_jcs::to_writer(form, number).ok()?,
        Json::Text(text) => write_text(text, form)?,
        Json::List(items) => {
            form.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    form.push(b',');
                }
                write_json(item, form)?;
            }
            form.push(b']');
        }
        Json::Object(members) => write_object(members, form)?,
    }
    Some(())
}

fn write_object(members: &[(Cow<'_, str>, Json<'_>)], form: &mut Vec<u8>) -> Option<()> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    form.push(b'{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            form.push(b',');
        }
        write_text(name, form)?;
        form.push(b':');
        write_json(value, form)?;
    }
    form.push(b'}');
    Some(())
}

/// serde_json escapes exactly what RFC 8785 section 3.2.2.2 asks for, in the same way.
fn write_text(text: &str, form: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(form, text).ok()
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "RFC 8785 reads every number as a double"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "RFC 8785 reads every number as a double"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = object.next_entry()? {
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

/// A member's name, borrowed where it holds no escapes (which serde's own `Cow` never is).
struct Name<'p>(Cow<'p, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests;
