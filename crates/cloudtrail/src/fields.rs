//! A lenient view of one JSON value: the only door to what is particular to a call.

use std::fmt;

use simd_json::{Node, StaticNode};

use crate::secret;

/// One JSON value of a record, or nothing at all.
///
/// Hand-made samples, omitted parameters and old versions put strings where objects belong and leave out what the
/// documentation promises; asked for something that is not there, or not of that kind, a view answers with nothing,
/// never with an error. Of a member that occurs twice the last one counts.
///
/// Secrets cannot be seen through it: neither the members whose names say so (`sessionToken`, `secretAccessKey`,
/// `password`, `tokenCode`, an assertion …) nor texts that look like a session token, nor what CloudTrail itself
/// withholds (`HIDDEN_DUE_TO_SECURITY_REASONS`).
#[derive(Clone, Copy, Default)]
pub struct Fields<'r> {
    /// The value's node and those beneath it; empty when absent.
    value: &'r [Node<'r>],
}

impl<'r> Fields<'r> {
    /// A view of the first value of `tape`, of nothing where there is none.
    pub(crate) fn of(tape: &'r [Node<'r>]) -> Fields<'r> {
        let nodes = tape.first().map_or(0, nodes_of);
        Fields {
            value: tape.get(..nodes).unwrap_or_default(),
        }
    }

    /// The text of the member `name`: `None` unless it is a text that is neither empty nor withheld.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'r str> {
        self.value(name).as_text()
    }

    /// The whole number of the member `name`, also where it is written as `3600.0` or `"3600"`.
    #[must_use]
    pub fn int(self, name: &str) -> Option<i64> {
        self.value(name).as_int()
    }

    /// The truth of the member `name`: a boolean, or one of `"true"`, `"false"`, `"yes"`, `"no"` in any case.
    #[must_use]
    pub fn bool(self, name: &str) -> Option<bool> {
        self.value(name).as_bool()
    }

    /// The member `name` if it is an object, else nothing.
    #[must_use]
    pub fn object(self, name: &str) -> Fields<'r> {
        self.value(name).if_object()
    }

    /// The elements of the member `name`; none if it is no list.
    pub fn list(self, name: &str) -> impl Iterator<Item = Fields<'r>> + use<'r> {
        self.value(name).elements()
    }

    /// The member `name`, whatever it is; nothing where it is absent or secret.
    #[must_use]
    pub fn value(self, name: &str) -> Fields<'r> {
        match self.members().filter(|(known, _)| *known == name).last() {
            Some((_, value)) if !value.is_hidden_as(name) => value,
            _ => Fields::default(),
        }
    }

    /// The members of an object in the order written, without the secret ones; none if it is no object.
    pub fn entries(self) -> impl Iterator<Item = (&'r str, Fields<'r>)> + use<'r> {
        self.members()
            .filter(|(name, value)| !value.is_hidden_as(name))
    }

    /// The members of an object whose names are data and not CloudTrail's, as those of tags: no name makes a secret of its value.
    pub fn pairs(self) -> impl Iterator<Item = (&'r str, Fields<'r>)> + use<'r> {
        self.members()
    }

    /// Its own text: `None` unless it is a text that is neither empty nor withheld.
    #[must_use]
    pub fn as_text(self) -> Option<&'r str> {
        match self.value.first()? {
            Node::String(text) if !text.is_empty() && !secret::is_secret_text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a text that is withheld, by CloudTrail or because it looks like a session token: [`as_text`](Self::as_text) does
    /// not give it.
    #[must_use]
    pub fn is_withheld(self) -> bool {
        matches!(self.value.first(), Some(Node::String(text)) if secret::is_secret_text(text))
    }

    /// Whether it is a text without characters.
    #[must_use]
    pub fn is_empty_text(self) -> bool {
        matches!(self.value.first(), Some(Node::String(text)) if text.is_empty())
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.value.first(), Some(Node::Object { .. }))
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self.value.first(), Some(Node::Array { .. }))
    }

    /// Whether there is nothing here, or `null`.
    #[must_use]
    pub fn is_absent(self) -> bool {
        matches!(
            self.value.first(),
            None | Some(Node::Static(StaticNode::Null))
        )
    }

    /// How many nodes of the tape it takes.
    pub(crate) fn nodes(self) -> usize {
        self.value.len()
    }

    pub(crate) fn if_object(self) -> Fields<'r> {
        if self.is_object() {
            self
        } else {
            Fields::default()
        }
    }

    /// Its own whole number, as [`Fields::int`] reads it.
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        match *self.value.first()? {
            Node::Static(StaticNode::I64(number)) => Some(number),
            Node::Static(StaticNode::U64(number)) => i64::try_from(number).ok(),
            Node::Static(StaticNode::F64(number)) => whole(number),
            Node::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            _ => None,
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match *self.value.first()? {
            Node::Static(StaticNode::Bool(truth)) => Some(truth),
            Node::String(text) => {
                let is = |word: &str| text.eq_ignore_ascii_case(word);
                if is("true") || is("yes") {
                    Some(true)
                } else if is("false") || is("no") {
                    Some(false)
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    fn is_hidden_as(self, name: &str) -> bool {
        secret::is_secret_name(name) && !(self.is_object() && secret::may_hold_an_object(name))
    }

    /// All members, secret ones too.
    fn members(self) -> Members<'r> {
        Members {
            rest: if self.is_object() {
                &self.value[1..]
            } else {
                &[]
            },
        }
    }

    /// Its elements; none if it is no list.
    pub fn elements(self) -> impl Iterator<Item = Fields<'r>> + use<'r> {
        Elements {
            rest: if self.is_list() {
                &self.value[1..]
            } else {
                &[]
            },
        }
    }
}

impl fmt::Debug for Fields<'_> {
    /// What kind of value it is, never the value: a record may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.value.first() {
            None => "absent",
            Some(Node::String(_)) => "text",
            Some(Node::Object { .. }) => "object",
            Some(Node::Array { .. }) => "list",
            Some(Node::Static(StaticNode::Null)) => "null",
            Some(Node::Static(StaticNode::Bool(_))) => "boolean",
            Some(Node::Static(_)) => "number",
        })
    }
}

