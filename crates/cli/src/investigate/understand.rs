//! What was meant by the name and parameters that were typed.

use std::ops::RangeInclusive;

use trailback_investigations::parameters::{ParameterError, Value, Values};
use trailback_investigations::saved::{BASELINE, Catalog, Investigation, SINCE, UNTIL};
use trailback_tables::partition::Day;

use crate::args;
use crate::render::investigations::{asked_for, example, is_needed};
use crate::settings::WrongUse;

/// How many names are suggested for a wrong one.
const SUGGESTIONS: usize = 3;

/// A name that no investigation has.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no investigation {typed}")]
#[diagnostic(help("{help}"))]
pub(crate) struct NoInvestigation {
    typed: String,
    help: String,
}

impl NoInvestigation {
    /// Suggests the names that come nearest.
    pub(crate) fn named(typed: &str, catalog: &Catalog) -> NoInvestigation {
        let mut names: Vec<&str> = catalog
            .investigations
            .iter()
            .map(|known| &*known.name)
            .collect();
        names.sort_by(|a, b| {
            nearness(typed, b)
                .total_cmp(&nearness(typed, a))
                .then(a.cmp(b))
        });
        names.truncate(SUGGESTIONS);
        let help = format!(
            "did you mean one of these? `trailback investigate` lists them all\n{}",
            names.join("\n")
        );
        NoInvestigation {
            typed: typed.to_owned(),
            help,
        }
    }
}

/// How near a name comes to what was typed: names are sentences, so words that they share count most.
fn nearness(typed: &str, name: &str) -> f64 {
    let typed = typed.to_lowercase();
    let words = typed
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let nearest = |word: &str| {
        let near = name
            .split('-')
            .map(|known| strsim::jaro_winkler(word, known));
        near.fold(0.0, f64::max)
    };
    let shared: f64 = words.map(|word| nearest(word).powi(4)).sum();
    shared + strsim::jaro_winkler(&typed, name)
}

/// Wrong parameters.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum WrongParameter {
    /// Some that are needed were not given.
    #[error("{name} needs {missing}")]
    #[diagnostic(help("{help}"))]
    Missing {
        name: String,
        missing: String,
        help: String,
    },
    /// Not of the form NAME=VALUE.
    #[error("--param {text}: not a pair")]
    #[diagnostic(help("a parameter is written NAME=VALUE, as in --param access_key_id=ASIA…"))]
    NoPair { text: String },
    /// Not one of this investigation.
    #[error("{name} has no parameter {parameter}")]
    #[diagnostic(help("{help}"))]
    Unknown {
        name: String,
        parameter: String,
        help: String,
    },
    /// Given more than once.
    #[error("parameter {parameter} is given twice")]
    Twice { parameter: String },
    /// There is nothing before the days that are reported.
    #[error("--since {since}, and must be after baseline {baseline}")]
    #[diagnostic(help(
        "the days from baseline to the one before --since are what is known; what is new from --since on is reported"
    ))]
    Baseline { baseline: String, since: String },
    /// Not of its type.
    #[error(transparent)]
    #[diagnostic(help("{}", .0.parameter_type.accepted()))]
    Value(#[from] ParameterError),
}

/// The parameters as they were typed.
#[derive(Debug)]
pub(crate) struct Typed(Values);

impl Typed {
    /// Understands them; only the days may still be missing.
    pub(crate) fn understand(
        typed: &args::Investigate,
        investigation: &Investigation,
    ) -> Result<Typed, miette::Report> {
        let mut values = Values::new();
        let days = [(SINCE, &typed.since), (UNTIL, &typed.until)];
        let days = days
            .into_iter()
            .filter_map(|(name, given)| Some((name, given.as_deref()?)));
        let pairs = typed.parameters.iter().map(|text| pair(text));
        for given in days.map(Ok).chain(pairs) {
            let (name, text) = given?;
            let value = parse(investigation, name, text)?;
            if values.insert(name.to_owned(), value).is_some() {
                let parameter = name.to_owned();
                return Err(WrongParameter::Twice { parameter }.into());
            }
        }
        check_complete(investigation, &values)?;
        check_days(&values)?;
        check_baseline(&values)?;
        Ok(Typed(values))
    }

    /// With the days of the lake where none were typed.
    pub(crate) fn within(self, days: &RangeInclusive<Day>) -> Values {
        let mut values = self.0;
        for (name, day) in [(SINCE, days.start()), (UNTIL, days.end())] {
            values.entry(name.to_owned()).or_insert(Value::Day(*day));
        }
        values
    }
}

fn pair(text: &str) -> Result<(&str, &str), WrongParameter> {
    text.split_once('=').ok_or_else(|| WrongParameter::NoPair {
        text: text.to_owned(),
    })
}

fn parse(investigation: &Investigation, name: &str, text: &str) -> Result<Value, WrongParameter> {
    match investigation.parameter(name) {
        Some(parameter) => Ok(parameter.parse(text)?),
        None => Err(WrongParameter::Unknown {
            name: investigation.name.clone(),
            parameter: name.to_owned(),
            help: help(investigation),
        }),
    }
}

fn check_complete(investigation: &Investigation, values: &Values) -> Result<(), WrongParameter> {
    let needed = investigation
        .parameters
        .iter()
        .filter(|parameter| is_needed(parameter));
    let missing: Vec<&str> = needed
        .map(|parameter| &*parameter.name)
        .filter(|name| !values.contains_key(*name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(WrongParameter::Missing {
        name: investigation.name.clone(),
        missing: missing.join(" and "),
        help: help(investigation),
    })
}

fn check_days(values: &Values) -> Result<(), WrongUse> {
    match (values.get(SINCE), values.get(UNTIL)) {
        (Some(Value::Day(since)), Some(Value::Day(until))) if since > until => {
            Err(WrongUse::EmptyPeriod {
                since: since.to_string(),
                until: until.to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// What is new is told by the days before it: without such days everything is new, or nothing.
fn check_baseline(values: &Values) -> Result<(), WrongParameter> {
    let (baseline, since) = (values.get(BASELINE), values.get(SINCE));
    match (baseline, since) {
        (Some(Value::Day(baseline)), Some(Value::Day(since))) if baseline < since => Ok(()),
        (Some(baseline), since) => Err(WrongParameter::Baseline {
            baseline: baseline.to_string(),
            since: since.map_or_else(|| "is missing".to_owned(), |since| format!("is {since}")),
        }),
        (None, _) => Ok(()),
    }
}

/// What the investigation asks for, and a command that gives it.
fn help(investigation: &Investigation) -> String {
    let parameters = investigation.parameters.iter().map(asked_for);
    let lines: Vec<String> = parameters
        .chain([String::new(), example(investigation)])
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_leads_to_the_nearest_ones() {
        let catalog = Catalog::embedded().unwrap();
        for (typed, meant) in [
            (
                "who-is-behind-this-acces-key",
                "who-is-behind-this-access-key",
            ),
            ("behind-key", "who-is-behind-this-access-key"),
            ("juggling", "who-juggles-roles"),
            ("imds", "which-instances-use-imds-v1"),
        ] {
            let told = NoInvestigation::named(typed, &catalog).help;
            assert!(told.contains(meant), "{typed}: {told}");
        }
    }
}
