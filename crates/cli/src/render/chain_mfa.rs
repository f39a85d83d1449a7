//! What is said of MFA over a whole chain. Rule L9 keeps apart where it was presented: of a chain in which it was presented on
//! the way, nobody may say that it is without.

use trailback_sessions::Session;

use super::remarks::{earlier_hops, hop_name};
use super::words::{Toned, fitting, origin_mfa};
use crate::look::Tone;

/// MFA beside an answer, where that of the origin must not be taken for the MFA of a session that does not have it.
pub(crate) fn answer_mfa(hops: &[Session]) -> Option<Toned> {
    let last = hops.last()?;
    let is_lost = last.chain_mfa_lost == Some(true);
    match (last_shown(hops), last.origin_mfa) {
        (Some(position), Some(true)) if is_lost && position > 0 => {
            let text = format!(
                "MFA at the origin, and last at {}",
                hop_name(hops, position)
            );
            Some((text, Tone::Warn))
        }
        (_, Some(true)) if is_lost => Some(("MFA at the origin only".to_owned(), Tone::Warn)),
        (Some(position), not_true) if position > 0 && not_true != Some(true) => {
            Some(on_the_way(hops, position, not_true == Some(false)))
        }
        (None, Some(false)) if earlier_hops(hops) > 0 => {
            Some(("without MFA at the origin".to_owned(), Tone::Warn))
        }
        _ => origin_mfa(hops),
    }
}

/// That MFA shows nowhere after a hop, and where it did.
pub(super) fn lost(hops: &[Session]) -> Option<Toned> {
    let shown = last_shown(hops).filter(|position| *position > 0);
    let (place, first_without) = match shown {
        Some(position) => (format!("{} last", hop_name(hops, position)), position + 1),
        None => {
            let is_lost = |session: &Session| session.chain_mfa_lost == Some(true);
            ("the origin only".to_owned(), hops.iter().position(is_lost)?)
        }
    };
    hops.get(first_without)?;
    let text = format!(
        "MFA stands at {place}: from {} on, neither the call nor the caller's session shows it",
        hop_name(hops, first_without)
    );
    Some((text, Tone::Warn))
}

/// The last hop of which the logs show MFA, on its call or in the session that made it.
fn last_shown(hops: &[Session]) -> Option<usize> {
    hops.iter().rposition(|session| {
        let mfa = &session.issuance.mfa;
        mfa.session_mfa == Some(true) || mfa.caller_mfa == Some(true)
    })
}

fn on_the_way(hops: &[Session], position: usize, origin_had_none: bool) -> Toned {
    let name = hop_name(hops, position);
    let is_presented = hops[position].issuance.mfa.session_mfa == Some(true);
    let mut text = match is_presented {
        true => format!("MFA presented at {name}"),
        false => format!("MFA in the session that made {name}, as logged"),
    };
    // What stands above such a link holds for one of those that fit.
    if hops[position + 1..]
        .iter()
        .any(|hop| fitting(hop).is_some())
    {
        text += ", which is one of several that fit";
    } else if is_presented && origin_had_none {
        text += ", not at the origin";
    }
    let is_last = position + 1 == hops.len();
    (text, if is_last { Tone::Good } else { Tone::Warn })
}

#[cfg(test)]
mod tests {
    use super::super::stories::cross_account_chain;
    use super::*;

    /// A chain whose origin had no MFA, with MFA on one call and in the callers' sessions of others.
    fn chain(presented: Option<usize>, in_sessions: &[usize]) -> Vec<Session> {
        let mut hops = cross_account_chain();
        for (position, session) in hops.iter_mut().enumerate() {
            session.origin_mfa = Some(false);
            session.chain_mfa_lost = Some(false);
            session.issuance.mfa.session_mfa = Some(presented == Some(position));
            session.issuance.mfa.caller_mfa = Some(in_sessions.contains(&position));
        }
        hops
    }

    #[test]
    fn a_chain_in_which_mfa_was_presented_on_the_way_is_not_without() {
        let told = |hops: &[Session]| answer_mfa(hops).map(|(text, _)| text).unwrap();
        assert_eq!(told(&chain(None, &[])), "without MFA");
        assert_eq!(
            told(&chain(Some(1), &[])),
            "MFA presented at hop 2, not at the origin"
        );
        assert_eq!(
            told(&chain(None, &[1])),
            "MFA in the session that made hop 2, as logged"
        );
        let mut one_of_several = chain(Some(1), &[]);
        one_of_several[2].link.candidates = vec!["a".into(), "b".into()];
        assert_eq!(
            told(&one_of_several),
            "MFA presented at hop 2, which is one of several that fit"
        );
        let mut unknown = chain(Some(2), &[]);
        unknown
            .iter_mut()
            .for_each(|session| session.origin_mfa = None);
        assert_eq!(told(&unknown), "MFA presented at hop 3");
    }

    #[test]
    fn a_chain_of_which_the_first_hops_are_not_shown_is_without_mfa_at_the_origin() {
        let mut hops = chain(None, &[]);
        hops[2].chain.depth = 40;
        assert_eq!(answer_mfa(&hops).unwrap().0, "without MFA at the origin");
    }

    #[test]
    fn where_mfa_ends_is_told_wherever_it_was_presented() {
        assert_eq!(lost(&chain(None, &[])), None);
        assert_eq!(lost(&chain(Some(2), &[])), None);
        let of_way = "MFA stands at hop 2 last: from hop 3 on, neither the call nor the caller's session shows it";
        assert_eq!(lost(&chain(Some(1), &[])).unwrap().0, of_way);
        let of_origin = "MFA stands at the origin only: from hop 2 on, neither the call nor the caller's session shows it";
        assert_eq!(lost(&cross_account_chain()).unwrap().0, of_origin);
    }
}
