//! The saved investigations and the views: SQL files under `infra/athena`, embedded here, with a header that people and
//! programs read.
//!
//! ```sql
//! -- Who is behind this access key?
//! --
//! -- Finds: what the rows are; further lines
//! --   are indented.
//! -- Read: how to read them.
//! -- Scans: which partitions and columns, and what that costs.
//! --
//! -- $access_key_id text: the key as the alert shows it
//! -- $since day: first day to look at, such as 2026-11-20
//! -- $until day: last day
//! SELECT …
//! ```

use std::collections::BTreeSet;

use include_dir::{Dir, include_dir};

use crate::parameters::{Parameter, ParameterType};
use crate::sql_text::placeholders;

static INVESTIGATIONS: Dir<'_> =
    include_dir!("$CARGO_MANIFEST_DIR/../../infra/athena/investigations");
static VIEWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../infra/athena/views");

/// The first day that is looked at: a parameter of every investigation.
pub const SINCE: &str = "since";

/// The last day that is looked at: a parameter of every investigation.
pub const UNTIL: &str = "until";

/// The parameter for the first day of what is known, where a question is about what is new.
pub const BASELINE: &str = "baseline";

/// A question with a name, and the SQL that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Investigation {
    /// Kebab case: what people type, and the name of the file.
    pub name: String,
    /// The question, as a sentence.
    pub question: String,
    /// What the rows are.
    pub finds: String,
    /// How to read them.
    pub read: String,
    /// Which partitions and columns are read, and what that costs.
    pub scans: String,
    /// What it asks for, in the order of the header.
    pub parameters: Vec<Parameter>,
    /// The file, header and all.
    pub text: String,
}

/// A query with a name that other queries use like a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Snake case: its name in SQL, and that of the file.
    pub name: String,
    /// What its rows are.
    pub meaning: String,
    /// The file, header and all.
    pub text: String,
}

/// All that is saved, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The investigations.
    pub investigations: Vec<Investigation>,
    /// The views.
    pub views: Vec<View>,
}

/// A file whose header cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct HeaderError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Catalog {
    /// What this program was built with.
    ///
    /// # Errors
    /// When a file's header is malformed; the tests see to it that none is.
    pub fn embedded() -> Result<Catalog, HeaderError> {
        let investigations = sql_files(&INVESTIGATIONS)
            .map(|(name, text)| Investigation::parse(name, text))
            .collect::<Result<Vec<_>, _>>()?;
        let views = sql_files(&VIEWS)
            .map(|(name, text)| View::parse(name, text))
            .collect::<Result<Vec<_>, _>>()?;
        let mut catalog = Catalog {
            investigations,
            views,
        };
        catalog.investigations.sort_by(|a, b| a.name.cmp(&b.name));
        catalog.views.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(catalog)
    }

    /// The investigation of that name.
    #[must_use]
    pub fn investigation(&self, name: &str) -> Option<&Investigation> {
        self.investigations.iter().find(|known| known.name == name)
    }
}

/// The names, without `.sql`, and texts of a folder.
fn sql_files(folder: &'static Dir<'_>) -> impl Iterator<Item = (&'static str, &'static str)> {
    folder.files().filter_map(|file| {
        let name = file.path().file_name()?.to_str()?.strip_suffix(".sql")?;
        Some((name, file.contents_utf8().unwrap_or_default()))
    })
}

impl Investigation {
    /// Reads a file of that name, without `.sql`.
    ///
    /// # Errors
    /// When its header is malformed, or does not fit its SQL.
    pub fn parse(name: &str, text: &str) -> Result<Investigation, HeaderError> {
        let file = format!("investigations/{name}.sql");
        let header = Header::parse(&file, text)?;
        let wrong = |line, problem: String| HeaderError {
            file: file.clone(),
            line,
            problem,
        };
        if !is_name(name, '-') {
            return Err(wrong(1, format!("{name} is not in kebab case")));
        }
        if !header.title.ends_with('?') {
            return Err(wrong(
                1,
                "the title is a question, and ends with ?".to_owned(),
            ));
        }
        header
            .check_parameters(text)
            .map_err(|(line, problem)| wrong(line, problem))?;
        let section = |label: &'static str| {
            let missing = || wrong(1, format!("there is no paragraph {label}:"));
            let section = header.sections.iter().find(|(known, _)| *known == label);
            section.map(|(_, text)| text.clone()).ok_or_else(missing)
        };
        Ok(Investigation {
            name: name.to_owned(),
            question: header.title.clone(),
            finds: section("Finds")?,
            read: section("Read")?,
            scans: section("Scans")?,
            parameters: header
                .parameters
                .into_iter()
                .map(|(_, parameter)| parameter)
                .collect(),
            text: text.to_owned(),
        })
    }

    /// The parameter of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|known| known.name == name)
    }
}