/// The members of an object, each with where its value lies on the tape.
pub(crate) struct Members<'r> {
    rest: &'r [Node<'r>],
}

impl<'r> Members<'r> {
    /// The members of the object at the start of `tape`.
    pub(crate) fn of(tape: &'r [Node<'r>]) -> Members<'r> {
        Fields::of(tape).members()
    }

    /// How many nodes of the object are still to come.
    pub(crate) fn nodes_left(&self) -> usize {
        self.rest.len()
    }
}

impl<'r> Iterator for Members<'r> {
    type Item = (&'r str, Fields<'r>);

    fn next(&mut self) -> Option<Self::Item> {
        let (Node::String(name), values) = self.rest.split_first()? else {
            return None;
        };
        let value = Fields::of(values);
        self.rest = values.get(value.value.len()..).unwrap_or_default();
        Some((name, value))
    }
}

/// The elements of a list.
struct Elements<'r> {
    rest: &'r [Node<'r>],
}

impl<'r> Iterator for Elements<'r> {
    type Item = Fields<'r>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.first()?;
        let element = Fields::of(self.rest);
        self.rest = self.rest.get(element.value.len()..).unwrap_or_default();
        Some(element)
    }
}

/// The nodes of the value that starts with `node`, itself included.
fn nodes_of(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        Node::String(_) | Node::Static(_) => 1,
    }
}

