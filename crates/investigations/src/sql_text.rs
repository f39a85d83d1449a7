//! The placeholders of an SQL text: found without understanding the SQL, left alone in strings, quoted names and comments.

use std::ops::Range;

/// A stretch of SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What a parser reads, but for the placeholders.
    Code,
    /// `'…'`, `"…"`, `-- …` or `/* … */`: a `$` in there means nothing.
    Opaque,
    /// `$name`.
    Placeholder,
}

/// The names of the placeholders, in the order in which they stand.
///
/// ```
/// # use trailback_investigations::sql_text::placeholders;
/// let sql = "SELECT '$no' FROM sessions WHERE dt = $day -- and $not_this";
/// assert_eq!(placeholders(sql).collect::<Vec<_>>(), ["day"]);
/// ```
pub fn placeholders(sql: &str) -> impl Iterator<Item = &str> {
    pieces(sql)
        .filter(|(kind, _)| *kind == Kind::Placeholder)
        .map(|(_, range)| &sql[range.start + 1..range.end])
}

/// The text with `?` for every placeholder, as Athena's prepared statements have them, and whose value each `?` takes.
#[must_use]
pub fn positional(sql: &str) -> (String, Vec<&str>) {
    let mut text = String::with_capacity(sql.len());
    for (kind, range) in pieces(sql) {
        match kind {
            Kind::Placeholder => text.push('?'),
            Kind::Code | Kind::Opaque => text.push_str(&sql[range]),
        }
    }
    (text, placeholders(sql).collect())
}

/// Cuts a text into its stretches, without a gap.
fn pieces(sql: &str) -> impl Iterator<Item = (Kind, Range<usize>)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = sql.get(start..).filter(|rest| !rest.is_empty())?;
        let (kind, len) = first_piece(rest, &sql[..start]);
        let range = start..start + len;
        start = range.end;
        Some((kind, range))
    })
}

/// What a text begins with, and how long that is; never 0.
fn first_piece(rest: &str, before: &str) -> (Kind, usize) {
    if let Some(len) = opaque_len(rest) {
        return (Kind::Opaque, len);
    }
    if let Some(len) = placeholder_len(rest).filter(|_| !before.ends_with(is_name_character)) {
        return (Kind::Placeholder, len);
    }
    let mut characters = rest.char_indices();
    characters.next();
    let end = characters
        .find(|(at, character)| {
            matches!(character, '$' | '\'' | '"' | '-' | '/') && begins_piece(&rest[*at..])
        })
        .map_or(rest.len(), |(at, _)| at);
    (Kind::Code, end)
}

fn begins_piece(rest: &str) -> bool {
    opaque_len(rest).is_some() || placeholder_len(rest).is_some()
}

/// The length of the string, quoted name or comment that the text begins with. One that is not closed reaches to the end.
fn opaque_len(rest: &str) -> Option<usize> {
    let (open, close) = [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")]
        .into_iter()
        .find(|(open, _)| rest.starts_with(open))?;
    let mut end = open.len();
    loop {
        let Some(at) = rest[end..].find(close) else {
            return Some(rest.len());
        };
        end += at + close.len();
        // A doubled quote stands for one quote, and ends nothing.
        let is_doubled = open == close && rest[end..].starts_with(close);
        if !is_doubled {
            return Some(end);
        }
        end += close.len();
    }
}

fn placeholder_len(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix('$')?;
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        .then(|| 1 + name.find(|c| !is_name_character(c)).unwrap_or(name.len()))
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_occurrence_becomes_a_question_mark_of_its_own() {
        let sql = "SELECT '$a', \"$b\" /* $c */ FROM t -- $d\nWHERE x = $e AND y = $f_2 OR z=$e";
        let (text, order) = positional(sql);
        assert_eq!(
            text,
            "SELECT '$a', \"$b\" /* $c */ FROM t -- $d\nWHERE x = ? AND y = ? OR z=?"
        );
        assert_eq!(order, ["e", "f_2", "e"]);
    }

    #[test]
    fn what_only_looks_like_a_placeholder_stays() {
        for sql in [
            "a$b",
            "$1",
            "$",
            "$$",
            "'it''s $x'",
            "\"a\"\"$x\"",
            "'open $x",
            "/* open $x",
            "-- $x",
        ] {
            assert_eq!(positional(sql), (sql.to_owned(), vec![]), "{sql}");
        }
        assert_eq!(positional("1-$x/$y").0, "1-?/?");
    }

    /// A piece of SQL, what it becomes, and the placeholder in it.
    fn piece() -> impl Strategy<Value = (String, String, Option<String>)> {
        let same = |text: String| (text.clone(), text, None);
        prop_oneof![
            "[a-z0-9=(),.*+<>?% \n]{0,8}".prop_map(same),
            "(- |/ |\\$ )".prop_map(same),
            "'([^']|''){0,8}'".prop_map(same),
            "\"([^\"]|\"\"){0,8}\"".prop_map(same),
            "--[^\n]{0,8}\n".prop_map(same),
            "/\\*[^*]{0,8}\\*/".prop_map(same),
            "[a-z_][a-z0-9_]{0,5}".prop_map(|name| (format!("${name}"), "?".into(), Some(name))),
        ]
    }

    proptest! {
        #[test]
        fn placeholders_are_found_wherever_code_stands_and_nowhere_else(pieces in prop::collection::vec(piece(), 0..12)) {
            // Spaces keep one piece from running into the next.
            let sql: String = pieces.iter().map(|(sql, ..)| format!(" {sql} ")).collect();
            let expected: String = pieces.iter().map(|(_, becomes, _)| format!(" {becomes} ")).collect();
            let names: Vec<&str> = pieces.iter().filter_map(|(.., name)| name.as_deref()).collect();
            let (text, order) = positional(&sql);
            prop_assert_eq!(text, expected);
            prop_assert_eq!(order, names);
        }

        #[test]
        fn any_text_is_cut_without_a_gap(sql in any::<String>()) {
            let mut end = 0;
            for (_, range) in super::pieces(&sql) {
                prop_assert!(range.start == end && range.end > range.start);
                end = range.end;
            }
            prop_assert_eq!(end, sql.len());
        }
    }
}
