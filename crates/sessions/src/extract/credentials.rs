//! What responses say of the credentials handed out.

use trailback_cloudtrail::{Fields, Timestamp};

use crate::issuance::{SessionFacts, Text};

/// Reads `credentials` out of a response. The session token is invisible here (see [`Fields`]).
pub(super) fn read(response: Fields<'_>, session: &mut SessionFacts) {
    let credentials = response.object("credentials");
    session.access_key_id = credentials.text("accessKeyId").map(Text::from);
    session.expires_at = credentials.text("expiration").and_then(Timestamp::parse);
}

/// A number that must fit its column; `None` where it is absent or absurd.
pub(super) fn number(fields: Fields<'_>, name: &str) -> Option<i32> {
    fields
        .int(name)
        .and_then(|number| i32::try_from(number).ok())
}
