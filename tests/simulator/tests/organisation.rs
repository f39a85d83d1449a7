//! What a simulated organisation promises to the tests and benchmarks that run on it.

#![allow(clippy::unwrap_used, reason = "a test stops where its premises fail")]

mod auditor;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::Value;
use trailback_simulator::{
    Folder, Gathered, Plan, SESSION_TOKEN_START, Tally, Truth, gather, gzip, simulate,
};

/// The members of a record, in AWS's order.
const MEMBERS: &str = "eventVersion userIdentity eventTime eventSource eventName awsRegion \
    sourceIPAddress userAgent errorCode errorMessage requestParameters responseElements \
    additionalEventData requestID eventID readOnly resources eventType managementEvent \
    recipientAccountId sharedEventID serviceEventDetails eventCategory addendum tlsDetails \
    sessionCredentialFromConsole";

/// Those that every record has.
const ALWAYS: &str = "eventVersion userIdentity eventTime eventSource eventName awsRegion \
    sourceIPAddress requestParameters responseElements eventID eventType managementEvent \
    recipientAccountId eventCategory";

const SCENARIOS: &str = "ambiguous_second app_user assume_root certificate cognito console \
    corrected_at_once corrected_later databases delivered_late federated_user_before_the_logs \
    federation_token function github identity_center inspector instance issued_before_the_logs \
    juggling key_handed_out_again_later key_handed_out_twice key_handed_out_twice_ambiguously \
    key_handed_out_twice_to_one_user person_before_the_logs pod refused_console_login \
    refused_role refused_session_token root root_before_the_logs saml saml_console second_of_one_user \
    second_of_one_user_with_other_tags second_told_apart_by_key service service_account \
    session_token signin_token switch_role tagged_chain task there_and_back \
    twins_seconds_apart unknown_issuer unlogged_inheritance user_assumes_role \
    user_before_the_logs user_with_device vendor vendor_goes_on workload_before_the_logs";

fn small() -> &'static (Gathered, Tally) {
    static SMALL: OnceLock<(Gathered, Tally)> = OnceLock::new();
    SMALL.get_or_init(|| gather(&Plan::small(7)).unwrap())
}

fn log_objects() -> impl Iterator<Item = &'static (String, Vec<u8>)> {
    let objects = small().0.objects.iter();
    objects.filter(|(key, _)| key.contains("/CloudTrail/"))
}

/// Every delivered record, as often as it was delivered.
fn records() -> &'static Vec<Value> {
    static RECORDS: OnceLock<Vec<Value>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        log_objects()
            .flat_map(|(_, json)| records_of(json))
            .collect()
    })
}

fn records_of(json: &[u8]) -> Vec<Value> {
    let mut object: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(object.as_object().unwrap().len(), 1, "nothing but Records");
    match object["Records"].take() {
        Value::Array(records) => records,
        other => panic!("Records is {other}"),
    }
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    let found = record.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

fn by_event_id() -> &'static BTreeMap<&'static str, &'static Value> {
    static MAP: OnceLock<BTreeMap<&'static str, &'static Value>> = OnceLock::new();
    MAP.get_or_init(|| {
        let records = records().iter();
        records
            .map(|record| (text(record, "/eventID"), record))
            .collect()
    })
}

fn truths() -> BTreeMap<&'static str, &'static Truth> {
    let truths = small().0.truths.iter();
    truths.map(|truth| (&*truth.event_id, truth)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let plan = Plan {
        calls: 300,
        ..Plan::small(3)
    };
    let once = gather(&plan).unwrap();
    assert!(once == gather(&plan).unwrap());
    let other = gather(&Plan { seed: 4, ..plan }).unwrap();
    assert!(once.0.objects != other.0.objects);
}

#[test]
fn a_folder_holds_what_memory_holds() {
    let plan = Plan {
        calls: 120,
        ..Plan::small(9)
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (truths, uses) = (file("truth.jsonl"), file("uses.jsonl"));
    let mut sink = Folder::create(folder.path(), Some(&truths), Some(&uses)).unwrap();
    simulate(&plan, &mut sink).unwrap();
    sink.finish().unwrap();
    let (gathered, _) = gather(&plan).unwrap();
    for (key, json) in &gathered.objects {
        let packed = std::fs::read(file(key)).unwrap();
        assert_eq!(packed, gzip(key, json).unwrap());
        assert_eq!(unpacked(&packed), *json);
    }
    let lines = std::fs::read_to_string(truths).unwrap();
    assert_eq!(lines.lines().count(), gathered.truths.len());
    for (line, truth) in lines.lines().zip(&gathered.truths) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(text(&row, "/event_id"), &*truth.event_id);
        assert_eq!(text(&row, "/link_status"), truth.link.link_status);
    }
    let uses = std::fs::read_to_string(uses).unwrap();
    assert_eq!(uses.lines().count(), gathered.uses.len());
}

#[expect(
    clippy::disallowed_types,
    reason = "unpacks what this very test has packed"
)]
fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(gzip);
    std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
    out
}

