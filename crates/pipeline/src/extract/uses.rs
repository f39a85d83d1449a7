//! Calls made with a subject's credentials, found in raw log objects: for keys that no record hands out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use trailback_cloudtrail::{LogObjectReader, Select};
use trailback_sessions::{Issuance, Subject, Text, Timestamp, observe};

use super::content::Counted;
use super::opening::{Line, Opened, open_ahead};
use super::{ExtractError, ExtractOptions};
use crate::causes::with_causes;
use crate::find::TimeRange;
use crate::log_objects::LogObjects;
use crate::progress::{Amount, Progress, Step};
use crate::tally::Problem;

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// One call for each session whose credentials the subject names, the earliest in the logs, as witnesses. A key may
    /// recur, and a name always does, so there may be several.
    pub calls: Vec<Issuance>,
    /// What could not be read, in the order of the objects.
    pub problems: Vec<Problem>,
    /// How many log objects were searched, those that could not be read in full among them.
    pub log_objects: u64,
    /// Records that mention the subject, or may, and cannot be read: whether they were made with its credentials is not known.
    pub unreadable: u64,
    /// Why the first of them cannot be read.
    pub unreadable_reason: Option<String>,
}

/// Searches log objects for calls made with a subject's credentials.
///
/// Records that mention the subject otherwise do not count, and records that cannot be read are counted.
///
/// # Errors
///
/// When finding log objects breaks off.
pub async fn uses(
    log_objects: impl Into<LogObjects>,
    subject: &Subject,
    range: &TimeRange,
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Uses, ExtractError> {
    let (line, opener) = open_ahead(log_objects.into(), options, progress);
    let (subject, range, options) = (subject.clone(), *range, *options);
    let told = Arc::clone(progress);
    let search = move || {
        let search = Search {
            subject: &subject,
            range: &range,
            progress: &told,
        };
        search.all(&line, &options)
    };
    let uses = tokio::task::spawn_blocking(search).await?;
    progress.ends(Step::Extract);
    opener.await??;
    Ok(uses)
}

struct Search<'a> {
    subject: &'a Subject,
    range: &'a TimeRange,
    progress: &'a Arc<dyn Progress>,
}

/// What one log object has of the subject.
struct InOne {
    calls: Vec<Issuance>,
    problem: Option<Problem>,
    /// How many records that may be of the subject cannot be read.
    unreadable: u64,
    /// Why the first of them cannot be read.
    unreadable_reason: Option<String>,
}

/// What all have so far.
#[derive(Default)]
struct InAll {
    /// The earliest call of each session, by its principal and creation.
    calls: BTreeMap<(Option<Text>, Option<Timestamp>), Issuance>,
    log_objects: u64,
    unreadable: u64,
    /// By the place of the log object.
    problems: BTreeMap<u64, Problem>,
    /// Of the first log object that has any.
    unreadable_reason: Option<(u64, String)>,
}

