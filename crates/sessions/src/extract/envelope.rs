//! The group Record: what the envelope says of any call.

use trailback_cloudtrail::Record;

use super::Unreadable;
use crate::issuance::{Issuance, Outcome, RecordFacts, Text};

pub(super) fn record_facts(record: &Record<'_>) -> Result<RecordFacts, Unreadable> {
    let event_id: Text = record.event_id().ok_or(Unreadable::EventId)?.into();
    let event_time = record.event_time().ok_or_else(|| Unreadable::EventTime {
        event_id: event_id.to_string(),
    })?;
    let addendum = record.addendum();
    let details = record.additional_event_data().object("RequestDetails");
    Ok(RecordFacts {
        event_ids: vec![event_id.clone()],
        event_time,
        event_source: record.event_source().map(Text::from),
        event_name: record.event_name().map(Text::from),
        aws_region: record.aws_region().map(Text::from),
        recipient_account_id: record.recipient_account_id().map(Text::from),
        request_id: record.request_id().map(Text::from),
        shared_event_id: record.shared_event_id().map(Text::from),
        // A record that claims to replace itself replaces nothing.
        replaces_event_id: addendum
            .as_ref()
            .and_then(|addendum| addendum.original_event_id)
            .filter(|original| **original != *event_id)
            .map(Text::from),
        addendum_reason: addendum
            .and_then(|addendum| addendum.reason)
            .map(Text::from),
        source_ip_address: record.source_ip_address().map(Text::from),
        user_agent: record.user_agent().map(Text::from),
        endpoint_type: details.text("endpointType").map(Text::from),
        serving_region: details.text("awsServingRegion").map(Text::from),
        vpc_endpoint_id: record.vpc_endpoint_id().map(Text::from),
        vpc_endpoint_account_id: record.vpc_endpoint_account_id().map(Text::from),
        outcome: outcome(record),
        error_code: record.error_code().map(Text::from),
        error_message: record.error_message().map(Text::from),
        event_id,
    })
}

/// A call failed where it has an error code, whatever that is, or a message of one and no response; or where its response says
/// `Failure` under the call's own name, as those of the sign-in page do.
fn outcome(record: &Record<'_>) -> Outcome {
    let says_failure = || {
        let answer = record.response_elements().text(record.event_name()?)?;
        Some(answer.eq_ignore_ascii_case("Failure"))
    };
    let is_refused = record.error_message().is_some() && record.response_elements().is_absent();
    if record.has_error_code() || is_refused || says_failure() == Some(true) {
        Outcome::Failed
    } else {
        Outcome::Issued
    }
}

/// Whether the call of this row handed anything out.
pub(super) fn was_issued(row: &Issuance) -> bool {
    row.record.outcome == Outcome::Issued
}
