//! IAM Roles Anywhere CreateSession: a machine outside AWS shows a certificate.

use std::rc::Rc;

use super::assume_role::assumed_role_user;
use super::{Copies, Entry, Grant, Issued, original, session_token};
use crate::Text;
use crate::calendar::rfc3339;
use crate::caller::{Caller, Identity, Keys};
use crate::json;
use crate::organisation::Role;
use crate::record::Record;
use crate::truth::{Facts, OriginTruth};
use crate::world::World;

/// One CreateSession of IAM Roles Anywhere.
pub(crate) struct Certificate {
    pub(crate) role: Rc<Role>,
    /// The certificate's serial number, in hexadecimal; the session's name.
    pub(crate) serial: Text,
    /// `CN=…` without the prefix; the source identity.
    pub(crate) common_name: Text,
    pub(crate) subject_id: Text,
    pub(crate) region: &'static str,
    pub(crate) address: Text,
}

const HELPER: &str = "aws_signing_helper/1.7.1 (linux; amd64) CredentialProcess";

impl Certificate {
    fn subject_arn(&self) -> Text {
        format!(
            "arn:aws:rolesanywhere:{}:{}:subject/{}",
            self.region, self.role.account.id, self.subject_id
        )
        .into()
    }

    fn caller(&self, subject_arn: &Text, trust_anchor: &Text) -> Caller {
        let account_id = Some(self.role.account.id.clone());
        let origin = OriginTruth {
            known: true,
            origin_type: "Certificate",
            arn: Some(subject_arn.clone()),
            name: Some(self.common_name.clone()),
            account_id: account_id.clone(),
            identity_provider: Some(trust_anchor.clone()),
            ..OriginTruth::default()
        };
        let identity = Identity {
            kind: "Unknown",
            account_id,
            ..Identity::default()
        };
        original(identity, Keys::Unlogged, origin, &self.address, HELPER)
    }
}

impl World {
    pub(crate) fn create_session(&mut self, scenario: &'static str, call: &Certificate) -> Grant {
        let (role, account) = (&call.role, &call.role.account);
        let trust_anchor = self.organisation.trust_anchor.clone();
        let subject_arn = call.subject_arn();
        let caller = call.caller(&subject_arn, &trust_anchor);
        let at = self.claim(&format!("{}:{}", role.id, call.serial), self.now);
        let access_key_id = self.dice.unique_id("ASIA", account.number);
        let request = self.certificate_request(call, &trust_anchor);
        let response = self.certificate_response(call, &subject_arn, &access_key_id, at + 3_600);
        let source_identity = Some(call.common_name.clone());
        let host = format!("rolesanywhere.{}.amazonaws.com", call.region);
        let recorded = self.issue(Entry {
            scenario,
            caller: &caller,
            facts: Facts {
                session_type: "AssumedRole",
                access_key_id: Some(access_key_id.clone()),
                session_arn: Some(role.session_arn(&call.serial)),
                session_name: Some(call.serial.clone()),
                role_arn: Some(role.arn.clone()),
                tags_untold: true,
                ..Facts::default()
            },
            source_identity: source_identity.clone(),
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                time: at,
                source: "rolesanywhere.amazonaws.com",
                name: "CreateSession",
                region: call.region,
                address: &call.address,
                agent: Some(HELPER),
                request: Some(&request),
                response: Some(&response),
                read_only: false,
                tls_host: Some(&host),
                ..Record::default()
            },
        });
        let mut identity = Identity::of_role_session(role, &call.serial, at);
        if let Some(context) = &mut identity.session {
            context.source_identity = source_identity.clone();
        }
        let issued = Issued {
            at,
            expires_at: at + 3_600,
            account_number: account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, identity)
    }

    fn certificate_request(&mut self, call: &Certificate, trust_anchor: &str) -> String {
        let profile = self.dice.guid();
        let mut certificate = String::from("MII");
        self.dice.push_base64(&mut certificate, 600);
        let account = &call.role.account.id;
        json::object(|members| {
            members.text("cert", &certificate);
            members.int("durationSeconds", 3_600);
            members.text(
                "profileArn",
                &format!(
                    "arn:aws:rolesanywhere:{}:{account}:profile/{profile}",
                    call.region
                ),
            );
            members.text("roleArn", &call.role.arn);
            members.text("trustAnchorArn", trust_anchor);
        })
    }

    fn certificate_response(
        &mut self,
        call: &Certificate,
        subject_arn: &str,
        access_key_id: &str,
        expires_at: i64,
    ) -> String {
        let token = session_token(&mut self.dice);
        let issued = json::object(|members| {
            members.raw(
                "assumedRoleUser",
                &assumed_role_user(&call.role, &call.serial),
            );
            members.object("credentials", |members| {
                members.text("accessKeyId", access_key_id);
                members.text("secretAccessKey", "HIDDEN_DUE_TO_SECURITY_REASONS");
                members.text("sessionToken", &token);
                members.text("expiration", &rfc3339(expires_at));
            });
            members.int("packedPolicySize", 10);
            members.text("roleArn", &call.role.arn);
            members.text("sourceIdentity", &call.common_name);
        });
        json::object(|members| {
            members.raw("credentialSet", &format!("[{issued}]"));
            members.text("subjectArn", subject_arn);
        })
    }
}
