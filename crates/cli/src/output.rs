//! Standard output, where data goes; a reader that has seen enough is no error.

use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};
use textwrap::{WordSeparator, WordSplitter};
use trailback_pipeline::causes::with_causes;
use trailback_pipeline::link::LinkError;
use trailback_pipeline::tally::Problem;

use crate::Answer;
use crate::args::Colour;
use crate::render::text::{count, safe, wrap};

/// The width of errors, unless the terminal is narrower: they land in files and tickets.
const ERROR_COLUMNS_MAX: usize = 100;

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum OutputError {
    /// The reader closed its end (`trailback … | head`).
    #[error("standard output is closed")]
    Closed,
    /// Something else.
    #[error("cannot write to standard output")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> OutputError {
        if error.kind() == io::ErrorKind::BrokenPipe {
            OutputError::Closed
        } else {
            OutputError::Failed(error)
        }
    }
}

/// Writes text to standard output.
pub(crate) fn print(text: &str) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Lets errors be drawn with colour where standard error shows it, or where it is asked for.
pub(crate) fn report_errors_in_colour(colour: Colour) {
    let is_coloured = match colour {
        Colour::Auto => anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never,
        Colour::Always => true,
        Colour::Never => false,
    };
    let theme = if is_coloured {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let columns = terminal_size::terminal_size_of(io::stderr())
        .map_or(ERROR_COLUMNS_MAX, |(width, _)| usize::from(width.0));
    // Fails only where a handler is set already; then that one draws.
    let _ = miette::set_hook(Box::new(move |_| {
        // Paths and ARNs in an error are there to be copied: no breaking, not even at their hyphens.
        let handler = GraphicalReportHandler::new_themed(theme.clone())
            .with_width(columns.min(ERROR_COLUMNS_MAX))
            .with_break_words(false)
            .with_word_separator(WordSeparator::AsciiSpace)
            .with_word_splitter(WordSplitter::NoHyphenation)
            .with_links(false);
        Box::new(handler)
    }));
}

/// Writes a line of talk to standard error; on a terminal it is broken between words. Nobody can be told that this failed.
pub(crate) fn tell(text: &str) {
    let width = terminal_size::terminal_size_of(io::stderr());
    let width = width.map(|(width, _)| usize::from(width.0));
    let mut stderr = anstream::stderr().lock();
    for line in text.split('\n') {
        let _ = match width {
            Some(width) => writeln!(stderr, "{}", wrap(line, width).join("\n")),
            None => writeln!(stderr, "{line}"),
        };
    }
}

/// Names why some hours were left out of linking; the answer lacks them.
pub(crate) fn name_left_out(left_out: &[LinkError]) -> Answer {
    for failure in left_out {
        tell(&safe(&format!("not linked: {}", with_causes(failure))));
    }
    match left_out {
        [] => Answer::Complete,
        left_out => {
            let hours = count(left_out.len() as u64, "hour stays", "hours stay");
            tell(&format!("{hours} as published; all else was linked"));
            Answer::Incomplete
        }
    }
}

/// Names each unreadable object once, with its reason.
pub(crate) fn name_problems(problems: &[Problem]) {
    for problem in problems {
        tell(&format!("unreadable: {}", safe(&problem.to_string())));
    }
    if !problems.is_empty() {
        let objects = count(problems.len() as u64, "log object", "log objects");
        tell(&format!(
            "{objects} could not be read in full; everything else was read"
        ));
    }
}
