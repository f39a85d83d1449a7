//! Cognito GetCredentialsForIdentity: a data event that names no caller.

use super::{Copies, Entry, Grant, Issued, credentials, original};
use crate::Text;
use crate::caller::{Caller, Identity, Keys};
use crate::json;
use crate::organisation::Role;
use crate::record::Record;
use crate::truth::{Facts, OriginTruth};
use crate::world::World;

/// What Cognito calls its sessions.
const SESSION_NAME: &str = "CognitoIdentityCredentials";

/// Whoever holds the tokens of an identity.
fn holder(identity_id: &Text, address: &Text) -> Caller {
    let origin = OriginTruth {
        known: true,
        origin_type: "WebIdentityUser",
        name: Some(identity_id.clone()),
        identity_provider: Some("cognito-identity.amazonaws.com".into()),
        ..OriginTruth::default()
    };
    let identity = Identity {
        kind: "Unknown",
        ..Identity::default()
    };
    original(
        identity,
        Keys::Unlogged,
        origin,
        address,
        "aws-amplify/6.15.1 framework/1",
    )
}

impl World {
    /// An app gets credentials of an identity pool: a session of a role that the record does not name.
    pub(crate) fn credentials_for_identity(
        &mut self,
        scenario: &'static str,
        role: &Role,
        region: &'static str,
    ) -> Grant {
        let account = &role.account;
        let at = self.claim(&format!("{}:{SESSION_NAME}", role.id), self.now);
        let identity_id: Text = format!("{region}:{}", self.dice.guid()).into();
        let address = crate::organisation::address(&mut self.dice);
        let caller = holder(&identity_id, &address);
        let access_key_id = self.dice.unique_id("ASIA", account.number);
        let issued = credentials(&mut self.dice, &access_key_id, at + 3_600);
        let request = json::object(|members| {
            members.object("logins", |members| {
                let pool = format!("cognito-idp.{region}.amazonaws.com/{region}_Kd93mX2aB");
                members.text(&pool, "HIDDEN_DUE_TO_SECURITY_REASONS");
            });
            members.text("identityId", &identity_id);
        });
        let response = json::object(|members| {
            members.raw("credentials", &issued);
            members.text("identityId", &identity_id);
        });
        let pool = format!(
            r#"[{{"accountId":"{}","type":"AWS::Cognito::IdentityPool"}}]"#,
            account.id
        );
        let recorded = self.issue(Entry {
            scenario,
            caller: &caller,
            facts: Facts {
                session_type: "WebIdentity",
                access_key_id: Some(access_key_id.clone()),
                session_name: Some(identity_id),
                tags_untold: true,
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                time: at,
                source: "cognito-identity.amazonaws.com",
                name: "GetCredentialsForIdentity",
                region,
                address: &address,
                agent: Some(&caller.agent),
                request: Some(&request),
                response: Some(&response),
                read_only: false,
                resources: Some(&pool),
                category: "Data",
                ..Record::default()
            },
        });
        let issued = Issued {
            at,
            expires_at: at + 3_600,
            account_number: account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, Identity::of_role_session(role, SESSION_NAME, at))
    }
}
