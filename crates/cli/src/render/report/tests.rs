//! Golden pages, and pages of what an attacker chose.

use std::sync::Arc;

use trailback_pipeline::searched::{LogObjects, Outcomes};
use trailback_sessions::{GapReason, Origin, Text};

use super::super::stories::{self, text};
use super::*;

fn case(subject: &str, hops: Vec<Session>) -> Case {
    let event_time = |session: &Session| session.issuance.record.event_time;
    let range = TimeRange::spanning(event_time(&hops[0]), event_time(&hops[hops.len() - 1]));
    Case {
        at: None,
        subject: subject.to_owned(),
        alert: Vec::new(),
        holes: Vec::new(),
        of_origin: OfOrigin {
            sessions: hops.clone(),
            is_cut: false,
        },
        window: range,
        searched: Searched {
            lake: "s3://lake/trailback/".to_owned(),
            days: [("2026-11-20".parse().unwrap(), Some(1_234_567))].into(),
            log_objects: LogObjects {
                count: 12,
                outcomes: Some(Outcomes {
                    read: 10,
                    skipped: 1,
                    failed: 1,
                    failures: vec![(Text::from("a/b.json.gz"), text("no gzip"))],
                    records: 4_321,
                    ..Outcomes::default()
                }),
            },
        },
        hops,
        candidates: Vec::new(),
    }
}

fn page(cases: &[Case]) -> String {
    let report = Report { cases, left_out: 0 };
    render(&report)
}

/// The page without its style, and with an element a line.
fn golden(cases: &[Case]) -> String {
    let page = page(cases).replace(STYLE, "…");
    page.replace("><", ">\n<")
}

#[test]
fn a_chain_is_a_page_for_the_case_file() {
    insta::assert_snapshot!(golden(&[case(
        "ASIAEXAMPLE000000003",
        stories::cross_account_chain()
    )]));
}

#[test]
fn a_gap_is_explained_with_all_that_fits() {
    let mut ambiguous = case("ASIA1", stories::gap(GapReason::Ambiguous));
    ambiguous.candidates = stories::cross_account_chain();
    insta::assert_snapshot!("gap", golden(&[ambiguous]));
    insta::assert_snapshot!("vendor", golden(&[case("ASIA2", stories::vendor_gap())]));
}

#[test]
fn several_sessions_share_a_page_with_a_list() {
    let mut cases = vec![
        case("role", stories::identity_center_refused()),
        case("role", stories::cross_account_chain()),
    ];
    cases[0].alert = vec![("Type", "UnauthorizedAccess:IAMUser/<b>".to_owned())];
    cases[1].of_origin.is_cut = true;
    cases[1].searched.log_objects.outcomes = None;
    let page = render(&Report {
        cases: &cases,
        left_out: 3,
    });
    for part in [
        "href=\"#case-2\"",
        "id=\"case-2\"",
        "3 older sessions fit too",
        "UnauthorizedAccess:IAMUser/&lt;b&gt;",
        "only the first of them were read",
        "the call was refused",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_long_chain_is_told_by_its_ends_and_many_sessions_by_the_nearest() {
    let mut hops = stories::cross_account_chain();
    for number in 100..140 {
        let before = hops[hops.len() - 1].clone();
        let next = stories::issued(number, "09:13:00", stories::PROD_ACCOUNT, "web", "again");
        hops.push(stories::linked(
            next,
            &before,
            trailback_sessions::Evidence::IssuedKey,
        ));
    }
    let mut case = case("ASIA", hops);
    case.of_origin.sessions = (200..500)
        .map(|number| stories::issued(number, "09:40:00", stories::PROD_ACCOUNT, "web", "other"))
        .chain(case.hops.clone())
        .collect();
    let page = page(&[case]);
    let rows = page.matches("<td data-label=\"Outcome\"").count();
    let own = page.matches("<tr class=\"own\">").count();
    let bars = page.matches("<line class=\"bar\"").count();
    assert_eq!((rows, own, bars), (200, 43, 40));
    assert!(page.contains("143 sessions further away in time"));
    assert!(page.contains("and so on: 33 steps, each in full below"));
    assert_eq!(page.matches("<section class=\"card\">").count(), 43);
}

/// Everything an attacker may choose, in every field that the page shows.
fn hostile_case(hostile: &str) -> Case {
    let mut hops = stories::cross_account_chain();
    for session in &mut hops {
        let facts = &mut session.issuance.session;
        facts.session_name = text(hostile);
        facts.role_name = text(hostile);
        facts.session_arn = text(hostile);
        facts.external_id = text(hostile);
        facts.source_identity = text(hostile);
        facts.access_key_id = text(hostile);
        let record = &mut session.issuance.record;
        record.event_id = Text::from(hostile);
        record.event_ids = vec![Text::from(hostile)];
        record.event_name = text(hostile);
        record.user_agent = text(hostile);
        record.source_ip_address = text(hostile);
        record.aws_region = text(hostile);
        record.error_message = text(hostile);
        session.issuance.log_objects = vec![Text::from(hostile)];
        session.issuance.policy.session_policy = text(hostile);
        session.issuance.policy.session_policy_arns = vec![Text::from(hostile)];
        session.issuance.caller.caller_arn = text(hostile);
        session
            .effective_tags
            .insert(Text::from(hostile), Text::from(hostile));
        session.issuance.session.role_account_id = text(hostile);
        session.origin = Arc::new(Origin {
            name: text(hostile),
            arn: text(hostile),
            account_id: text(hostile),
            identity_provider: text(hostile),
            access_key_id: text(hostile),
            ..stories::anna()
        });
    }
    let mut case = case(hostile, hops);
    case.candidates = case.hops.clone();
    case.searched.lake = hostile.to_owned();
    case
}

#[test]
fn what_an_attacker_chose_is_shown_and_never_markup() {
    let hostile = "</text></style></title><script>alert(1)</script>\"' onload=x <img src=http://x>\u{1b}[2J\u{202e}\u{200b}&amp;";
    // As long as what is shown of it, so that both are cut in the same places.
    let plain = page(&[hostile_case(&"x".repeat(safe(hostile).chars().count()))]);
    let page = page(&[hostile_case(hostile)]);
    let count = |page: &str, part: &str| page.matches(part).count();
    // The same elements and attributes stand there, whatever the names are.
    for part in ["<", ">", "\""] {
        assert_eq!(count(&page, part), count(&plain, part), "{part}");
    }
    let is_safe = |c: char| c == '\n' || !super::super::text::is_unsafe(c);
    assert!(page.chars().all(is_safe));
    assert!(page.contains("\\u{1b}[2J\\u{202e}\\u{200b}&amp;amp;"));
}

#[test]
fn a_name_of_2000_characters_is_whole_once_and_short_in_headings() {
    let long = "x".repeat(2_000);
    let page = page(&[hostile_case(&long)]);
    assert!(page.contains(&long));
    let heading = page.split("<h3>").nth(1).unwrap();
    let heading = heading.split("</h3>").next().unwrap();
    assert!(heading.chars().count() < 200, "{heading}");
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    let page = page(&[case("ASIA", stories::cross_account_chain())]);
    assert!(page.contains(CONTENT_SECURITY_POLICY));
    for part in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "<object",
        "url(",
        "@import",
        " style=",
        " src=",
        "onload=",
        "javascript:",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    // The only addresses name the XML of SVG.
    let addresses = page.matches("http").count();
    assert_eq!(
        addresses,
        page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count()
    );
}
