//! A real capture: every role session in use whose issuance is in the logs is traced from one raw record of its use.

use std::collections::BTreeMap;
use std::path::Path;

use trailback_cloudtrail::log_object::{Limits, Select, read_log_object};
use trailback_sessions::{Evidence, Issuance, LinkStatus, Text, extract, link, observe};

use crate::story::link_by_hours;

const CAPTURE: &str = "../../../shared/corpus/invictus-ir+aws_dataset/CloudTrail";

/// The capture holds 14 credentials of role sessions in use: 8 keys that were logged as issued, and 6 sessions of
/// services whose records name no key. One instance was handed two keys in one second: two credentials.
#[test]
fn every_role_session_of_a_real_capture_is_traced() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CAPTURE);
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no {}", folder.display());
        return;
    };
    let mut issuances = Vec::new();
    let mut in_use: BTreeMap<(Option<Text>, Text, i64), Issuance> = BTreeMap::new();
    for file in files {
        let bytes = std::fs::read(file.expect("a file of the capture").path()).expect("readable");
        let _ = read_log_object(
            &mut bytes.as_slice(),
            &Select::All,
            &Limits::default(),
            &mut |_, record| {
                let record = record.expect("the capture is well formed");
                issuances.extend(extract(record).expect("with event ID and time"));
                let used = observe(record).expect("with event ID and time");
                let caller = &used.caller;
                if caller.caller_type.as_deref() == Some("AssumedRole")
                    && let (Some(arn), Some(created_at)) =
                        (&caller.caller_arn, caller.caller_session_created_at)
                {
                    in_use
                        .entry((
                            caller.caller_access_key_id.clone(),
                            arn.clone(),
                            created_at.0,
                        ))
                        .or_insert(used);
                }
            },
        );
    }
    let sessions = link_by_hours(&issuances);
    let mut by_evidence: BTreeMap<Option<Evidence>, u32> = BTreeMap::new();
    for used in in_use.into_values() {
        let name = format!(
            "{:?} of {:?}",
            used.caller.caller_arn, used.caller.caller_session_created_at
        );
        let found = link(vec![used], &sessions).remove(0);
        assert_eq!(found.link.status, LinkStatus::Linked, "{name}");
        assert!(found.origin.known, "{name}");
        *by_evidence.entry(found.link.evidence).or_default() += 1;
    }
    println!("{by_evidence:?}");
    assert_eq!(by_evidence.values().sum::<u32>(), 14);
    assert_eq!(by_evidence[&Some(Evidence::IssuedKey)], 8);
    assert_eq!(by_evidence[&Some(Evidence::SessionContext)], 6);
}
