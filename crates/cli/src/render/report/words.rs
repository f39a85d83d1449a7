//! The words of the report that no other view needs: longer ones, for people who never saw AWS.

use maud::{Markup, html};
use trailback_sessions::{Outcome, Session, Text, Timestamp};

use super::super::text::safe;
use super::super::words::{self, Toned, is_refused, is_use, moment, origin, session_name, shown};
use crate::look::Tone;

/// The first characters of a text that is safe already.
pub(super) fn shortened(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The class that colours a tone.
pub(super) fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Strong => "strong",
        Tone::Dim => "soft",
        Tone::Accent => "accent",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

/// A text in its tone.
pub(super) fn toned((text, tone): &Toned) -> Markup {
    html! { span class=(class(*tone)) { (text) } }
}

/// A text from a log, to be copied: an ID, a key, an ARN.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (safe(text)) } }
}

/// One that may be absent.
pub(super) fn code_or_absent(text: Option<&Text>) -> Markup {
    match text {
        Some(text) => code(text),
        None => html! { span.soft { "not in the logs" } },
    }
}

/// A moment that machines read too.
pub(super) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (moment(at)) } " UTC" }
}

/// `09:02:11`: the time of day.
pub(super) fn time_of_day(at: Timestamp) -> String {
    let moment = moment(at);
    let time = moment.split_once(' ').map(|(_, time)| time.to_owned());
    time.unwrap_or(moment)
}

/// `3 min 29 s`: how long something took.
pub(super) fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let told: Vec<String> = units
        .iter()
        .skip_while(|(amount, _)| *amount == 0)
        .take(2)
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, unit)| format!("{amount} {unit}"))
        .collect();
    match told.is_empty() {
        true => "0 s".to_owned(),
        false => told.join(" "),
    }
}

/// What one call did, as the end of a sentence that names who made it.
pub(super) fn deed(session: &Session) -> String {
    let record = &session.issuance.record;
    let name = session_name(session);
    let account = words::account(session);
    let tried = record.outcome == Outcome::Failed;
    let end = match is_refused(session) {
        true => "and was refused",
        false => "and the call failed",
    };
    if is_use(session) {
        let call = words::call(session);
        return match tried {
            true => format!("tried to call {call} in account {account}, {end}"),
            false => format!("called {call} in account {account}"),
        };
    }
    let what = match record.event_name.as_deref() {
        Some("AssumeRole") => format!("the role session {name}"),
        Some("AssumeRoleWithSAML") => {
            format!("the role session {name}, by a sign-in through a SAML identity provider,")
        }
        Some("AssumeRoleWithWebIdentity") => {
            format!("the role session {name}, by a token of an OpenID Connect provider,")
        }
        Some("ConsoleLogin") => "a session of the AWS web console".to_owned(),
        Some("GetSessionToken") => "a temporary key for the same user".to_owned(),
        Some("AssumeRoot") => format!("the root session {name}"),
        _ => format!("the session {name}, by {},", words::call(session)),
    };
    match tried {
        true => format!("asked for {what} in account {account}, {end}"),
        false => format!("received {what} in account {account}"),
    }
}

/// Who made the call of a hop: the origin, or the session before it.
pub(super) fn doer(hops: &[Session], position: usize) -> String {
    let before = position.checked_sub(1).and_then(|before| hops.get(before));
    match (before, hops.get(position)) {
        (Some(before), _) => format!("The holder of that session ({})", session_name(before)),
        (None, Some(first)) if first.origin.known && first.chain.depth == 0 => {
            origin(&first.origin)
        }
        (None, Some(first)) if first.chain.depth > 0 => {
            "After earlier steps that are not shown, somebody".to_owned()
        }
        _ => "Somebody the logs do not name".to_owned(),
    }
}

/// From where the call came, and whether MFA was there, as the end of a sentence.
pub(super) fn circumstances(session: &Session) -> String {
    let address = shown(session.issuance.record.source_ip_address.as_ref());
    let mfa = match session.issuance.mfa.session_mfa {
        Some(true) => ", confirming it with a second factor (MFA)",
        _ => "",
    };
    format!("from {address}{mfa}")
}

#[cfg(test)]
mod tests {
    use super::{duration, shortened};

    #[test]
    fn durations_read_as_people_say_them() {
        let told: Vec<String> = [0, 59_000, 209_000, 3_600_000, 86_400_000 + 7_200_000, -5]
            .map(duration)
            .to_vec();
        assert_eq!(told, ["0 s", "59 s", "3 min 29 s", "1 h", "1 d 2 h", "0 s"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("東京東京", 2), "東京…");
        assert_eq!(shortened("東京", 2), "東京");
    }
}
