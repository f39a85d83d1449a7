//! What no view of a record shows: session tokens, passwords, assertions and the like.

/// What CloudTrail writes in place of a value that it withholds.
const WITHHELD: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members whose names end like a secret and hold none: the subject of a web identity token, and the outcome of
/// GetSigninToken.
const HARMLESS: [&str; 2] = ["subjectFromWebIdentityToken", "GetSigninToken"];

/// Texts shorter than this are no session token: AWS's are several hundred characters long.
const TOKEN_LENGTH_MIN: usize = 100;

/// Base64 of the marks near the start of a session token (`origin_ec`, `er/aws`, `aws`), two characters in.
const SESSION_TOKEN_MARKS: [&str; 3] = ["oJb3JpZ2luX2Vj", "oGZXIvYXdz", "oDYXdz"];

/// Whether the member `name` holds a secret: its text, numbers and lists are then invisible.
///
/// Decided by how the name ends, in any case: `sessionToken`, `refreshToken`, `secretAccessKey`, `tokenCode`,
/// `newPassword`, `contextAssertion`. (`sAMLAssertionID` names an assertion and holds none.)
pub(crate) fn is_secret_name(name: &str) -> bool {
    let [.., second_last, last] = name.as_bytes() else {
        return false;
    };
    // Asked for every member that is looked at: two letters tell nearly all others apart.
    let endings: &[&str] = match [second_last, last].map(u8::to_ascii_lowercase) {
        [b'r', b'd'] => &["password"],
        [b'd', b'e'] => &["tokencode", "passcode", "devicecode", "authorizationcode"],
        [b's', b'e'] => &["samlresponse"],
        [b'e', b'n'] => &["token"],
        [b'o', b'n'] => &["assertion"],
        [b'e', b'r'] => &["codeverifier"],
        [b'e', b't'] => &["secret"],
        [b'e', b'y'] => &["secretaccesskey", "secretkey", "privatekey"],
        _ => return false,
    };
    let ends_like_a_secret = endings.iter().any(|ending| ends_with(name, ending));
    (ends_like_a_secret || name.eq_ignore_ascii_case("code")) && !HARMLESS.contains(&name)
}

/// Whether an object under a secret name stays visible, each of its members judged by its own name: the sign-in
/// service answers with `accessToken: { accessKeyId, secretAccessKey, sessionToken }`.
pub(crate) fn may_hold_an_object(name: &str) -> bool {
    ends_with(name, "token")
}

/// Whether `text` is withheld by CloudTrail, or is a session token or signed web token under whatever name.
pub(crate) fn is_secret_text(text: &str) -> bool {
    text == WITHHELD || (text.len() >= TOKEN_LENGTH_MIN && looks_like_a_token(text))
}

fn looks_like_a_token(text: &str) -> bool {
    let is_session_token = text.get(2..).is_some_and(|rest| {
        SESSION_TOKEN_MARKS
            .iter()
            .any(|mark| rest.starts_with(mark))
    });
    let is_signed_web_token = text.starts_with("eyJ") && text.matches('.').take(3).count() == 2;
    is_session_token || is_signed_web_token
}

/// `ending` is lower case.
fn ends_with(name: &str, ending: &str) -> bool {
    name.len()
        .checked_sub(ending.len())
        .and_then(|at| name.as_bytes().get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(ending.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_case() {
        for name in [
            "sessionToken",
            "SessionToken",
            "token",
            "refreshToken",
            "tradeInToken",
            "secretAccessKey",
            "password",
            "newPassword",
            "tokenCode",
            "code",
            "assertion",
            "sAMLAssertion",
            "contextAssertion",
            "clientSecret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_resemble_secrets_stay_visible() {
        for name in [
            "",
            "accessKeyId",
            "sAMLAssertionID",
            "subjectFromWebIdentityToken",
            "GetSigninToken",
            "packedPolicySize",
            "minimumSessionTokenSize",
            "errorCode",
            "roleSessionName",
            "key",
            "credentials",
            "é",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_look_under_any_name() {
        let filling = "A".repeat(TOKEN_LENGTH_MIN);
        for start in ["IQoJb3JpZ2luX2VjE", "FwoGZXIvYXdzE", "FQoDYXdzE"] {
            assert!(is_secret_text(&format!("{start}{filling}")), "{start}");
        }
        assert!(is_secret_text(&format!("eyJhbGciOi.{filling}.{filling}")));
        assert!(is_secret_text(WITHHELD));
        assert!(!is_secret_text("IQoJb3JpZ2luX2VjE"));
        assert!(!is_secret_text(&filling));
        assert!(!is_secret_text(&format!("é{filling}")));
    }
}
