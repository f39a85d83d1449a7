//! What an access key ID or principal ID says by itself: its kind and its account.
//!
//! Since March 2019 the nine characters after the prefix of an ID hold the number of the account that owns it. Older
//! IDs, whose fifth character stands before `Q` in the base32 alphabet, say nothing.

use crate::issuance::Text;

/// The prefixes of the IDs that hold an account: long-term keys, temporary keys, roles and users.
const PREFIXES: [&str; 4] = ["AKIA", "ASIA", "AROA", "AIDA"];

/// How many accounts there can be: account IDs have twelve digits.
const ACCOUNTS_MAX: u64 = 1_000_000_000_000;

/// Whether this is the ID of a long-term access key (`AKIA…`), which no session was issued with.
pub fn is_long_term(access_key_id: &str) -> bool {
    access_key_id.starts_with("AKIA")
}

/// Whether this is the ID of a temporary access key (`ASIA…`).
pub fn is_temporary(access_key_id: &str) -> bool {
    access_key_id.starts_with("ASIA")
}

/// The account (twelve digits) encoded in an access key ID (`AKIA…`, `ASIA…`) or in a principal ID (`AIDA…`, `AROA…`,
/// with or without `:session`); `None` for IDs of before March 2019 and for anything else.
pub fn account_id(unique_id: &str) -> Option<Text> {
    let id = unique_id.split(':').next()?;
    let encoded = PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix))?;
    let encoded = encoded.as_bytes();
    let digits = encoded.get(..8)?;
    let half = *encoded.get(8)?;
    if !encoded.iter().all(|character| base32(*character).is_some()) {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        number = number * 32 + base32(*digit)?;
    }
    let first = base32(b'Q')? << 35;
    let account = 2 * number.checked_sub(first)? + u64::from(base32(half)? >= base32(b'Q')?);
    (account < ACCOUNTS_MAX).then(|| format!("{account:012}").into())
}

/// The value of a base32 digit (RFC 4648).
fn base32(character: u8) -> Option<u64> {
    match character {
        b'A'..=b'Z' => Some(u64::from(character - b'A')),
        b'2'..=b'7' => Some(u64::from(character - b'2') + 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The inverse of the decoding, written the other way round.
    fn encode(prefix: &str, account: u64) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let number = account / 2 + (16 << 35);
        let mut id = String::from(prefix);
        for place in (0..8).rev() {
            id.push(char::from(alphabet[(number >> (5 * place)) as usize & 31]));
        }
        id.push(if account % 2 == 1 { '3' } else { 'C' });
        id + "ZZZZZZZ"
    }

    #[test]
    fn an_id_tells_its_account() {
        // The worked example by which the encoding became known.
        assert_eq!(
            account_id("ASIAQNZGKIQY56JQ7WML").as_deref(),
            Some("029608264753")
        );
        assert_eq!(
            account_id("AROARTX3GSDS5EXAMPLE:GitHub").as_deref(),
            Some("111122223333")
        );
        assert_eq!(
            account_id("AIDARTX3GSDSAEXAMPLE").as_deref(),
            Some("111122223332")
        );
    }

    #[test]
    fn an_old_or_broken_id_tells_nothing() {
        for id in [
            "",
            "ASIA",
            "AKIAIOSFODNN7EXAMPLE",
            "AIDAJ45Q7YFFAREXAMPLE",
            "AROAIN5ATK5U7KEXAMPLE:name",
            "ANPA3ISBVQKHLCPMWHJG5",
            "ASIA****************",
            "ASIA3ISBVQKH",
            "ASIA3ISBVQKé",
            "asia3isbvqkhjocmrqjh",
            "ASIA777777777ZZZZZZZ",
        ] {
            assert_eq!(account_id(id), None, "{id}");
        }
    }

    #[test]
    fn long_term_and_temporary_keys_are_told_apart() {
        assert!(is_long_term("AKIAQNZGKIQY56JQ7WML") && !is_temporary("AKIAQNZGKIQY56JQ7WML"));
        assert!(is_temporary("ASIAQNZGKIQY56JQ7WML") && !is_long_term("ASIAQNZGKIQY56JQ7WML"));
        assert!(!is_temporary("") && !is_long_term("AROAQNZGKIQY56JQ7WML"));
    }

    proptest! {
        #[test]
        fn every_account_is_read_back(account in 0..ACCOUNTS_MAX, prefix in 0..4_usize) {
            let id = encode(PREFIXES[prefix], account);
            prop_assert_eq!(account_id(&id), Some(format!("{account:012}").into()));
        }

        #[test]
        fn no_text_is_too_odd(id in ".{0,30}") {
            let _ = account_id(&format!("ASIA{id}"));
            let _ = account_id(&id);
        }
    }
}
