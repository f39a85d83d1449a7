//! What holds for any set of records: order, grouping and repetition change nothing, and the naive twin agrees.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use trailback_sessions::{Issuance, LinkStatus, Outcome, Session, SessionType, merge, table_order};

use crate::naive::{Plain, naive_link};
use crate::story::{OTHER_ACCOUNT, Story, assume_role, at, link_by_hours, link_by_pieces, text};

/// A small world, so that keys recur, seconds collide and circles close.
fn record() -> impl Strategy<Value = Issuance> {
    (issued(), called(), odd()).prop_map(
        |((id, second, role, session, key), (caller, caller_key, created), odd)| {
            let row = assume_role(
                &format!("e-{id:02}"),
                second,
                role,
                session,
                &format!("ASIA{key}"),
            );
            let row = match caller {
                0 => row.by_user("ann"),
                1 => row.by_user("bob"),
                2 => row.by_service("rds.amazonaws.com"),
                3 => row.by_other_account("AROAfar:away"),
                role => row.by_role(
                    ["a", "b"][role % 2],
                    ["s", "t"][role / 2 % 2],
                    &format!("ASIA{caller_key}"),
                    created,
                ),
            };
            odd.apply(row)
        },
    )
}

/// Seconds around an hour's end, and some a day and a half later, at the edge of the window.
fn second() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 3590i64..3610, 1 => (3590i64 + 129_590)..(3610 + 129_600)]
}

fn issued() -> impl Strategy<Value = (u8, i64, &'static str, &'static str, u8)> {
    (
        0u8..30,
        second(),
        select(vec!["a", "b"]),
        select(vec!["s", "t"]),
        0u8..5,
    )
}

fn called() -> impl Strategy<Value = (usize, u8, i64)> {
    (0usize..14, 0u8..6, second())
}

#[derive(Clone, Debug)]
struct Odd {
    kind: u8,
    number: u8,
    mfa: Option<bool>,
    tags: u8,
    source_identity: usize,
}

fn odd() -> impl Strategy<Value = Odd> {
    let oddities = (0u8..28, 0u8..30, any::<Option<bool>>(), 0u8..9, 0usize..10);
    oddities.prop_map(|(kind, number, mfa, tags, source_identity)| Odd {
        kind,
        number,
        mfa,
        tags,
        source_identity,
    })
}

impl Odd {
    fn apply(&self, mut row: Issuance) -> Issuance {
        row.mfa.session_mfa = self.mfa;
        if self.tags & 1 == 1 {
            row = row.tagged(
                &[(
                    ["team", "Team"][usize::from(self.number / 2 % 2)],
                    ["red", "blue"][usize::from(self.number % 2)],
                )],
                if self.tags & 2 == 2 { &["team"] } else { &[] },
            );
        }
        if self.tags == 5 {
            row = row.tagged(
                &[("team", "red"), ("Team", "blue"), ("case", "8")],
                &["team"],
            );
        }
        if self.tags == 8 {
            row.policy.packed_policy_size = Some(i32::from(self.number % 2));
            row.session.role_arn = row
                .session
                .role_arn
                .filter(|_| !self.number.is_multiple_of(3));
        }
        if self.tags == 7 {
            row.tags.inherited_tags = [("case".into(), "9".into())].into();
        }
        match self.source_identity {
            number @ 0..2 => row.session.source_identity = text(["ann", "bob"][number]),
            number @ 2..4 => row.caller.caller_source_identity = text(["ann", "bob"][number - 2]),
            _ => {}
        }
        match self.kind {
            0 => row = row.failed(),
            1 => row.session.session_type = SessionType::Witness,
            2 => row.session.session_principal_id = None,
            3 => {
                row.session.session_type = SessionType::Console;
                row.session.session_principal_id = None;
            }
            4 => row.record.replaces_event_id = text(&format!("e-{:02}", self.number)),
            5..8 => {
                row.record.shared_event_id = text(&format!("shared-{}", self.number % 3));
                row.record.request_id = text("request");
            }
            8 => row = row.in_account(OTHER_ACCOUNT),
            9 => row.extract_version = 2,
            11 => row.caller.caller_access_key_id = None,
            12..15 => row = self.unnamed(row),
            15 => {
                row.record.event_source = text("rolesanywhere.amazonaws.com");
                row.record.event_name = text("CreateSession");
            }
            16 => row.session.session_type = SessionType::FederatedUser,
            17 => {
                row.caller.caller_session_issuer_arn = text("arn:aws:iam::111122223333:user/ann");
            }
            _ => {}
        }
        row
    }