#[test]
fn every_record_has_the_members_of_cloudtrail() {
    for record in records() {
        for name in ALWAYS.split_whitespace() {
            assert!(record.get(name).is_some(), "{name} in {record}");
        }
        assert_eq!(text(record, "/eventID").len(), 36);
        let mfa = record.pointer("/userIdentity/sessionContext/attributes/mfaAuthenticated");
        assert!(mfa.is_none_or(Value::is_string));
        let time = text(record, "/eventTime");
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn members_stand_in_the_order_of_cloudtrail() {
    for (_, json) in log_objects() {
        for names in names_of_records(std::str::from_utf8(json).unwrap()) {
            let mut order = MEMBERS.split_whitespace();
            for name in &names {
                assert!(order.any(|member| member == *name), "{name} in {names:?}");
            }
        }
    }
}

/// The names of the members of every record: what stands in quotes before a colon, three levels deep.
fn names_of_records(json: &str) -> Vec<Vec<&str>> {
    let (mut depth, mut quote, mut escaped) = (0, None, false);
    let mut last = "";
    let mut records = Vec::new();
    for (position, byte) in json.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(start), b'"') => {
                last = &json[start + 1..position];
                quote = None;
            }
            (Some(_), _) => {}
            (None, b'"') => quote = Some(position),
            (None, b'{' | b'[') => {
                depth += 1;
                if depth == 3 {
                    records.push(Vec::new());
                }
            }
            (None, b'}' | b']') => depth -= 1,
            (None, b':') if depth == 3 => records.last_mut().unwrap().push(last),
            (None, _) => {}
        }
    }
    records
}

#[test]
fn log_objects_lie_under_cloudtrails_own_keys() {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    for (key, json) in log_objects() {
        let parts: Vec<&str> = key.split('/').collect();
        assert_eq!((parts[0], parts.len()), ("AWSLogs", 9), "{key}");
        let name = format!("{}_CloudTrail_{}_", parts[2], parts[4]);
        assert!(
            parts[8].starts_with(&name) && key.ends_with(".json.gz"),
            "{key}"
        );
        let delivered = digits(parts[8].rsplit('_').nth(1).unwrap());
        for record in records_of(json) {
            assert_eq!(text(&record, "/recipientAccountId"), parts[2]);
            assert_eq!(text(&record, "/awsRegion"), parts[4]);
            let happened = digits(text(&record, "/eventTime"));
            assert!(happened[..12] <= delivered[..], "{key} holds {happened}");
        }
    }
    for kind in ["CloudTrail-Digest", "CloudTrail-Insight"] {
        let mut objects = small().0.objects.iter();
        assert!(objects.any(|(key, _)| key.contains(kind)), "{kind}");
    }
}

#[test]
fn the_tally_balances() {
    let (gathered, tally) = small();
    assert_eq!(tally.calls, gathered.truths.len() as u64);
    assert_eq!(tally.calls, tally.scenarios.values().sum::<u64>());
    assert!((2_000..2_010).contains(&tally.calls));
    assert_eq!(tally.records, tally.issuing_records + tally.other_records);
    assert_eq!(tally.records + tally.repeated, records().len() as u64);
    assert_eq!(tally.records, by_event_id().len() as u64);
    assert_eq!(tally.uses_told, gathered.uses.len() as u64);
    assert_eq!(tally.objects, gathered.objects.len() as u64);
    let share = tally.issuing_records as f64 / tally.records as f64;
    assert!((share - 0.2).abs() < 0.02, "{share}");
}

#[test]
fn repeats_are_equal() {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in records() {
        let first = seen.entry(text(record, "/eventID")).or_insert(record);
        assert_eq!(*first, record);
    }
}

#[test]
fn every_issuing_record_belongs_to_one_truth() {
    let mut told = BTreeSet::new();
    for truth in &small().0.truths {
        for event_id in &truth.event_ids {
            assert!(told.insert(&**event_id), "{event_id} is told twice");
            let record = by_event_id()[&**event_id];
            assert_eq!(text(record, "/eventName"), truth.event_name);
        }
        assert!(truth.event_ids.contains(&truth.event_id));
        // A correction of the same second takes the place of what it corrects, and keeps its ID.
        if let (Some(replaced), "corrected_at_once") = (&truth.replaces_event_id, truth.scenario) {
            assert!(truth.event_ids.contains(replaced));
        }
    }
    assert_eq!(told.len() as u64, small().1.issuing_records);
    assert!(
        told.iter()
            .all(|event_id| by_event_id().contains_key(event_id))
    );
}

