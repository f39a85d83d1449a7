//! Golden tests of everything people see, narrow and wide, with and without colour.

use std::sync::Arc;

use trailback_sessions::{
    Evidence, GapReason, OriginType, Outcome, Session, SessionType, Text, Timestamp,
};

use super::stories::linked;
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
            ..Trail::default()
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
fn who_typed_a_name_in_a_sign_in_that_was_refused_is_not_known() {
    let mut hops = stories::gap(GapReason::NotInLogs);
    hops.truncate(1);
    let record = &mut hops[0].issuance.record;
    record.event_name = stories::text("ConsoleLogin");
    record.outcome = Outcome::Failed;
    let text = traced("e-1", &hops, WIDE);
    assert!(
        text.contains("anybody may give the name of another"),
        "{text}"
    );
    assert!(!text.contains("not in the ingested logs"), "{text}");
    hops[0].issuance.session.session_type = SessionType::Console;
    let text = traced("e-1", &hops, NARROW);
    assert!(text.contains("gap: who it was is only claimed"), "{text}");
    for untrue in ["issuance not in the logs", words::SAME_POLICY] {
        assert!(!text.contains(untrue), "{text}");
    }
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

/// What somebody did in the console, opened from the restricted session of a chain, is still in that session.
#[test]
fn a_console_has_the_policy_of_the_session_it_was_opened_from() {
    let mut hops = stories::cross_account_chain();
    let restore = hops.pop().unwrap();
    let mut console = linked(restore.clone(), &hops[1], Evidence::IssuedKey);
    console.issuance.session.session_type = SessionType::Console;
    hops.push(console);
    let text = traced("ASIA", &hops, NARROW);
    assert!(text.contains(words::SAME_POLICY), "{text}");
    assert!(!text.contains("is free of"), "{text}");
    hops.push(linked(restore, &hops[2], Evidence::SessionContext));
    let text = traced("ASIA", &hops, WIDE);
    let free = "hop 4 is free of the session policy that restricts hop 2";
    assert!(text.contains(free), "{text}");
    let last = &mut hops[3].issuance;
    last.record.outcome = Outcome::Failed;
    let text = traced("ASIA", &hops, WIDE);
    assert!(!text.contains("is free of"), "{text}");
}

#[test]
fn what_issuances_that_fit_do_not_agree_on_is_not_told_of_one_of_them() {
    let mut hops = stories::cross_account_chain();
    hops[2].link.candidates = ["a", "b"].map(Text::from).to_vec();
    hops[2].origin_mfa = None;
    hops[2].chain_mfa_lost = None;
    let text = traced("ASIA", &hops, WIDE);
    for told in [
        "anna.berg of account 111122223333, MFA on some of the issuances that fit, not on all",
        "issued key, 2 issuances fit",
        "2 issuances fit hop 3, and hop 2 is one of them",
    ] {
        assert!(text.replace("\n", " ").contains(told), "{told}\n{text}");
    }
    for told in ["another address", "is free of"] {
        assert!(!text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn an_origin_is_told_apart_from_its_namesakes() {
    let mut session = stories::cross_account_chain().remove(0);
    let named = |session: &Session| words::named_origin(session);
    assert_eq!(
        named(&session),
        "IAM user anna.berg of account 111122223333"
    );
    let origin = Arc::make_mut(&mut session.origin);
    origin.origin_type = OriginType::WebIdentityUser;
    origin.identity_provider =
        stories::text("arn:aws:iam::111122223333:oidc-provider/oidc.evil.example");
    assert_eq!(
        named(&session),
        "web identity anna.berg of oidc.evil.example"
    );
    let origin = Arc::make_mut(&mut session.origin);
    origin.origin_type = OriginType::AssumedRole;
    origin.arn = stories::text("arn:aws:sts::111122223333:assumed-role/build/anna.berg");
    assert_eq!(
        named(&session),
        "role session build/anna.berg of account 111122223333"
    );
}

#[test]
fn a_source_identity_that_came_with_the_caller_was_not_set_here() {
    let mut hops = stories::cross_account_chain();
    let told = |hops: &[Session]| traced("ASIA", hops, WIDE);
    assert!(told(&hops).contains("anna.berg, set at hop 1 and"));
    hops[0].issuance.caller.caller_source_identity = stories::text("anna.berg");
    assert!(told(&hops).contains("anna.berg, carried into hop 1 and"));
}

#[test]
fn what_had_expired_at_the_moment_asked_for_says_so() {
    let hops = stories::cross_account_chain();
    let told = |at: Timestamp| {
        let trail = Trail {
            subject: "ASIA",
            at: Some(at),
            hops: &hops,
            ..Trail::default()
        };
        trace::render(&trail, WIDE)
    };
    let expiry = hops[2].issuance.session.expires_at.unwrap();
    assert!(told(expiry).starts_with("Who is behind ASIA at 2026-11-20 10:12:03 UTC?"));
    assert!(!told(expiry).contains("it had expired"));
    assert!(told(Timestamp(expiry.0 + 1)).contains("it had expired as logged"));
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

/// Altered or foreign logs may have one event ID and second in two accounts.
#[test]
fn rows_of_one_event_id_in_two_accounts_have_their_own_children() {
    let evidence = trailback_sessions::Evidence::IssuedKey;
    let accounts = [stories::PROD_ACCOUNT, "999988887777"];
    let parents = accounts.map(|account| stories::issued(1, "09:00:00", account, "jump", "anna"));
    let children = [2, 3].map(|number| {
        let (child, parent) = (
            stories::issued(number, "09:10:00", accounts[0], "restore", "anna"),
            &parents[number as usize - 2],
        );
        let mut child = stories::linked(child, parent, evidence);
        child.chain.hops = vec![std::sync::Arc::new(trailback_sessions::Hop {
            event_id: parent.issuance.record.event_id.clone(),
            event_time: parent.issuance.record.event_time,
            role_arn: parent.issuance.session.role_arn.clone(),
            ..trailback_sessions::Hop::default()
        })];
        child
    });
    let sessions: Vec<_> = parents.into_iter().chain(children).collect();
    let told = descendants::render("anna", &sessions, WIDE);
    let keys = told.lines().filter_map(|line| {
        let key = line.split("ASIAEXAMPLE").nth(1)?;
        Some(key.chars().take(9).collect::<String>())
    });
    let keys: Vec<String> = keys.collect();
    let expected = ["000000001", "000000002", "000000001", "000000003"];
    assert_eq!(keys, expected, "{told}");
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

#[test]
fn a_call_that_went_wrong_is_not_called_refused_and_its_code_is_told() {
    let mut hops = stories::identity_center_refused();
    let told = traced("ASIA", &hops, WIDE);
    assert!(
        told.contains("the call was refused (AccessDenied): User:"),
        "{told}"
    );
    hops[1].issuance.record.error_code = stories::text("Client.DryRunOperation");
    hops[1].issuance.record.error_message = stories::text("Request would have succeeded");
    let told = traced("ASIA", &hops, WIDE);
    assert!(told.starts_with("Who is behind ASIA?"), "{told}");
    assert!(
        told.contains("the call failed (Client.DryRunOperation): Request would have succeeded"),
        "{told}"
    );
    assert!(!told.contains("refused"), "{told}");
    for (code, is_refused) in [
        ("Client.UnauthorizedOperation", true),
        ("AccessDeniedException", true),
        ("NoSuchKey", false),
        ("ThrottlingException", false),
    ] {
        hops[1].issuance.record.error_code = stories::text(code);
        assert_eq!(words::is_refused(&hops[1]), is_refused, "{code}");
    }
}

#[test]
fn of_a_temporary_key_at_the_origin_it_is_told_that_its_issuance_is_missing() {
    let mut hops = stories::cross_account_chain();
    let key = stories::text("ASIAEXAMPLE000000077");
    for hop in &mut hops {
        Arc::make_mut(&mut hop.origin).access_key_id = key.clone();
    }
    hops[0].issuance.caller.caller_access_key_id = key;
    let told = traced("ASIA", &hops, NARROW).replace('\n', " ");
    for said in [
        "IAM user anna.berg of account 111122223333",
        "temporary key ASIAEXAMPLE000000077",
        "how ASIAEXAMPLE000000077 was handed out, and from where, is not in the logs",
    ] {
        assert!(told.contains(said), "{said}\n{told}");
    }
    let link = words::link_in_full(&hops[0], "").0;
    assert!(
        link.contains("by a temporary key whose issuance is not in the logs"),
        "{link}"
    );
    assert!(!traced("ASIA", &stories::cross_account_chain(), WIDE).contains("handed out,"));
}

#[test]
fn a_call_made_after_its_session_had_expired_stands_out() {
    let mut hops = stories::cross_account_chain();
    let is_told = |hops: &[Session]| traced("ASIA", hops, WIDE).contains("had expired as logged");
    assert!(!is_told(&hops));
    let late = Timestamp(hops[1].issuance.record.event_time.0 + 3_600_001);
    hops[2].issuance.record.event_time = late;
    assert!(is_told(&hops));
    hops[2].issuance.record.outcome = Outcome::Failed;
    assert!(!is_told(&hops));
    hops[2].issuance.record.outcome = Outcome::Issued;
    hops[1].issuance.record.event_name = stories::text("AssumeRoleWithSAML");
    assert!(!is_told(&hops));
}

#[test]
fn a_client_is_told_by_a_name_that_can_be_recognised() {
    let mut session = stories::cross_account_chain().remove(0);
    for (agent, told) in [
        ("aws-cli/2.31.4 md/awscrt#0.27.6", "with aws-cli/2.31.4"),
        (
            "[S3Console/0.4, aws-internal/3 aws-sdk-java/1]",
            "with S3Console/0.4",
        ),
        ("[Boto3/1.43]", "with Boto3/1.43"),
        ("AWS Internal", "with AWS Internal"),
    ] {
        session.issuance.record.user_agent = stories::text(agent);
        assert!(words::came_from(&session).ends_with(told), "{agent}");
    }
}