    /// A session of neither principal nor role session.
    fn unnamed(&self, mut row: Issuance) -> Issuance {
        let session = &mut row.session;
        session.session_type =
            [SessionType::Delegated, SessionType::WebIdentity][usize::from(self.number % 2)];
        session.session_principal_id = None;
        if !self.number.is_multiple_of(4) {
            session.session_name = None;
        }
        if self.number.is_multiple_of(3) {
            session.role_account_id = None;
            session.session_arn = text("arn:aws:iam::444455556666:user/ann");
        }
        row
    }
}

fn records() -> impl Strategy<Value = Vec<Issuance>> {
    prop::collection::vec(record(), 1..24)
}

fn plain(records: &[Issuance]) -> Vec<Plain> {
    link_by_hours(records).iter().map(Plain::of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// The linker and its naive twin give the same rows.
    #[test]
    fn the_linker_equals_the_naive_one(records in records()) {
        let mut naive = naive_link(&records);
        for row in &mut naive {
            row.primary.session.source_identity = None;
        }
        prop_assert_eq!(plain(&records), naive);
    }

    /// Any order, repetition and regrouping of the same records gives the same rows.
    #[test]
    fn order_and_repetition_change_nothing(records in records(), picks in prop::collection::vec(any::<Index>(), 0..12), seed in any::<u64>()) {
        let expected = link_by_hours(&records);
        let mut again = records.clone();
        again.extend(picks.iter().map(|pick| pick.get(&records).clone()));
        let places = again.len();
        for place in 0..places {
            let other = (seed.wrapping_mul(place as u64 + 1) >> 7) as usize % places;
            again.swap(place, other);
        }
        prop_assert_eq!(link_by_hours(&again), expected);
    }

    /// A large hour is linked piece by piece: how it is cut changes nothing, as long as no moment is.
    #[test]
    fn how_time_is_cut_changes_nothing(records in records(), piece_s in prop_oneof![1..5_i64, 5..600_i64, 600..200_000_i64]) {
        prop_assert_eq!(link_by_pieces(&records, piece_s * 1_000), link_by_hours(&records));
    }

    /// What one step merged, another merges no further: a second run changes nothing.
    #[test]
    fn merging_twice_changes_nothing(records in records()) {
        let once = merge(records);
        prop_assert_eq!(merge(once.clone()), once);
    }

    /// Every chain ends, is exact in depth, and never holds its own row.
    #[test]
    fn no_chain_bites_its_tail(records in records()) {
        let sessions = link_by_hours(&records);
        let name = |session: &Session| (session.issuance.record.event_id.clone(), session.issuance.record.event_time);
        for session in &sessions {
            // Another account's record may bear the same event ID; only a name that stands for one row can tell.
            let is_unique = sessions.iter().filter(|other| name(other) == name(session)).count() == 1;
            let holds_itself = session.chain.hops.iter().any(|hop| (hop.event_id.clone(), hop.event_time) == name(session));
            prop_assert!(!(is_unique && holds_itself));
            prop_assert_eq!(session.chain.depth as usize, session.chain.hops.len());
            prop_assert_eq!(session.link.status == LinkStatus::Linked, session.chain.depth > 0);
            prop_assert_eq!(session.link.gap_reason.is_some(), session.link.status == LinkStatus::Gap);
            let last = session.chain.hops.last().map(|hop| hop.event_id.clone());
            prop_assert_eq!(last, session.link.parent_event_id.clone());
        }
    }

    /// The order of the table is total: no two different rows are equal in it.
    #[test]
    fn the_table_has_one_order(records in records()) {
        let mut sessions = link_by_hours(&records);
        sessions.sort_by(table_order);
        let mut reversed: Vec<_> = sessions.iter().rev().cloned().collect();
        reversed.sort_by(table_order);
        prop_assert_eq!(reversed, sessions);
    }
}

/// The window is closed at 36 hours: a second more, and the issuance is too old to be a parent.
#[test]
fn the_window_ends_at_36_hours() {
    let parent = assume_role("parent", 0, "a", "s", "ASIA1").by_user("ann");
    for (second, expected) in [(129_600, LinkStatus::Linked), (129_601, LinkStatus::Gap)] {
        let child = assume_role("child", second, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
        let sessions = link_by_hours(&[child, parent.clone()]);
        assert_eq!(sessions[1].link.status, expected, "{second} seconds later");
    }
    assert_eq!(parent.record.outcome, Outcome::Issued);
    assert_eq!(parent.record.event_time, at(0));
}