#[test]
fn every_scenario_occurs_in_two_thousand_calls() {
    let scenarios = &small().1.scenarios;
    for scenario in SCENARIOS.split_whitespace() {
        assert!(
            scenarios.get(scenario).is_some_and(|count| *count > 0),
            "{scenario}"
        );
    }
    let occurs = |what: &str, holds: &dyn Fn(&Truth) -> bool| {
        assert!(small().0.truths.iter().any(holds), "{what}");
    };
    for reason in ["ambiguous", "not_in_logs", "caller_copy_missing"] {
        occurs(reason, &|truth| truth.link.gap_reason == Some(reason));
    }
    for kind in "IAMUser Root SAMLUser WebIdentityUser IdentityCenterUser AWSService Compute \
        Certificate AWSAccount AssumedRole"
        .split_whitespace()
    {
        occurs(kind, &|truth| truth.link.origin.origin_type == kind);
    }
    occurs("twins", &|truth| truth.event_ids.len() == 2);
    occurs("beyond the listed ancestors", &|truth| {
        truth.link.chain_depth > 32
    });
    occurs("agreeing candidates", &|truth| {
        truth.link.link_status == "linked" && truth.link.link_candidates.len() == 2
    });
    occurs("inherited tags", &|truth| {
        truth.facts.inherited_tags.is_some()
    });
    occurs("unknown tags", &|truth| !truth.effective_tags_known);
    occurs("MFA at the origin alone", &|truth| {
        truth.link.origin_mfa == Some(true) && truth.facts.session_mfa == Some(false)
    });
}

#[test]
fn every_parent_is_a_delivered_issuance_at_most_36_hours_older() {
    let truths = truths();
    for truth in &small().0.truths {
        let link = &truth.link;
        let Some(parent) = &link.parent_event_id else {
            assert_ne!(link.link_status, "linked");
            continue;
        };
        let parent = truths[&**parent];
        assert!(!parent.facts.failed && parent.facts.session_type != "Witness");
        assert!((0..=36 * 3_600).contains(&(truth.event_time - parent.event_time)));
        assert_eq!(link.chain_depth, parent.link.chain_depth + 1);
        assert_eq!(link.origin, parent.link.origin);
        assert_eq!(link.chain_event_ids.last(), Some(&parent.event_id));
        assert_eq!(link.chain_event_ids.len() as u32, link.chain_depth.min(32));
    }
}

#[test]
fn a_plain_auditor_comes_to_the_same_links() {
    let auditor = auditor::Auditor::new(records());
    let truths = truths();
    for truth in &small().0.truths {
        let found = auditor.candidates(by_event_id()[&*truth.event_id]);
        auditor::check(&truth.link, truth.scenario, &found, &truths);
    }
    for used in &small().0.uses {
        let record: Value = serde_json::from_str(&used.record).unwrap();
        assert_eq!(&record, by_event_id()[&*used.event_id]);
        let found = auditor.candidates(&record);
        auditor::check(&used.link, used.scenario, &found, &truths);
    }
}

#[test]
fn session_tokens_are_in_the_records_and_never_in_the_truth() {
    let tokens = records().iter();
    let tokens = tokens.map(|record| text(record, "/responseElements/credentials/sessionToken"));
    let tokens: Vec<&str> = tokens.filter(|token| !token.is_empty()).collect();
    assert!(tokens.len() > 1_000);
    for token in tokens {
        assert!(token.starts_with(SESSION_TOKEN_START) && token.len() > 390);
    }
    for truth in &small().0.truths {
        assert!(!truth.to_json().contains(SESSION_TOKEN_START));
    }
}

#[test]
fn a_policy_has_one_hash_in_all_its_spellings() {
    let mut hashes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut spellings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for truth in &small().0.truths {
        let record = by_event_id()[&*truth.event_id];
        let policy = text(record, "/requestParameters/policy");
        assert_eq!(
            policy.is_empty(),
            truth.facts.session_policy_sha256.is_none()
        );
        if let Some(hash) = &truth.facts.session_policy_sha256 {
            let mut value: Value = serde_json::from_str(policy).unwrap();
            let keys = "/Statement/0/Condition/NumericLessThanEquals/s3:max-keys";
            if let Some(number) = value.pointer_mut(keys) {
                *number = serde_json::json!(number.as_f64());
            }
            hashes.entry(value.to_string()).or_default().insert(hash);
            spellings.entry(hash).or_default().insert(policy);
        }
    }
    assert!(hashes.values().all(|hashes| hashes.len() == 1));
    assert_eq!(hashes.len(), spellings.len());
    assert!(spellings.values().any(|spellings| spellings.len() > 3));
}

#[test]
fn decoys_hold_the_words_of_issuing_calls() {
    for words in [
        r#"\"eventSource\":\"sts.amazonaws.com\""#,
        r#""eventPattern":{"eventSource":"sts.amazonaws.com""#,
        r#""results":{"credentials":{"accessKeyId":"#,
        "CreateLocationObjectStorage",
    ] {
        let mut objects = log_objects();
        let holds = |json: &[u8]| std::str::from_utf8(json).unwrap().contains(words);
        assert!(objects.any(|(_, json)| holds(json)), "{words}");
    }
}
