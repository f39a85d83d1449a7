//! Writes JSON with its members in the order in which CloudTrail has them.

use std::fmt::Write;

/// One JSON object as text.
pub(crate) fn object(fill: impl FnOnce(&mut Members<'_>)) -> String {
    let mut out = String::with_capacity(256);
    object_into(&mut out, fill);
    out
}

/// Appends one JSON object.
pub(crate) fn object_into(out: &mut String, fill: impl FnOnce(&mut Members<'_>)) {
    out.push('{');
    fill(&mut Members { out, first: true });
    out.push('}');
}

/// A JSON list of texts.
pub(crate) fn texts<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    let mut out = String::from("[");
    for (position, one) in all.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        quote(&mut out, one.as_ref());
    }
    out.push(']');
    out
}

/// A JSON object of texts.
pub(crate) fn map<K: AsRef<str>, V: AsRef<str>>(all: impl IntoIterator<Item = (K, V)>) -> String {
    object(|members| {
        for (name, value) in all {
            members.text(name.as_ref(), value.as_ref());
        }
    })
}

/// Appends `text` as a JSON string.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|letter| push_escaped(out, letter));
    }
    out.push('"');
}

fn push_escaped(out: &mut String, letter: char) {
    match letter {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        control if control < ' ' => {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04x}", control as u32);
        }
        other => out.push(other),
    }
}

/// The members of an object that is being written.
pub(crate) struct Members<'a> {
    out: &'a mut String,
    first: bool,
}

impl Members<'_> {
    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        quote(self.out, name);
        self.out.push(':');
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        quote(self.out, value);
    }

    /// Leaves the member out where there is no value.
    pub(crate) fn text_if<T: AsRef<str>>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.text(name, value.as_ref());
        }
    }

    /// Writes null where there is no value.
    pub(crate) fn text_or_null<T: AsRef<str>>(&mut self, name: &str, value: Option<T>) {
        match value {
            Some(value) => self.text(name, value.as_ref()),
            None => self.raw(name, "null"),
        }
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    pub(crate) fn raw_if<T: AsRef<str>>(&mut self, name: &str, json: Option<T>) {
        if let Some(json) = json {
            self.raw(name, json.as_ref());
        }
    }

    pub(crate) fn int(&mut self, name: &str, value: i64) {
        self.name(name);
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(crate) fn flag_or_null(&mut self, name: &str, value: Option<bool>) {
        match value {
            Some(value) => self.flag(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Members<'_>)) {
        self.name(name);
        object_into(self.out, fill);
    }
}
