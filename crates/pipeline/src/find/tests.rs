use std::collections::BTreeSet;

use serde_json::Value;
use trailback_cloudtrail::Record;
use trailback_sessions::{LinkStatus, observe};
use trailback_tables::Table;
use trailback_tables::partition::Day;

use super::*;
use crate::link::{LinkOptions, link as relink};
use crate::searched::searched;
use crate::store::faulty::FaultyStore;
use crate::story::{
    self, ACCOUNT, by_session, by_user, days, ingest, key, lake_in, memory_lake, minute, silent,
};

const ALWAYS: TimeRange = TimeRange {
    since: None,
    until: None,
};

async fn lake_of(story: &[Value]) -> Lake {
    let (_, lake) = memory_lake().await;
    ingest(&lake, "all", story).await;
    lake
}

/// The numbers of rows' records.
fn numbers(rows: &[Session]) -> Vec<u32> {
    let number = |row: &Session| row.issuance.record.event_id[24..].parse().unwrap();
    rows.iter().map(number).collect()
}

async fn find_text(lake: &Lake, text: &str, range: &TimeRange) -> Vec<u32> {
    numbers(&find(lake, &text.parse().unwrap(), range).await.unwrap())
}

/// Alice's chain of three over a midnight, and Bob beside it.
fn chain_and_other() -> Vec<Value> {
    let first = by_user(1, minute(23 * 60), "alice", "admin");
    let second = by_session(2, minute(26 * 60), &first, "deploy");
    let third = by_session(3, minute(27 * 60), &second, "audit");
    let other = by_user(4, minute(27 * 60 + 1), "bob", "admin");
    let of_other = by_session(5, minute(60 * 60), &other, "deploy");
    vec![first, second, third, other, of_other]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_subject_finds_its_sessions() {
    let lake = lake_of(&chain_and_other()).await;
    let cases = [
        (key(2), vec![2]),
        (key(9), vec![]),
        ("AKIAEXAMPLEALICE".to_owned(), vec![1, 2, 3]),
        (
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/session-2"),
            vec![2],
        ),
        ("AROAEXAMPLEDEPLOY:session-5".to_owned(), vec![5]),
        ("AROAEXAMPLEDEPLOY".to_owned(), vec![2, 5]),
        ("AIDAEXAMPLEALICE".to_owned(), vec![1, 2, 3]),
        (format!("arn:aws:iam::{ACCOUNT}:role/deploy"), vec![2, 5]),
        (
            format!("arn:aws:iam::{ACCOUNT}:role/with/path/deploy"),
            vec![2, 5],
        ),
        ("arn:aws:iam::999999999999:role/deploy".to_owned(), vec![]),
        (format!("arn:aws:iam::{ACCOUNT}:user/bob"), vec![4, 5]),
        (story::event_id(3), vec![3]),
    ];
    for (subject, wanted) in cases {
        assert_eq!(
            find_text(&lake, &subject, &ALWAYS).await,
            wanted,
            "{subject}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_range_is_from_its_start_on_and_before_its_end() {
    let lake = lake_of(&chain_and_other()).await;
    let user = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let cases = [
        (None, None, vec![1, 2, 3]),
        (Some(26 * 60), None, vec![2, 3]),
        (Some(26 * 60 + 1), None, vec![3]),
        (None, Some(26 * 60), vec![1]),
        (Some(23 * 60), Some(26 * 60 + 1), vec![1, 2]),
        (Some(100 * 60), Some(90 * 60), vec![]),
    ];
    for (since, until, wanted) in cases {
        let range = TimeRange {
            since: since.map(minute),
            until: until.map(minute),
        };
        assert_eq!(find_text(&lake, &user, &range).await, wanted, "{range:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ancestors_come_as_full_rows_origin_first() {
    let lake = lake_of(&chain_and_other()).await;
    let third = find(&lake, &key(3).parse().unwrap(), &ALWAYS)
        .await
        .unwrap()
        .remove(0);
    let ancestors_of_third = ancestors(&lake, &third).await.unwrap();
    assert_eq!(numbers(&ancestors_of_third), [1, 2]);
    assert_eq!(ancestors(&lake, &ancestors_of_third[0]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_has_all_its_sessions_of_a_time_and_nobody_elses() {
    let lake = lake_of(&chain_and_other()).await;
    let third = find(&lake, &key(3).parse().unwrap(), &ALWAYS)
        .await
        .unwrap()
        .remove(0);
    let of_alice = |range: TimeRange, rows_max| {
        let (lake, origin) = (&lake, &third.origin);
        async move { of_origin(lake, origin, &range, rows_max).await.unwrap() }
    };
    let all = of_alice(ALWAYS, 10).await;
    assert_eq!((numbers(&all.sessions), all.is_cut), (vec![1, 2, 3], false));
    let later = TimeRange {
        since: Some(minute(26 * 60)),
        until: Some(minute(27 * 60)),
    };
    assert_eq!(numbers(&of_alice(later, 10).await.sessions), [2]);
    let exact = of_alice(ALWAYS, 3).await;
    assert_eq!(
        (numbers(&exact.sessions), exact.is_cut),
        (vec![1, 2, 3], false)
    );
    let cut = of_alice(ALWAYS, 2).await;
    assert_eq!((numbers(&cut.sessions), cut.is_cut), (vec![1, 2], true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_a_name_has_only_its_own_chain() {
    let lake = lake_of(&chain_and_other()).await;
    let third = find(&lake, &key(3).parse().unwrap(), &ALWAYS)
        .await
        .unwrap()
        .remove(0);
    let nameless = Origin {
        arn: None,
        name: None,
        principal_id: None,
        ..(*third.origin).clone()
    };
    let own = of_origin(&lake, &nameless, &ALWAYS, 10).await.unwrap();
    assert_eq!(numbers(&own.sessions), [1, 2, 3]);
    let of_nobody = Origin {
        event_id: Text::from("no such record"),
        ..nameless
    };
    let none = of_origin(&lake, &of_nobody, &ALWAYS, 10).await.unwrap();
    assert_eq!(none, OfOrigin::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_searched_is_told_by_day_and_log_object() {
    let lake = lake_of(&chain_and_other()).await;
    let first = Day::of(minute(0));
    let told = searched(&lake, &(first..=first.plus(3))).await.unwrap();
    let rows: Vec<Option<u64>> = told.days.values().copied().collect();
    assert_eq!(rows, [Some(1), Some(3), Some(1)]);
    let outcomes = told.log_objects.outcomes.unwrap();
    assert_eq!((told.log_objects.count, outcomes.read), (1, 1));
    assert_eq!((outcomes.records, outcomes.failed), (5, 0));
    let none = searched(&lake, &(first.plus(7)..=first.plus(8)))
        .await
        .unwrap();
    assert_eq!((none.days.len(), none.log_objects.count), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_any_of_some_event_ids() {
    let lake = lake_of(&chain_and_other()).await;
    let ids = [story::event_id(4), story::event_id(2), story::event_id(9)].map(Text::from);
    let found = with_event_ids(&lake, &ids, &ALWAYS).await.unwrap();
    assert_eq!(numbers(&found), [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_longer_than_a_row_lists_is_followed_to_its_origin() {
    let mut story = vec![by_user(0, minute(0), "alice", "admin")];
    for number in 1..80 {
        let parent = &story[number as usize - 1];
        let next = by_session(number, minute(i64::from(number) * 55), parent, "admin");
        story.push(next);
    }
    let lake = lake_of(&story).await;
    let last = find(&lake, &key(79).parse().unwrap(), &ALWAYS)
        .await
        .unwrap()
        .remove(0);
    assert!(last.chain.truncated && last.chain.depth == 79);
    let ancestors = ancestors(&lake, &last).await.unwrap();
    assert_eq!(numbers(&ancestors), (0..79).collect::<Vec<_>>());
    let first = story::event_id(0).parse().unwrap();
    let descendants = descendants(&lake, &first, &ALWAYS).await.unwrap();
    assert_eq!(numbers(&descendants), (0..80).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn descendants_are_what_the_parents_say() {
    let story = days(200);
    let lake = lake_of(&story).await;
    let mut all = Vec::new();
    let mut take = |rows: Vec<Session>| {
        all.extend(rows);
        ControlFlow::Continue(())
    };
    list(&lake, &Filter::all(), &ALWAYS, &mut take)
        .await
        .unwrap();
    assert_eq!(numbers(&all), (0..200).collect::<Vec<_>>());
    let mut deepest = 0;
    for start in [0, 3, 30, 60, 61, 120, 199] {
        // The plain way: rows are in the order of time, so one pass is enough.
        let mut wanted = BTreeSet::from([story::event_id(start)]);
        for row in &all {
            if row
                .link
                .parent_event_id
                .as_ref()
                .is_some_and(|parent| wanted.contains(&**parent))
            {
                wanted.insert(row.issuance.record.event_id.to_string());
            }
        }
        let subject = key(start).parse().unwrap();
        let found = descendants(&lake, &subject, &ALWAYS).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|row| row.issuance.record.event_id.to_string())
            .collect();
        deepest = deepest.max(found.len());
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
    }
    assert!(deepest > 3, "{deepest}");
}

/// The console and Identity Center use keys that no record hands out: the calls made with one are all that tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_record_hands_out_is_found_where_it_was_used() {
    let signed_in = by_user(1, minute(0), "alice", "admin");
    let mut used = by_session(2, minute(5), &signed_in, "deploy");
    used["userIdentity"]["accessKeyId"] = "ASIANEVERISSUED00001".into();
    let below = by_session(3, minute(10), &used, "audit");
    let beside = by_session(4, minute(15), &signed_in, "deploy");
    let lake = lake_of(&[signed_in, used, below, beside]).await;
    let key_in_use = "ASIANEVERISSUED00001";
    assert_eq!(find_text(&lake, key_in_use, &ALWAYS).await, [2]);
    let found = descendants(&lake, &key_in_use.parse().unwrap(), &ALWAYS).await;
    assert_eq!(numbers(&found.unwrap()), [2, 3]);
    // Of a key that was handed out the session speaks, not each call.
    assert_eq!(find_text(&lake, &key(1), &ALWAYS).await, [1]);
}

/// One call of a session comes before its issuance in the logs, another after it: what both began belongs to the session.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_began_before_the_logs_is_found_by_each_of_its_names() {
    let issued = by_user(1, minute(60), "alice", "jumphost");
    let mut early = by_session(2, minute(5), &issued, "deploy");
    early["userIdentity"]["accessKeyId"] = "ASIABEFORETHELOGS001".into();
    early["userIdentity"]["sessionContext"]["attributes"]["creationDate"] =
        minute(0).to_string().into();
    let child = by_session(3, minute(65), &issued, "deploy");
    let lake = lake_of(&[issued, early, child]).await;
    for subject in [
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/jumphost/session-1"),
        format!("arn:aws:iam::{ACCOUNT}:role/jumphost"),
        format!("arn:aws:iam::{ACCOUNT}:role/with/path/jumphost"),
        "AROAEXAMPLEJUMPHOST".to_owned(),
        "AROAEXAMPLEJUMPHOST:session-1".to_owned(),
    ] {
        let found = descendants(&lake, &subject.parse().unwrap(), &ALWAYS).await;
        assert_eq!(numbers(&found.unwrap()), [2, 1, 3], "{subject}");
    }
}

const OTHER_ACCOUNT: &str = "444455556666";

/// The copy of a cross-account call that the role's owner has, so many minutes after the caller's.
fn owners_copy(number: u32, copied: &mut Value, at: Timestamp) -> Value {
    copied["sharedEventID"] = "shared".into();
    let mut copy = copied.clone();
    copy["eventID"] = story::event_id(number).into();
    copy["eventTime"] = at.to_string().into();
    copy["recipientAccountId"] = OTHER_ACCOUNT.into();
    copy["userIdentity"] = serde_json::json!({
        "type": "AWSAccount",
        "principalId": copied["userIdentity"]["principalId"],
        "accountId": ACCOUNT,
    });
    copy
}

/// The copies of one call fell into different seconds: by whichever it is found, the one that names the caller speaks.
#[tokio::test(flavor = "multi_thread")]
async fn the_copy_that_names_the_caller_answers_for_the_owners() {
    let first = by_user(1, minute(0), "alice", "jump");
    let mut across = by_session(2, minute(5), &first, "target");
    let copy = owners_copy(3, &mut across, Timestamp(minute(5).0 + 1_000));
    let below = by_session(4, minute(10), &across, "deep");
    let lake = lake_of(&[first.clone(), across.clone(), copy.clone(), below]).await;
    assert_eq!(find_text(&lake, &story::event_id(3), &ALWAYS).await, [2]);
    assert_eq!(find_text(&lake, &key(2), &ALWAYS).await, [2]);
    let subject = story::event_id(3).parse().unwrap();
    let found = descendants(&lake, &subject, &ALWAYS).await.unwrap();
    assert_eq!(numbers(&found), [2, 4]);
    // Pasted, whether the lake has it or not.
    let without_copy = lake_of(&[first, across]).await;
    for lake in [&lake, &without_copy] {
        let mut text = copy.to_string().into_bytes();
        let pasted = trailback_sessions::extract(&Record::parse(&mut text).unwrap());
        let linked = link_records(lake, vec![pasted.unwrap().unwrap()]).await;
        let linked = linked.unwrap();
        assert_eq!(numbers(&linked), [2]);
        assert_eq!(linked[0].origin.name.as_deref(), Some("alice"));
    }
}

/// Altered or foreign logs may have one event ID and second in two accounts: nobody gets another's ancestors or children.
#[tokio::test(flavor = "multi_thread")]
async fn one_event_id_in_two_accounts_is_two_rows() {
    let alice = by_user(1, minute(0), "alice", "ra");
    let mut bob = by_user(1, minute(0), "bob", "rb");
    bob["recipientAccountId"] = OTHER_ACCOUNT.into();
    bob["responseElements"]["credentials"]["accessKeyId"] = key(9).into();
    let of_alice = by_session(2, minute(5), &alice, "rc");
    let of_bob = by_session(3, minute(6), &bob, "rd");
    let lake = lake_of(&[alice, bob.clone(), of_alice, of_bob]).await;
    for (user, child) in [("alice", 2), ("bob", 3)] {
        let child = find(&lake, &key(child).parse().unwrap(), &ALWAYS)
            .await
            .unwrap()
            .remove(0);
        let is_of = |rows: &[Session]| {
            let mut names = rows.iter().map(|row| row.origin.name.as_deref());
            rows.len() == 1 && names.all(|name| name == Some(user))
        };
        assert!(is_of(&ancestors(&lake, &child).await.unwrap()), "{user}");
        let of_each = ancestors_of_each(&lake, std::slice::from_ref(&child)).await;
        assert!(is_of(&of_each.unwrap()[0]), "{user}");
    }
    let found = descendants(&lake, &key(9).parse().unwrap(), &ALWAYS).await;
    assert_eq!(numbers(&found.unwrap()), [1, 3]);
    let mut text = bob.to_string().into_bytes();
    let pasted = trailback_sessions::extract(&Record::parse(&mut text).unwrap());
    let linked = link_records(&lake, vec![pasted.unwrap().unwrap()]).await;
    assert_eq!(linked.unwrap()[0].origin.name.as_deref(), Some("bob"));
}

/// Who asks for a time asks what came of it, however late.
#[tokio::test(flavor = "multi_thread")]
async fn what_descends_from_a_time_is_whole() {
    let lake = lake_of(&chain_and_other()).await;
    let range = TimeRange {
        since: None,
        until: Some(minute(24 * 60)),
    };
    let user = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let found = descendants(&lake, &user.parse().unwrap(), &range).await;
    assert_eq!(numbers(&found.unwrap()), [1, 2, 3]);
}

/// Alice and Bob take one role session in one second; whose it was that went on, nobody can say, and both are asked about.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_descend_is_not_left_out() {
    let alice = by_user(1, minute(0), "alice", "admin");
    let mut bob = by_user(2, minute(0), "bob", "admin");
    bob["responseElements"]["assumedRoleUser"] =
        alice["responseElements"]["assumedRoleUser"].clone();
    let mut child = by_session(3, minute(5), &alice, "deploy");
    child["userIdentity"]["accessKeyId"] = "ASIANEVERISSUED00001".into();
    let grandchild = by_session(4, minute(10), &child, "audit");
    let lake = lake_of(&[alice, bob, child, grandchild]).await;
    for number in [1, 2] {
        let subject = story::event_id(number).parse().unwrap();
        let found = descendants(&lake, &subject, &ALWAYS).await.unwrap();
        assert_eq!(numbers(&found), [number, 3, 4]);
        assert_eq!(found[1].link.candidates.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_filtered_and_ended() {
    let lake = lake_of(&days(100)).await;
    let mut found = Vec::new();
    let mut take = |rows: Vec<Session>| {
        found.extend(rows);
        ControlFlow::Break(())
    };
    list(&lake, &Filter::role("deploy"), &ALWAYS, &mut take)
        .await
        .unwrap();
    assert!(!found.is_empty() && found.len() < 66, "{}", found.len());
    let role = |row: &Session| row.issuance.session.role_name.as_deref() == Some("deploy");
    assert!(found.iter().all(role));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_record_is_linked_to_who_made_it() {
    let story = chain_and_other();
    let lake = lake_of(&story).await;
    let observed = |record: &Value| {
        let mut text = record.to_string().into_bytes();
        observe(&Record::parse(&mut text).unwrap()).unwrap()
    };
    let used = story::other_call(77, minute(27 * 60 + 30), &story[2]);
    let link_one = async |record| {
        let linked = link_records(&lake, vec![observed(record)]).await.unwrap();
        linked.into_iter().next().unwrap()
    };
    let session = link_one(&used).await;
    assert_eq!(
        (session.link.status, session.chain.depth),
        (LinkStatus::Linked, 3)
    );
    assert_eq!(
        session.link.parent_event_id.as_deref(),
        Some(&*story::event_id(3))
    );
    assert_eq!(session.origin.name.as_deref(), Some("alice"));
    assert_eq!(
        numbers(&ancestors(&lake, &session).await.unwrap()),
        [1, 2, 3]
    );
    // The same call days later: those credentials are dead, and nobody is blamed.
    let too_late = story::other_call(78, minute(27 * 60 + 36 * 60 + 1), &story[2]);
    let session = link_one(&too_late).await;
    assert_eq!(
        (session.link.status, session.chain.depth),
        (LinkStatus::Gap, 0)
    );
    // A record that is a row is answered with the row.
    let known = link_one(&story[1]).await;
    assert_eq!(
        known,
        find(&lake, &key(2).parse().unwrap(), &ALWAYS)
            .await
            .unwrap()[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_are_linked_as_each_by_itself_with_as_few_look_ups_as_one() {
    let story = days(60);
    let (in_lake, not_in_lake) = story.split_at(50);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", in_lake).await;
    let watched = Arc::new(FaultyStore::watching(store));
    let lake = lake_in(Arc::clone(&watched) as _).await;
    // Uses, rows of the lake, and issuances that are parents of each other but not in the lake.
    let uses = (0..50_u32).map(|n| story::other_call(900 + n, minute(47 * 50), &story[n as usize]));
    let records: Vec<Issuance> = uses
        .chain(story[40..50].iter().cloned())
        .chain(not_in_lake.iter().cloned())
        .map(|record| {
            let mut text = record.to_string().into_bytes();
            let record = Record::parse(&mut text).unwrap();
            trailback_sessions::extract(&record)
                .unwrap()
                .unwrap_or_else(|| observe(&record).unwrap())
        })
        .collect();
    let mut one_by_one = Vec::new();
    for record in &records {
        one_by_one.extend(link_records(&lake, vec![record.clone()]).await.unwrap());
    }
    let before = watched.calls().len();
    let together = link_records(&lake, records.clone()).await.unwrap();
    let calls = watched.calls().len() - before;
    assert_eq!(together, one_by_one);
    assert!(calls * 10 < before, "{calls} calls, {before} one by one");
    let of_each = ancestors_of_each(&lake, &together).await.unwrap();
    for (session, found) in together.iter().zip(of_each) {
        assert_eq!(found, ancestors(&lake, session).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_reads_only_the_objects_of_its_time() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(200)).await;
    let watched = Arc::new(FaultyStore::watching(store));
    let lake = lake_in(Arc::clone(&watched) as _).await;
    let range = TimeRange::spanning(minute(0), minute(60));
    assert_eq!(find_text(&lake, &key(1), &range).await, [1]);
    let read: BTreeSet<_> = watched
        .calls()
        .into_iter()
        .filter(|call| call.operation == "get_range")
        .map(|call| call.key)
        .collect();
    assert_eq!(read.len(), 1);
    assert_eq!(watched.count("get", Table::Sessions.data_prefix()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_generations_while_a_linker_replaces_them() {
    let room = tempfile::tempdir().unwrap();
    let open = async |access| Lake::in_folder(room.path(), access).await.unwrap();
    let story = days(60);
    let lake = open(crate::lake::Access::Write).await;
    ingest(&lake, "all", &story[..1]).await;
    let writer = tokio::spawn(async move {
        for part in story[1..].chunks(3) {
            ingest(&lake, "all", part).await;
        }
    });
    let lake = open(crate::lake::Access::Read).await;
    let mut seen = 1;
    while !writer.is_finished() {
        let mut rows = Vec::new();
        let mut take = |day: Vec<Session>| {
            rows.extend(day);
            ControlFlow::Continue(())
        };
        list(&lake, &Filter::all(), &ALWAYS, &mut take)
            .await
            .unwrap();
        assert!(rows.len() >= seen, "{} after {seen}", rows.len());
        seen = rows.len();
        assert_eq!(find_text(&lake, &key(0), &ALWAYS).await, [0]);
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_or_damaged_is_named() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(10)).await;
    let object = store
        .objects()
        .into_keys()
        .find(|key| key.starts_with(Table::Sessions.data_prefix()))
        .unwrap();
    crate::store::Store::delete(&*store, std::slice::from_ref(&object)).await;
    let gone = find(&lake, &key(1).parse().unwrap(), &ALWAYS)
        .await
        .unwrap_err();
    assert!(gone.to_string().contains(&object), "{gone}");
    relink(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap();
    assert_eq!(find_text(&lake, &key(1), &ALWAYS).await, [1]);
    let spoilt = bytes::Bytes::from(vec![7; 100_000]);
    let put = crate::store::Condition::Always;
    crate::store::Store::put(&*store, &object, spoilt, put, Default::default())
        .await
        .unwrap();
    let damaged = find(&lake, &key(1).parse().unwrap(), &ALWAYS)
        .await
        .unwrap_err();
    assert!(matches!(&damaged, FindError::Damaged { location, .. } if location.contains(&object)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_lake_answers_with_nothing() {
    let (_, lake) = memory_lake().await;
    assert_eq!(find_text(&lake, &key(1), &ALWAYS).await, Vec::<u32>::new());
    assert_eq!(
        descendants(&lake, &key(1).parse().unwrap(), &ALWAYS)
            .await
            .unwrap(),
        []
    );
}