impl View {
    /// Reads a file of that name, without `.sql`.
    ///
    /// # Errors
    /// When it does not begin with what its rows are, or asks for something.
    pub fn parse(name: &str, text: &str) -> Result<View, HeaderError> {
        let meaning = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("-- "));
        let problem = if !is_name(name, '_') {
            format!("{name} is not in snake case")
        } else if let Some(placeholder) = placeholders(text).next() {
            format!("a view has no parameters, and this has ${placeholder}")
        } else if let Some(meaning) = meaning {
            return Ok(View {
                name: name.to_owned(),
                meaning: meaning.trim().to_owned(),
                text: text.to_owned(),
            });
        } else {
            "the first line says what the rows are: -- One row for each …".to_owned()
        };
        Err(HeaderError {
            file: format!("views/{name}.sql"),
            line: 1,
            problem,
        })
    }
}

/// Lower-case words with a character between them.
fn is_name(name: &str, between: char) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.split(between).all(is_word)
}

/// The paragraphs a header may have.
const LABELS: [&str; 3] = ["Finds", "Read", "Scans"];

#[derive(Debug, Default)]
struct Header {
    title: String,
    sections: Vec<(&'static str, String)>,
    /// Each with its line.
    parameters: Vec<(usize, Parameter)>,
    line_count: usize,
}

impl Header {
    fn parse(file: &str, text: &str) -> Result<Header, HeaderError> {
        let mut header = Header::default();
        let comments = text.lines().map_while(|line| line.strip_prefix("--"));
        for (index, comment) in comments.enumerate() {
            header.line_count = index + 1;
            header
                .take(index + 1, comment)
                .map_err(|problem| HeaderError {
                    file: file.to_owned(),
                    line: index + 1,
                    problem,
                })?;
        }
        if header.title.is_empty() {
            return Err(HeaderError {
                file: file.to_owned(),
                line: 1,
                problem: "the first line is the title: -- Who is behind this access key?"
                    .to_owned(),
            });
        }
        Ok(header)
    }

    fn take(&mut self, line: usize, comment: &str) -> Result<(), String> {
        let text = comment.trim();
        let labelled = LABELS.into_iter().find_map(|label| {
            let rest = text.strip_prefix(label)?.strip_prefix(':')?;
            Some((label, rest.trim()))
        });
        if text.is_empty() {
            return Ok(());
        }
        if self.title.is_empty() {
            self.title = text.to_owned();
        } else if let Some((label, rest)) = labelled {
            if self.sections.iter().any(|(known, _)| *known == label) {
                return Err(format!("{label}: stands there twice"));
            }
            self.sections.push((label, rest.to_owned()));
        } else if let Some(declared) = text.strip_prefix('$') {
            self.parameters.push((line, parameter(declared)?));
        } else if comment.starts_with("  ") {
            self.go_on(text)?;
        } else {
            return Err(format!(
                "expected a paragraph ({}:), a parameter ($name type: what it is), or an indented line that goes on",
                LABELS.join(":, ")
            ));
        }
        Ok(())
    }

    /// Adds a line to the parameter or paragraph before it.
    fn go_on(&mut self, text: &str) -> Result<(), String> {
        let last = match (self.parameters.last_mut(), self.sections.last_mut()) {
            (Some((_, parameter)), _) => &mut parameter.description,
            (None, Some((_, section))) => section,
            (None, None) => &mut self.title,
        };
        last.push(' ');
        last.push_str(text);
        Ok(())
    }

