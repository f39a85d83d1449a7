//! One invocation: read what it says, extract what it names, tell which messages may go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use trailback_operation::invocation::{Failure, Invocation, time_left};
use trailback_operation::lake::LakeDoor;
use trailback_operation::metrics::{Measures, Meter};
use trailback_pipeline::extract::{Done, ExtractOptions, extract};
use trailback_pipeline::log_objects::{LogObject, LogSource};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::s3::S3Logs;

use crate::notification;
use crate::outcomes::{self, Outcomes};
use crate::settings::Settings;
use crate::work::{Answer, Work};

/// What stays between invocations.
pub(crate) struct Handler {
    door: LakeDoor,
    trail_prefix: String,
    options: ExtractOptions,
    deadline_margin: Duration,
}

impl Handler {
    /// Of these settings. Nothing is asked of S3 yet.
    pub(crate) async fn new(settings: Settings) -> Handler {
        let default = ExtractOptions::default();
        let objects_at_once = settings.objects_at_once.unwrap_or(default.objects_at_once);
        Handler {
            door: LakeDoor::connect(settings.lake).await,
            trail_prefix: settings.trail_prefix,
            options: ExtractOptions {
                objects_at_once,
                hash_log_objects: settings.hash_log_objects,
                ..default
            },
            deadline_margin: settings.deadline_margin,
        }
    }

    /// Answers an invocation.
    pub(crate) async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let Invocation {
            payload, context, ..
        } = invocation;
        let mut measures = Measures::of_request(&context.request_id);
        let delivery = notification::read(payload.get().as_bytes());
        // Megabytes that would lie beside the log objects to the end.
        drop(payload);
        outcomes::look_at(&delivery, &mut measures);
        let work = Work::of(delivery);
        let mut outcomes = Outcomes::of(work.objects.len());
        let deadline = Instant::now() + before_the_end(time_left(&context), self.deadline_margin);
        let extracted = self.extract(&work, deadline, &mut outcomes).await;
        outcomes::conclude(&work, &outcomes, &mut measures);
        outcomes.measure(&mut measures);
        Meter::new(&context.env_config.function_name).record(measures);
        match extracted {
            Ok(()) => work.answer(&outcomes.is_safe),
            // Something of it is stored all the same, and need not come again.
            Err(failure) if work.returned(&outcomes.is_safe) < work.messages() => {
                tracing::error!("{failure}");
                work.answer(&outcomes.is_safe)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Extracts what is to be extracted; what it came to is in `outcomes`, also where it fails on the way.
    async fn extract(
        &self,
        work: &Work,
        deadline: Instant,
        outcomes: &mut Outcomes,
    ) -> Result<(), Failure> {
        let mut log_objects = self.log_objects(work, outcomes);
        if log_objects.is_empty() {
            return Ok(());
        }
        // In one order whatever the order of the messages: the same batch makes the same fragments when it comes again.
        log_objects.sort_by(|(_, left), (_, right)| left.order().cmp(&right.order()));
        let (places, log_objects): (Vec<usize>, Vec<LogObject>) = log_objects.into_iter().unzip();
        let options = ExtractOptions {
            deadline: Some(deadline),
            ..self.options
        };
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let lake = self.door.lake().await?;
        let mut on_done = |done: Done| {
            let place = usize::try_from(done.place)
                .ok()
                .and_then(|place| places.get(place));
            if let Some(place) = place {
                outcomes.add(*place, &done);
            }
        };
        let extracted = extract(lake, log_objects, &options, &progress, &mut on_done).await;
        let extracted = extracted.map_err(|failure| Failure::because("NotStored", &failure))?;
        outcomes.finish(&extracted);
        Ok(())
    }

    /// The objects to read, with their places in the work. Those of the lake itself are refused, those outside of the
    /// prefix are left: a topic tells of the whole trail, whatever prefix its subscriber has.
    fn log_objects(&self, work: &Work, outcomes: &mut Outcomes) -> Vec<(usize, LogObject)> {
        let mut buckets: BTreeMap<&str, Arc<dyn LogSource>> = BTreeMap::new();
        let mut log_objects = Vec::with_capacity(work.objects.len());
        for (place, named) in work.objects.iter().enumerate() {
            if self.door.holds(&named.bucket, &named.object_key) {
                outcomes.refuse(place, named);
                continue;
            }
            if !named.object_key.starts_with(&self.trail_prefix) {
                outcomes.pass_over(place, named);
                continue;
            }
            let bucket = buckets
                .entry(&named.bucket)
                .or_insert_with(|| Arc::new(S3Logs::new(self.door.s3.clone(), &named.bucket)));
            let version_id = named.version_id.as_deref();
            let source = Arc::clone(bucket);
            let log_object =
                LogObject::in_source(source, &named.object_key, version_id, named.size_bytes);
            log_objects.push((place, log_object));
        }
        log_objects
    }
}

/// The time in which log objects may be begun. A margin longer than half of it would leave a function that does nothing
/// but return its messages, for ever.
fn before_the_end(left: Duration, margin: Duration) -> Duration {
    left.saturating_sub(margin).max(left / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_never_takes_more_than_half_of_the_time() {
        let seconds = |left, margin| {
            before_the_end(Duration::from_secs(left), Duration::from_secs(margin)).as_secs()
        };
        assert_eq!(seconds(300, 30), 270);
        assert_eq!(seconds(40, 30), 20);
        assert_eq!(seconds(10, 30), 5);
        assert_eq!(seconds(0, 30), 0);
    }
}