impl Search<'_> {
    /// Reads the objects on all threads. The answer does not depend on which thread was faster.
    fn all(&self, line: &Line, options: &ExtractOptions) -> Uses {
        let found = Mutex::new(InAll::default());
        std::thread::scope(|scope| {
            for _ in 0..options.threads.max(1) {
                scope.spawn(|| {
                    let mut reader = LogObjectReader::new(options.limits);
                    let batches = std::iter::from_fn(|| line.next(|| Some(())));
                    for opened in batches.flat_map(|(batch, ())| batch) {
                        let place = opened.place;
                        if let Some(one) = self.one(&mut reader, opened) {
                            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                            found.add(place, one);
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Uses {
            calls: found.calls.into_values().collect(),
            problems: found.problems.into_values().collect(),
            log_objects: found.log_objects,
            unreadable: found.unreadable,
            unreadable_reason: found.unreadable_reason.map(|(_, reason)| reason),
        }
    }

    /// `None` for what is no log object.
    fn one(&self, reader: &mut LogObjectReader, mut opened: Opened) -> Option<InOne> {
        if opened.log_object.skipped.is_some() {
            return None;
        }
        let (mut calls, mut unreadable, mut unreadable_reason) = (Vec::new(), 0, None);
        let failure = match opened.content() {
            Ok(content) => {
                let counted = Counted {
                    content,
                    progress: self.progress,
                    bytes: 0,
                };
                let name = Text::clone(&opened.log_object.name);
                let select = Select::Mentioning(self.subject.text().as_bytes());
                let reading = reader.read(counted, &select, &mut |place, record| {
                    let observed = match record {
                        Ok(record) => observe(record).map_err(|failure| failure.to_string()),
                        Err(failure) => Err(failure.to_string()),
                    };
                    match observed {
                        Ok(mut call) if self.is_use(&call) => {
                            call.log_objects = vec![Text::clone(&name)];
                            calls.push((place, call));
                        }
                        Ok(_) => {}
                        Err(reason) => {
                            unreadable += 1;
                            unreadable_reason.get_or_insert(reason);
                        }
                    }
                });
                // What the checksum of its bytes disproves is no use of anything.
                calls.retain(|(place, _)| *place < reading.sound_records);
                reading.failure.map(|failure| with_causes(&failure))
            }
            Err(failure) => Some(with_causes(&failure)),
        };
        self.progress
            .advances(Step::Extract, Amount { items: 1, bytes: 0 });
        let problem = failure.map(|reason| Problem {
            log_object: opened.log_object.name.to_string(),
            failure: Some(reason),
            records: Vec::new(),
            more_records: 0,
        });
        Some(InOne {
            calls: calls.into_iter().map(|(_, call)| call).collect(),
            problem,
            unreadable,
            unreadable_reason,
        })
    }

    /// Whether the call was made with the subject's credentials, or is the very record, in the time asked for.
    fn is_use(&self, call: &Issuance) -> bool {
        let caller = &call.caller;
        let is = |field: &Option<Text>, text: &Text| field.as_ref() == Some(text);
        let is_made_with = match self.subject {
            Subject::AccessKeyId(id) => is(&caller.caller_access_key_id, id),
            Subject::SessionArn(arn) | Subject::UserArn(arn) => is(&caller.caller_arn, arn),
            Subject::RoleArn(arn) => is(&caller.caller_session_issuer_arn, arn),
            Subject::PrincipalId(id) => caller.caller_principal_id.as_ref().is_some_and(|caller| {
                let rest = caller.strip_prefix(&**id);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }),
            Subject::EventId(id) => call.record.event_id == *id,
        };
        is_made_with && self.range.contains(call.record.event_time)
    }
}

impl InAll {
    /// Adds what the log object at a place has. The sum does not depend on the order.
    fn add(&mut self, place: u64, one: InOne) {
        self.log_objects += 1;
        self.unreadable += one.unreadable;
        self.problems
            .extend(one.problem.map(|problem| (place, problem)));
        let reason = one.unreadable_reason.map(|reason| (place, reason));
        let reasons = self.unreadable_reason.take().into_iter().chain(reason);
        self.unreadable_reason = reasons.min_by_key(|(place, _)| *place);
        one.calls
            .into_iter()
            .for_each(|call| self.keep_earliest(call));
    }

    fn keep_earliest(&mut self, call: Issuance) {
        let caller = &call.caller;
        let session = (
            caller.caller_principal_id.clone(),
            caller.caller_session_created_at,
        );
        let place = |call: &Issuance| {
            let record = &call.record;
            (
                record.event_time,
                record.event_id.clone(),
                call.log_objects.clone(),
            )
        };
        match self.calls.get_mut(&session) {
            Some(earliest) if place(earliest) <= place(&call) => {}
            Some(earliest) => *earliest = call,
            None => {
                self.calls.insert(session, call);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::log_objects::folders;
    use crate::progress::Silent;

    fn record(id: u32, key: &str, created: &str, time: &str) -> String {
        format!(
            r#"{{"eventID":"00000000-0000-4000-8000-00000000000{id}","eventTime":"2026-11-20T{time}Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets",
            "userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:anna","arn":"arn:aws:sts::111122223333:assumed-role/r/anna",
            "accessKeyId":"{key}","sessionContext":{{"attributes":{{"creationDate":"2026-11-20T{created}Z"}}}}}}}}"#
        )
    }

    fn write(folder: &Path, name: &str, records: &[String]) {
        std::fs::write(
            folder.join(name),
            format!("{{\"Records\":[{}]}}", records.join(",")),
        )
        .unwrap();
    }

    async fn found(folder: &Path, subject: &str, range: TimeRange) -> Vec<String> {
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let (paths, subject) = ([folder.to_owned()], subject.parse().unwrap());
        let options = ExtractOptions::default();
        let logs = folders::find(&paths).await.unwrap();
        let uses = uses(logs, &subject, &range, &options, &progress).await;
        uses.unwrap()
            .calls
            .iter()
            .map(|call| call.record.event_id.to_string())
            .collect()
    }

    #[tokio::test]
    async fn the_earliest_call_of_each_session_is_found() {
        const KEY: &str = "ASIAWO645SY5HWT5ERQN";
        let room = tempfile::tempdir().unwrap();
        let other = record(9, "ASIAWO645SY5AAAAAAAA", "09:00:00", "09:01:00");
        write(
            room.path(),
            "b.json",
            &[record(2, KEY, "09:00:00", "09:30:00"), other.clone()],
        );
        write(
            room.path(),
            "a.json",
            &[record(1, KEY, "09:00:00", "09:10:00")],
        );
        // A key may recur: another session of the same name.
        write(
            room.path(),
            "c.json",
            &[record(3, KEY, "12:00:00", "12:30:00")],
        );
        // It mentions the key, but was not made with it.
        write(room.path(), "d.json", &[other.replace("ListBuckets", KEY)]);
        let always = TimeRange::default();
        assert_eq!(
            found(room.path(), KEY, always).await,
            [
                "00000000-0000-4000-8000-000000000001",
                "00000000-0000-4000-8000-000000000003"
            ]
        );
        assert_eq!(
            found(room.path(), "AROAEXAMPLE0000000:anna", always).await,
            [""; 0]
        );
        assert_eq!(
            found(room.path(), "00000000-0000-4000-8000-000000000009", always).await,
            ["00000000-0000-4000-8000-000000000009"]
        );
        let arn = "arn:aws:sts::111122223333:assumed-role/r/anna";
        let late = TimeRange {
            since: Timestamp::parse("2026-11-20T12:00:00Z"),
            until: None,
        };
        assert_eq!(
            found(room.path(), arn, late).await,
            ["00000000-0000-4000-8000-000000000003"]
        );
    }

    #[tokio::test]
    async fn an_unreadable_object_is_a_problem_and_costs_only_itself() {
        let room = tempfile::tempdir().unwrap();
        std::fs::write(room.path().join("broken.json"), b"{\"Records\":[").unwrap();
        write(
            room.path(),
            "whole.json",
            &[record(1, "ASIAWO645SY5HWT5ERQN", "09:00:00", "09:10:00")],
        );
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let (paths, subject) = (
            [room.path().to_owned()],
            Subject::EventId("00000000-0000-4000-8000-000000000001".into()),
        );
        let options = ExtractOptions::default();
        let logs = folders::find(&paths).await.unwrap();
        let uses = uses(logs, &subject, &TimeRange::default(), &options, &progress)
            .await
            .unwrap();
        assert_eq!((uses.calls.len(), uses.problems.len()), (1, 1));
        assert_eq!(uses.problems[0].log_object, "broken.json");
    }

    #[tokio::test]
    async fn records_of_the_subject_that_cannot_be_read_and_searched_objects_are_counted() {
        const KEY: &str = "ASIAWO645SY5HWT5ERQN";
        let room = tempfile::tempdir().unwrap();
        let timeless = record(1, KEY, "09:00:00", "09:10:00").replace("eventTime", "event_time");
        let other = record(2, "ASIAWO645SY5AAAAAAAA", "09:00:00", "09:10:00");
        write(room.path(), "a.json", &[timeless.clone(), other, timeless]);
        write(
            room.path(),
            "b.json",
            &[record(3, "ASIA", "09:00:00", "09:10:00")],
        );
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let subject = Subject::AccessKeyId(KEY.into());
        let logs = folders::find(&[room.path().to_owned()]).await.unwrap();
        let (range, options) = (TimeRange::default(), ExtractOptions::default());
        let uses = uses(logs, &subject, &range, &options, &progress)
            .await
            .unwrap();
        assert_eq!(
            (uses.calls.len(), uses.log_objects, uses.unreadable),
            (0, 2, 2)
        );
        let reason = uses.unreadable_reason.unwrap();
        assert!(reason.contains("no eventTime that can be read"), "{reason}");
    }

    #[tokio::test]
    async fn a_record_whose_checksum_is_wrong_is_no_use() {
        const KEY: &str = "ASIAWO645SY5HWT5ERQN";
        let room = tempfile::tempdir().unwrap();
        let record = record(1, KEY, "09:00:00", "09:10:00");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, record.as_bytes()).unwrap();
        let mut packed = encoder.finish().unwrap();
        let path = room.path().join("a.json.gz");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(found(room.path(), KEY, TimeRange::default()).await.len(), 1);
        let checksum = packed.len() - 8;
        packed[checksum] ^= 1;
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(found(room.path(), KEY, TimeRange::default()).await, [""; 0]);
    }
}
