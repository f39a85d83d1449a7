//! Golden tests of everything people see, narrow and wide, with and without colour.

use trailback_sessions::{GapReason, Session};

use super::trace::Trail;
use super::{descendants, listing, stories, trace, words};
use crate::look::Look;

const NARROW: Look = Look {
    width: 80,
    colour: false,
};
const WIDE: Look = Look {
    width: 160,
    colour: false,
};

fn traced(subject: &str, hops: &[Session], look: Look) -> String {
    trace::render(
        &Trail {
            subject,
            hops,
            holes: &[],
        },
        look,
    )
}

#[test]
fn a_trace_reads_from_the_origin_down_at_80_columns() {
    insta::assert_snapshot!(traced(
        "ASIAEXAMPLE000000003",
        &stories::cross_account_chain(),
        NARROW
    ));
}

#[test]
fn a_trace_is_one_hop_a_line_at_160_columns() {
    insta::assert_snapshot!(traced(
        "ASIAEXAMPLE000000003",
        &stories::cross_account_chain(),
        WIDE
    ));
}

#[test]
fn a_trace_has_colour_where_it_may() {
    let colour = |look| Look {
        colour: true,
        ..look
    };
    insta::assert_snapshot!(
        "coloured_narrow",
        traced(
            "ASIAEXAMPLE000000003",
            &stories::cross_account_chain(),
            colour(NARROW)
        )
    );
    insta::assert_snapshot!(
        "coloured_wide",
        traced(
            "ASIAEXAMPLE000000003",
            &stories::cross_account_chain(),
            colour(WIDE)
        )
    );
}

#[test]
fn a_vendor_gap_says_what_is_known_and_what_to_do() {
    insta::assert_snapshot!(
        "vendor_narrow",
        traced("ASIAEXAMPLE000000005", &stories::vendor_gap(), NARROW)
    );
    insta::assert_snapshot!(
        "vendor_wide",
        traced("ASIAEXAMPLE000000005", &stories::vendor_gap(), WIDE)
    );
}

#[test]
fn every_kind_of_gap_says_why() {
    let reasons = [GapReason::NotInLogs, GapReason::Ambiguous, GapReason::Loop];
    let traces = reasons.map(|reason| {
        traced(
            "00000000-0000-4000-8000-000000000006",
            &stories::gap(reason),
            NARROW,
        )
    });
    insta::assert_snapshot!(traces.join("\n"));
}

#[test]
fn a_gap_says_where_the_missing_call_is_logged() {
    let change = |reason, change: fn(&mut trailback_sessions::CallerFacts)| {
        let mut hops = stories::gap(reason);
        change(&mut hops[0].issuance.caller);
        traced("00000000-0000-4000-8000-000000000006", &hops, NARROW)
    };
    let traces = [
        change(GapReason::NotInLogs, |caller| {
            caller.caller_assumed_root = Some(true);
        }),
        change(GapReason::NotInLogs, |caller| {
            caller.caller_delegate_account_id = stories::text("999988887777");
        }),
        change(GapReason::NotInLogs, |caller| {
            caller.caller_access_key_id = None;
            caller.caller_session_created_at = None;
        }),
        change(GapReason::CallerCopyMissing, |caller| {
            caller.caller_account_id = stories::text("ANONYMOUS_PRINCIPAL");
        }),
    ];
    insta::assert_snapshot!(traces.join("\n"));
}

/// AWS says how full a session's room for policies and tags is, also where what fills it is withheld.
#[test]
fn a_policy_that_is_withheld_is_not_none() {
    let mut hops = stories::cross_account_chain();
    hops[0].issuance.policy = trailback_sessions::PolicyFacts::default();
    hops[0].issuance.tags = trailback_sessions::TagFacts::default();
    assert!(words::has_request(&hops[0]));
    hops[0].issuance.policy.packed_policy_size = Some(12);
    assert!(!words::has_request(&hops[0]));
}

#[test]
fn a_key_that_only_some_candidates_began_with_is_not_told() {
    let mut hops = stories::cross_account_chain();
    let of_first = traced("ASIAEXAMPLE000000003", &hops, NARROW);
    assert!(of_first.contains("access key AKIA"));
    let origin = std::sync::Arc::make_mut(&mut hops[2].origin);
    origin.access_key_id = None;
    let told = traced("ASIAEXAMPLE000000003", &hops, NARROW);
    assert!(!told.contains("access key AKIA") && told.contains("access key is not known"));
}

#[test]
fn a_session_that_may_descend_is_told_apart() {
    let mut sessions = stories::cross_account_chain();
    let mut child = stories::gap(GapReason::Ambiguous).remove(0);
    child.link.candidates = vec![
        sessions[1].issuance.record.event_id.clone(),
        "00000000-0000-4000-8000-000000000099".into(),
    ];
    sessions.push(child);
    insta::assert_snapshot!(descendants::render(
        "AKIARTX3GSDSW4KXJQ6B",
        &sessions,
        NARROW
    ));
}

#[test]
fn a_refused_call_and_a_key_that_was_never_issued_are_explained() {
    insta::assert_snapshot!(traced(
        "ASIAWO645SY5LMB7Y2NJ",
        &stories::identity_center_refused(),
        NARROW
    ));
}

#[test]
fn what_an_attacker_chose_reaches_no_terminal() {
    for look in [NARROW, WIDE] {
        let hops = stories::hostile();
        let printed = [
            traced("\u{1b}[2J", &hops, look),
            descendants::render("\u{7}", &hops, look),
            listing::render(&hops, look),
        ];
        for text in printed {
            assert!(
                text.chars()
                    .all(|character| character == '\n' || !character.is_control()),
                "{text:?}"
            );
            assert!(!text.contains('\u{202e}'), "{text:?}");
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_unless_a_name_is() {
    let hops = stories::cross_account_chain();
    for width in [60, 80, 100, 131] {
        for line in traced(
            "ASIAEXAMPLE000000003",
            &hops,
            Look {
                width,
                colour: false,
            },
        )
        .lines()
        {
            let has_long_name = line.split(' ').any(|word| word.len() > width - 20);
            assert!(
                super::text::columns(line) <= width || has_long_name,
                "{width}: {line}"
            );
        }
    }
}

#[test]
fn descendants_are_a_tree() {
    let mut sessions = stories::cross_account_chain();
    sessions.extend(stories::identity_center_refused());
    sessions.reverse();
    insta::assert_snapshot!(descendants::render(
        "AKIARTX3GSDSW4KXJQ6B",
        &sessions,
        NARROW
    ));
}

#[test]
fn a_list_has_fewer_columns_where_there_is_no_room() {
    let mut sessions = stories::cross_account_chain();
    sessions.extend(stories::vendor_gap());
    insta::assert_snapshot!("list_narrow", listing::render(&sessions, NARROW));
    insta::assert_snapshot!("list_wide", listing::render(&sessions, WIDE));
}

#[test]
fn a_chain_of_thousands_of_hops_is_printed_without_recursion() {
    let mut sessions = vec![stories::issued(
        1,
        "09:00:00",
        stories::PROD_ACCOUNT,
        "a",
        "juggler",
    )];
    for number in 2..5_000 {
        let next = stories::issued(number, "09:00:00", stories::PROD_ACCOUNT, "b", "juggler");
        let next = stories::linked(
            next,
            &sessions[sessions.len() - 1],
            trailback_sessions::Evidence::IssuedKey,
        );
        sessions.push(next);
    }
    let printed = descendants::render("x", &sessions, NARROW);
    assert_eq!(
        printed
            .lines()
            .filter(|line| line.contains("/ juggler"))
            .count(),
        4_999
    );
}
