//! The case report, the flowchart and JSON, on the sample.

use crate::room::{Room, printed, told};

/// The last hop of the chain that starts with anna.berg.
const RESTORE_KEY: &str = "ASIAWO645SY5JF6HUBQ3";
/// The first hop of the vendor's chain.
const VENDOR_KEY: &str = "ASIAWO645SY5GPU6CRXL";

/// The page without its style and the place of the lake, an element a line.
fn golden(room: &Room, page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let page = format!("{head}<style></style>{body}").replace("><", ">\n<");
    page.replace(&room.lake().display().to_string(), "LAKE")
}

#[test]
fn a_page_tells_the_sample_story() {
    let room = Room::with_sample();
    let page = room.answer(&["trace", RESTORE_KEY, "--format", "html"]);
    insta::assert_snapshot!("page", golden(&room, &page));
    let page = room.answer(&["trace", VENDOR_KEY, "--format", "html"]);
    insta::assert_snapshot!("page_of_a_gap", golden(&room, &page));
}

#[test]
fn a_page_tells_all_sessions_that_fit_and_what_is_left_out() {
    let room = Room::with_sample();
    let role = "arn:aws:iam::444455556666:role/ledger-restore";
    let page = room.answer(&["trace", role, "--format", "html"]);
    assert_eq!(page.matches("<article").count(), 2);
    assert_eq!(page.matches("<!DOCTYPE html>").count(), 1);
    let one = room.run(&["trace", role, "--format", "html", "--limit", "1"]);
    assert!(printed(&one).contains("1 older session fits too"));
    assert!(told(&one).contains("1 older session not shown"));
}

#[test]
fn what_else_the_origin_held_is_limited_to_the_time_asked_for() {
    let room = Room::with_sample();
    let sessions = |arguments: &[&str]| {
        let arguments = [&["trace", RESTORE_KEY, "--format", "html"], arguments].concat();
        let page = room.answer(&arguments);
        page.split_once("class=\"panel timeline\"")
            .unwrap()
            .1
            .matches("<td data-label=\"Outcome\"")
            .count()
    };
    assert_eq!(sessions(&[]), 3);
    assert_eq!(sessions(&["--since", "2026-11-20T09:12"]), 1);
}

#[test]
fn a_flowchart_has_every_hop_of_the_sample() {
    let room = Room::with_sample();
    insta::assert_snapshot!(room.answer(&["trace", RESTORE_KEY, "--format", "mermaid"]));
}
