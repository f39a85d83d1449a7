//! How printed text may look: its width, and whether it has colour.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

/// The width used where the terminal has none to offer (a pipe, a file): what fits everywhere.
const WIDTH_WITHOUT_TERMINAL: usize = 80;

/// Narrower than this nothing can be laid out.
const WIDTH_MIN: usize = 40;

/// From this width on, a trace is a table with one hop a line; below it, a block per hop.
const WIDTH_OF_TABLES: usize = 132;

/// The width and colour of one output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns to fill.
    pub(crate) width: usize,
    /// Whether ANSI colours may be written.
    pub(crate) colour: bool,
}

/// What a piece of text is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it comes.
    Plain,
    /// The answer, a heading.
    Strong,
    /// Labels, lines, what is only there for completeness.
    Dim,
    /// A name to find again: hop numbers.
    Accent,
    /// What reassures: MFA presented.
    Good,
    /// What an investigator looks at twice.
    Warn,
    /// A gap, a refusal.
    Bad,
}

impl Look {
    /// The look of standard output. Colour only on a terminal; `NO_COLOR` and its relatives are respected.
    pub(crate) fn of_stdout(colour: anstream::ColorChoice) -> Look {
        let stdout = std::io::stdout();
        let chosen = match colour {
            anstream::ColorChoice::Auto => anstream::AutoStream::choice(&stdout),
            fixed => fixed,
        };
        let width = if stdout.is_terminal() {
            terminal_size::terminal_size()
                .map_or(WIDTH_WITHOUT_TERMINAL, |(width, _)| usize::from(width.0))
        } else {
            WIDTH_WITHOUT_TERMINAL
        };
        Look {
            width: width.max(WIDTH_MIN),
            colour: chosen != anstream::ColorChoice::Never,
        }
    }

    /// Whether there is room for a table with one hop a line.
    pub(crate) fn is_wide(self) -> bool {
        self.width >= WIDTH_OF_TABLES
    }

    /// The text in its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Accent => AnsiColor::Cyan.on_default().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}
