//! A row as text: one line a column, absent ones left out.

use std::fmt;

use crate::issuance::{Issuance, TagMap, Text};
use crate::{Outcome, SessionType, Timestamp};

/// The columns of a row that hold something, in the order of the table.
pub(super) struct Columns(Vec<(&'static str, String)>);

macro_rules! columns {
    ($row:ident: $($group:ident { $($name:ident)* })*) => {
        vec![$($((stringify!($name), $row.$group.$name.column())),*),*]
    };
}

impl Columns {
    pub(super) fn of(row: &Issuance) -> Columns {
        let mut all = columns!(row:
            record {
                event_id event_ids event_time event_source event_name aws_region recipient_account_id request_id
                shared_event_id replaces_event_id addendum_reason source_ip_address user_agent endpoint_type
                serving_region vpc_endpoint_id vpc_endpoint_account_id outcome error_code error_message
            }
            session {
                session_type access_key_id session_principal_id session_arn session_name role_arn role_name
                role_account_id expires_at duration_seconds external_id source_identity identity_provider_arn
                oidc_audience provided_context_arns task_policy_arn explicit_trust_grant
            }
            tags { session_tags inherited_tags transitive_tag_keys }
            policy {
                session_policy session_policy_sha256 session_policy_raw_sha256 session_policy_arns
                session_scope_sha256 packed_policy_size
            }
            mfa { mfa_serial_number caller_mfa session_mfa }
            caller {
                caller_type caller_arn caller_principal_id caller_account_id caller_user_name caller_access_key_id
                caller_session_issuer_arn caller_session_created_at caller_source_identity caller_invoked_by
                caller_identity_provider caller_on_behalf_of_user_id caller_on_behalf_of_identity_store_arn
                caller_in_scope_of_arn caller_ec2_role_delivery caller_from_console caller_sign_in_session_arn
            }
        );
        all.retain(|(_, value)| !value.is_empty());
        Columns(all)
    }

    /// The value of a column, empty where it is null.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))
    }
}

trait Column {
    fn column(&self) -> String;
}

impl Column for Text {
    fn column(&self) -> String {
        self.to_string()
    }
}

impl Column for Timestamp {
    fn column(&self) -> String {
        self.to_string()
    }
}

impl Column for bool {
    fn column(&self) -> String {
        self.to_string()
    }
}

impl Column for i32 {
    fn column(&self) -> String {
        self.to_string()
    }
}

impl Column for Outcome {
    fn column(&self) -> String {
        format!("{self:?}")
    }
}

impl Column for SessionType {
    fn column(&self) -> String {
        format!("{self:?}")
    }
}

impl<T: Column> Column for Option<T> {
    fn column(&self) -> String {
        self.as_ref().map(Column::column).unwrap_or_default()
    }
}

impl Column for Vec<Text> {
    fn column(&self) -> String {
        self.join(" | ")
    }
}

impl Column for TagMap {
    fn column(&self) -> String {
        let pairs: Vec<String> = self
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join(" | ")
    }
}
