//! Text from logs made safe to print, and wrapped to a width.

use textwrap::{Options, WordSeparator, WordSplitter};

/// Makes text from a log safe to print.
///
/// Session names, user agents, tags and error messages are chosen by whoever made the call, and a terminal obeys
/// what it is sent. Control characters (ANSI escapes start with one), and the characters that reorder or hide text,
/// become visible escapes such as `\u{1b}`; nothing else changes.
pub(crate) fn safe(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            printed.extend(character.escape_unicode());
        } else {
            printed.push(character);
        }
    }
    printed
}

/// Control characters, separators that end a line, characters that change the direction of text, and those that show nothing
/// (Unicode's `Default_Ignorable_Code_Point`).
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Breaks text at spaces into lines of at most `width` columns.
///
/// A longer word (an ARN, the name of a log object) stays whole, so that it can be copied; the terminal wraps it.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.max(1))
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options)
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

/// How many columns the text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// `1 hop`, `2 hops`: a count with its noun, thousands grouped.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// `12,345,678`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{count, grouped, safe, wrap};

    #[test]
    fn an_escape_sequence_in_a_session_name_is_shown_not_obeyed() {
        assert_eq!(safe("anna\x1b[2J\x07"), "anna\\u{1b}[2J\\u{7}");
        assert_eq!(safe("line\r\nnext\u{85}"), "line\\u{d}\\u{a}next\\u{85}");
        assert_eq!(safe("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn characters_that_reorder_or_hide_text_are_shown() {
        assert_eq!(safe("admin\u{202e}gnp.exe"), "admin\\u{202e}gnp.exe");
        assert_eq!(safe("an\u{200b}na\u{feff}"), "an\\u{200b}na\\u{feff}");
    }

    #[test]
    fn ordinary_text_of_any_language_stays() {
        assert_eq!(safe("Müller 東京 🚀 a+b=c"), "Müller 東京 🚀 a+b=c");
    }

    #[test]
    fn an_arn_is_never_broken() {
        let arn = "arn:aws:iam::111122223333:role/engineers/jump";
        assert_eq!(wrap(&format!("role {arn} here"), 20), ["role", arn, "here"]);
    }

    #[test]
    fn counts_read_as_people_write_them() {
        assert_eq!(count(1, "hop", "hops"), "1 hop");
        assert_eq!(count(0, "hop", "hops"), "0 hops");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
