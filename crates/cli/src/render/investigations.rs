//! The saved investigations: which there are, and what one asks for.

use trailback_investigations::parameters::Parameter;
use trailback_investigations::saved::{Investigation, SINCE, UNTIL};

use super::page::{Page, Rail};
use crate::look::{Look, Tone};

/// Every investigation with its question.
pub(crate) fn list(investigations: &[Investigation], look: Look) -> String {
    let mut page = Page::new(look);
    for investigation in investigations {
        page.paragraph(&(investigation.name.clone(), Tone::Accent));
        page.bullet("    ", &(investigation.question.clone(), Tone::Plain));
    }
    page.into_text()
}

/// One investigation: what it finds, how to read it, and how to ask it.
pub(crate) fn explain(investigation: &Investigation, look: Look) -> String {
    let mut page = Page::new(look);
    page.paragraph(&(investigation.question.clone(), Tone::Strong));
    page.gap("");
    let sections = [
        ("finds", &investigation.finds),
        ("read", &investigation.read),
        ("scans", &investigation.scans),
    ];
    for (label, text) in sections {
        page.entry(Rail::NONE, (label, Tone::Dim), &(text.clone(), Tone::Plain));
    }
    page.gap("");
    for parameter in &investigation.parameters {
        page.bullet("  ", &(asked_for(parameter), Tone::Plain));
    }
    page.gap("");
    page.bullet("  ", &(example(investigation), Tone::Accent));
    page.into_text()
}

/// `--param access_key_id=… (text): the key as the alert shows it`.
pub(crate) fn asked_for(parameter: &Parameter) -> String {
    let typed = match parameter.name.as_str() {
        SINCE | UNTIL => format!("--{}", parameter.name),
        name => format!("--param {name}=…"),
    };
    let word = parameter.parameter_type.word();
    format!("{typed} ({word}): {}", parameter.description)
}

/// A command that asks it.
pub(crate) fn example(investigation: &Investigation) -> String {
    let mut command = format!("trailback investigate {}", investigation.name);
    let needed = investigation
        .parameters
        .iter()
        .filter(|parameter| is_needed(parameter));
    for parameter in needed {
        command += &format!(" --param {}={}", parameter.name, example_value(parameter));
    }
    command + " --lake LAKE"
}

/// Whether the program cannot know the value by itself.
pub(crate) fn is_needed(parameter: &Parameter) -> bool {
    parameter.name != SINCE && parameter.name != UNTIL
}

/// The value that the description gives as an example.
fn example_value(parameter: &Parameter) -> String {
    let example = parameter
        .description
        .split_once("such as ")
        .map(|(_, example)| example.split([',', ';', ' ']).next().unwrap_or_default())
        .filter(|example| !example.is_empty() && parameter.parse(example).is_ok());
    let example = example.unwrap_or(parameter.parameter_type.example());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/=@+%,".contains(c);
    if example.chars().all(is_plain) {
        example.to_owned()
    } else {
        format!("'{}'", example.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use trailback_investigations::parameters::Values;
    use trailback_investigations::saved::Catalog;

    use super::*;

    #[test]
    fn every_example_is_a_command_that_is_understood() {
        for investigation in Catalog::embedded().unwrap().investigations {
            let command = example(&investigation);
            let mut values = Values::new();
            for pair in command.split(" --param ").skip(1) {
                let pair = pair.trim_end_matches(" --lake LAKE");
                let (name, value) = pair.split_once('=').unwrap();
                let parameter = investigation.parameter(name).unwrap();
                values.insert(
                    name.to_owned(),
                    parameter.parse(value.trim_matches('\'')).unwrap(),
                );
            }
            assert_eq!(
                values.len() + 2,
                investigation.parameters.len(),
                "{command}"
            );
        }
    }
}