    /// The placeholders of the text are the parameters of the header, and the days are among them.
    fn check_parameters(&self, text: &str) -> Result<(), (usize, String)> {
        let mut declared = BTreeSet::new();
        for (line, parameter) in &self.parameters {
            if !declared.insert(parameter.name.as_str()) {
                return Err((*line, format!("${} is declared twice", parameter.name)));
            }
        }
        let used: BTreeSet<&str> = placeholders(text).collect();
        let end = self.line_count;
        if let Some(name) = used.difference(&declared).next() {
            return Err((end, format!("the header does not declare ${name}")));
        }
        let is_unused = |(_, parameter): &&(usize, Parameter)| !used.contains(&*parameter.name);
        if let Some((line, parameter)) = self.parameters.iter().find(is_unused) {
            return Err((*line, format!("the SQL does not use ${}", parameter.name)));
        }
        for name in [SINCE, UNTIL] {
            let is_day = |(_, parameter): &(usize, Parameter)| {
                parameter.name == name && parameter.parameter_type == ParameterType::Day
            };
            if !self.parameters.iter().any(is_day) {
                return Err((end, format!("every investigation has ${name} day")));
            }
        }
        Ok(())
    }
}

/// Reads `name type: description`.
fn parameter(declared: &str) -> Result<Parameter, String> {
    let expected = || "a parameter is declared as $name type: what it is".to_owned();
    let (name_and_type, description) = declared.split_once(':').ok_or_else(expected)?;
    let (name, word) = name_and_type.split_once(' ').ok_or_else(expected)?;
    if !is_name(name, '_') {
        return Err(format!("${name} is not in snake case"));
    }
    let parameter_type = ParameterType::named(word.trim()).ok_or_else(|| {
        let words: Vec<_> = ParameterType::ALL.map(ParameterType::word).into();
        format!(
            "${name}: {} is none of the types {}",
            word.trim(),
            words.join(", ")
        )
    })?;
    let description = description.trim().to_owned();
    if description.is_empty() {
        return Err(expected());
    }
    Ok(Parameter {
        name: name.to_owned(),
        parameter_type,
        description,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "-- Who did it?\n--\n-- Finds: rows\n--   and more rows\n-- Read: so\n-- Scans: little\n--\n\
                          -- $who text: a name\n-- $since day: first\n-- $until day: last\n";
    const SELECT: &str =
        "SELECT 1 AS one FROM sessions WHERE dt BETWEEN $since AND $until AND origin_name = $who\n";

    #[test]
    fn the_embedded_files_have_sound_headers() {
        let catalog = Catalog::embedded().unwrap_or_else(|error| panic!("infra/athena/{error}"));
        assert!(!catalog.investigations.is_empty() && !catalog.views.is_empty());
    }

    #[test]
    fn a_header_is_read_in_full() {
        let read = Investigation::parse("who-did-it", &format!("{HEADER}{SELECT}")).unwrap();
        assert_eq!(read.question, "Who did it?");
        assert_eq!(read.finds, "rows and more rows");
        assert_eq!((&*read.read, &*read.scans), ("so", "little"));
        let who = read.parameter("who").unwrap();
        assert_eq!(
            (who.parameter_type, &*who.description),
            (ParameterType::Text, "a name")
        );
        assert_eq!(read.parameters.len(), 3);
    }

    #[test]
    fn a_malformed_header_names_file_line_and_problem() {
        let whole = format!("{HEADER}{SELECT}");
        let replaced = |from: &str, to: &str| whole.replacen(from, to, 1);
        for (text, line, problem) in [
            (replaced("did it?", "did it"), 1, "question"),
            (replaced("-- Read: so\n", ""), 1, "Read:"),
            (replaced("-- Read: so", "-- Finds: so"), 5, "twice"),
            (
                replaced("-- Read: so", "-- Reads: so"),
                5,
                "expected a paragraph",
            ),
            (replaced("who text", "who string"), 8, "none of the types"),
            (replaced("who text:", "Who text:"), 8, "snake case"),
            (replaced("who text: a name", "who text"), 8, "declared as"),
            (
                replaced("-- $who text: a name\n", ""),
                9,
                "does not declare $who",
            ),
            (
                replaced("origin_name = $who", "true"),
                8,
                "does not use $who",
            ),
            (replaced("$until day", "$until text"), 10, "$until day"),
            (replaced("-- $who", "-- $since"), 9, "declared twice"),
            (SELECT.to_owned(), 1, "title"),
        ] {
            let error = Investigation::parse("who-did-it", &text).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.problem.contains(problem), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("investigations/who-did-it.sql:"),
                "{error}"
            );
        }
        assert!(Investigation::parse("Who_did", &whole).is_err());
        assert!(View::parse("a_view", &whole).is_err());
        assert!(View::parse("a_view", "SELECT 1 AS one\n").is_err());
        assert!(View::parse("a-view", "-- Rows\nSELECT 1 AS one\n").is_err());
        assert_eq!(
            View::parse("a_view", "-- Rows\nSELECT 1 AS one\n")
                .unwrap()
                .meaning,
            "Rows"
        );
    }
}