/// `number` if it is whole and small enough to be exact as a float.
fn whole(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the range of i64"
    )]
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_fields(json: &str, check: impl FnOnce(Fields<'_>)) {
        let mut json = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut json).unwrap();
        check(Fields::of(&tape.0));
    }

    #[test]
    fn texts_that_say_nothing_are_none() {
        let json = r#"{"a":"x","b":"","c":"HIDDEN_DUE_TO_SECURITY_REASONS","d":7,"e":null,"f":{},"g":["x"]}"#;
        with_fields(json, |fields| {
            assert_eq!(fields.text("a"), Some("x"));
            for name in ["b", "c", "d", "e", "f", "g", "h", ""] {
                assert_eq!(fields.text(name), None, "{name}");
            }
        });
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let json = r#"{"a":3600,"b":3600.0,"c":"3600"," d":1,"e":"3600.0","f":-5,"g":3600.5,"h":"x","i":1e300,
            "j":18446744073709551615,"k":true,"l":"","m":"NaN"}"#;
        with_fields(json, |fields| {
            for name in ["a", "b", "c", "e"] {
                assert_eq!(fields.int(name), Some(3600), "{name}");
            }
            assert_eq!(fields.int("f"), Some(-5));
            for name in ["g", "h", "i", "j", "k", "l", "m", "n"] {
                assert_eq!(fields.int(name), None, "{name}");
            }
        });
    }

    #[test]
    fn truths_are_read_however_they_are_written() {
        let json = r#"{"a":true,"b":"true","c":"Yes","d":"YES","e":false,"f":"False","g":"No","h":1,"i":"on"}"#;
        with_fields(json, |fields| {
            for name in ["a", "b", "c", "d"] {
                assert_eq!(fields.bool(name), Some(true), "{name}");
            }
            for name in ["e", "f", "g"] {
                assert_eq!(fields.bool(name), Some(false), "{name}");
            }
            for name in ["h", "i", "j"] {
                assert_eq!(fields.bool(name), None, "{name}");
            }
        });
    }

    #[test]
    fn a_text_where_an_object_belongs_is_no_object() {
        with_fields(
            r#"{"a":"{\"b\":1}","c":{"d":{"e":"f"}},"g":[{"h":1},2,[3],"i"]}"#,
            |fields| {
                assert!(!fields.object("a").is_object());
                assert!(fields.object("a").is_absent());
                assert_eq!(fields.object("a").text("b"), None);
                assert_eq!(fields.object("c").object("d").text("e"), Some("f"));
                let kinds: Vec<String> = fields
                    .list("g")
                    .map(|element| format!("{element:?}"))
                    .collect();
                assert_eq!(kinds, ["object", "number", "list", "text"]);
                assert_eq!(fields.list("g").next().unwrap().int("h"), Some(1));
                assert_eq!(fields.list("c").count(), 0);
                assert_eq!(fields.list("z").count(), 0);
            },
        );
    }

    #[test]
    fn of_a_member_written_twice_the_last_one_counts() {
        with_fields(r#"{"a":"1","a":{"b":"2"},"c":"3","a":"4"}"#, |fields| {
            assert_eq!(fields.text("a"), Some("4"));
            assert_eq!(fields.entries().count(), 4);
        });
    }

    #[test]
    fn secrets_are_invisible_through_every_door() {
        let token = format!("IQoJb3JpZ2luX2Vj{}", "A".repeat(300));
        let json = format!(
            r#"{{"accessKeyId":"ASIA","sessionToken":"{token}","note":"{token}","tokenCode":123456,
               "passwords":"p","password":{{"value":"p"}},"token":["t"],"accessToken":{{"accessKeyId":"ASIB",
               "sessionToken":"s"}},"list":["{token}"]}}"#
        );
        with_fields(&json, |fields| {
            assert_eq!(fields.text("accessKeyId"), Some("ASIA"));
            assert_eq!(fields.text("sessionToken"), None);
            assert_eq!(fields.text("note"), None);
            assert_eq!(fields.int("tokenCode"), None);
            assert!(fields.object("password").is_absent());
            assert_eq!(fields.list("token").count(), 0);
            assert_eq!(
                fields.object("accessToken").text("accessKeyId"),
                Some("ASIB")
            );
            assert_eq!(fields.object("accessToken").text("sessionToken"), None);
            assert_eq!(fields.list("list").next().unwrap().as_text(), None);
            assert!(
                fields.value("note").is_withheld() && !fields.value("accessKeyId").is_withheld()
            );
            let names: Vec<&str> = fields.entries().map(|(name, _)| name).collect();
            assert_eq!(
                names,
                ["accessKeyId", "note", "passwords", "accessToken", "list"]
            );
            assert_eq!(format!("{fields:?}"), "object");
        });
    }

    #[test]
    fn names_that_are_data_hide_nothing() {
        with_fields(r#"{"code":"a","token":"b","Team":"c"}"#, |fields| {
            let pairs = fields.pairs().map(|(name, value)| (name, value.as_text()));
            let expected = [("code", "a"), ("token", "b"), ("Team", "c")];
            assert!(pairs.eq(expected.map(|(name, value)| (name, Some(value)))));
            assert_eq!(fields.entries().count(), 1);
        });
    }

    #[test]
    fn nothing_has_no_members() {
        let nothing = Fields::default();
        assert!(nothing.is_absent());
        assert_eq!(nothing.entries().count(), 0);
        assert_eq!(nothing.object("a").text("b"), None);
        with_fields("null", |fields| assert!(fields.is_absent()));
    }
}
