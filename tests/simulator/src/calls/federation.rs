//! AssumeRoleWithSAML and AssumeRoleWithWebIdentity: sessions for identities from outside AWS.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::assume_role::assumed_role_user;
use super::{Copies, Entry, Grant, Issued, credentials, original, resources};
use crate::Text;
use crate::caller::{Caller, Identity, Keys, principal};
use crate::json;
use crate::organisation::Role;
use crate::record::Record;
use crate::truth::{Facts, Tags};
use crate::world::World;

/// One AssumeRoleWithSAML.
pub(crate) struct Saml {
    pub(crate) role: Rc<Role>,
    pub(crate) session_name: Text,
    /// `saml:sub`
    pub(crate) subject: Text,
    pub(crate) provider_arn: Text,
    pub(crate) issuer: String,
    /// By Identity Center, into a role of one of its permission sets.
    pub(crate) identity_center: bool,
    pub(crate) tags: Tags,
    pub(crate) transitive_tag_keys: Vec<Text>,
    pub(crate) source_identity: Option<Text>,
    pub(crate) region: &'static str,
    /// At the sign-in page: the logged expiration is a quarter of an hour away.
    pub(crate) for_console: bool,
    pub(crate) address: Text,
    pub(crate) agent: &'static str,
}

impl Saml {
    /// Stands for BASE64(SHA1(issuer, account, provider)): fixed for a provider.
    fn name_qualifier(&self) -> Text {
        let sum = Sha256::digest(self.provider_arn.as_bytes());
        let mut out = String::new();
        for byte in &sum[..27] {
            let place = usize::from(*byte) % 62;
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
            out.push(char::from(letters[place]));
        }
        out.push('=');
        out.into()
    }

    fn request(&self, assertion_id: &str) -> String {
        json::object(|members| {
            members.text("sAMLAssertionID", assertion_id);
            members.text("roleSessionName", &self.session_name);
            members.text_if("sourceIdentity", self.source_identity.as_deref());
            if !self.tags.is_empty() {
                members.raw("principalTags", &json::map(&self.tags));
            }
            if !self.transitive_tag_keys.is_empty() {
                members.raw("transitiveTagKeys", &json::texts(&self.transitive_tag_keys));
            }
            members.text("roleArn", &self.role.arn);
            members.text("principalArn", &self.provider_arn);
            members.int(
                "durationSeconds",
                if self.identity_center { 43_200 } else { 3_600 },
            );
        })
    }

    fn response(&self, credentials: &str, name_qualifier: &str) -> String {
        json::object(|members| {
            members.raw("credentials", credentials);
            members.raw(
                "assumedRoleUser",
                &assumed_role_user(&self.role, &self.session_name),
            );
            if !self.tags.is_empty() {
                members.int("packedPolicySize", 2);
            }
            members.text("subject", &self.subject);
            members.text("subjectType", "persistent");
            members.text("issuer", &self.issuer);
            members.text("audience", "https://signin.aws.amazon.com/saml");
            members.text("nameQualifier", name_qualifier);
            members.text_if("sourceIdentity", self.source_identity.as_deref());
        })
    }

    fn caller(&self, name_qualifier: &Text) -> Caller {
        let identity = Identity {
            kind: "SAMLUser",
            principal_id: Some(format!("{name_qualifier}:{}", self.subject).into()),
            user_name: Some(self.subject.clone()),
            identity_provider: Some(name_qualifier.clone()),
            ..Identity::default()
        };
        let kind = if self.identity_center {
            "IdentityCenterUser"
        } else {
            "SAMLUser"
        };
        let origin = principal(kind, &identity);
        original(identity, Keys::Unlogged, origin, &self.address, self.agent)
    }
}

/// One AssumeRoleWithWebIdentity.
pub(crate) struct WebIdentity {
    pub(crate) role: Rc<Role>,
    pub(crate) session_name: Text,
    pub(crate) provider: Text,
    pub(crate) subject: Text,
    pub(crate) tags: Tags,
    pub(crate) transitive_tag_keys: Vec<Text>,
    pub(crate) region: &'static str,
    pub(crate) address: Text,
    pub(crate) agent: &'static str,
}

const AUDIENCE: &str = "sts.amazonaws.com";

impl WebIdentity {
    fn request(&self) -> String {
        json::object(|members| {
            members.text("roleArn", &self.role.arn);
            members.text("roleSessionName", &self.session_name);
            if !self.tags.is_empty() {
                members.raw("principalTags", &json::map(&self.tags));
                members.raw("transitiveTagKeys", &json::texts(&self.transitive_tag_keys));
            }
            members.int("durationSeconds", 3_600);
        })
    }

    fn response(&self, credentials: &str) -> String {
        json::object(|members| {
            members.raw("credentials", credentials);
            members.text("subjectFromWebIdentityToken", &self.subject);
            members.raw(
                "assumedRoleUser",
                &assumed_role_user(&self.role, &self.session_name),
            );
            members.text("provider", &self.provider);
            members.text("audience", AUDIENCE);
        })
    }

    fn caller(&self) -> Caller {
        let identity = Identity {
            kind: "WebIdentityUser",
            principal_id: Some(format!("{}:{AUDIENCE}:{}", self.provider, self.subject).into()),
            user_name: Some(self.subject.clone()),
            identity_provider: Some(self.provider.clone()),
            ..Identity::default()
        };
        let origin = principal("WebIdentityUser", &identity);
        original(identity, Keys::Unlogged, origin, &self.address, self.agent)
    }
}

impl World {
    pub(crate) fn assume_role_with_saml(&mut self, scenario: &'static str, call: &Saml) -> Grant {
        let qualifier = call.name_qualifier();
        let caller = call.caller(&qualifier);
        let lifetime = if call.identity_center { 43_200 } else { 3_600 };
        let session = FederatedSession {
            role: &call.role,
            session_name: &call.session_name,
            lifetime,
            logged_lifetime: if call.for_console { 900 } else { lifetime },
            tags: &call.tags,
            transitive_tag_keys: &call.transitive_tag_keys,
            source_identity: call.source_identity.clone(),
            federated_provider: None,
        };
        let assertion_id = format!("_{}", self.dice.guid());
        let request = call.request(&assertion_id);
        let provider = Some(("AWS::IAM::SAMLProvider", &*call.provider_arn));
        let details = regional(call.region);
        self.federate(
            scenario,
            &caller,
            &session,
            |credentials| call.response(credentials, &qualifier),
            Record {
                name: "AssumeRoleWithSAML",
                region: call.region,
                request: Some(&request),
                additional: Some(&details),
                resources: Some(&resources(&call.role.account.id, &call.role.arn, provider)),
                ..Record::default()
            },
        )
    }

    pub(crate) fn assume_role_with_web_identity(
        &mut self,
        scenario: &'static str,
        call: &WebIdentity,
    ) -> Grant {
        let caller = call.caller();
        let session = FederatedSession {
            role: &call.role,
            session_name: &call.session_name,
            lifetime: 3_600,
            logged_lifetime: 3_600,
            tags: &call.tags,
            transitive_tag_keys: &call.transitive_tag_keys,
            source_identity: None,
            federated_provider: Some(call.provider.clone()),
        };
        let request = call.request();
        let details = format!(
            r#"{{"identityProviderConnectionVerificationMethod":"IAMTrustStore",{}"#,
            &regional(call.region)[1..]
        );
        self.federate(
            scenario,
            &caller,
            &session,
            |credentials| call.response(credentials),
            Record {
                name: "AssumeRoleWithWebIdentity",
                region: call.region,
                request: Some(&request),
                additional: Some(&details),
                resources: Some(&resources(&call.role.account.id, &call.role.arn, None)),
                ..Record::default()
            },
        )
    }

    /// What the two federation calls of STS share.
    fn federate(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        session: &FederatedSession<'_>,
        response: impl FnOnce(&str) -> String,
        record: Record<'_>,
    ) -> Grant {
        let role = session.role;
        let at = self.claim(&format!("{}:{}", role.id, session.session_name), self.now);
        let access_key_id = self.dice.unique_id("ASIA", role.account.number);
        let issued = credentials(&mut self.dice, &access_key_id, at + session.logged_lifetime);
        let response = response(&issued);
        let host = format!("sts.{}.amazonaws.com", record.region);
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: session.facts(&access_key_id),
            source_identity: session.source_identity.clone(),
            delivery: Copies::One(role.account.id.clone()),
            addendum: None,
            record: Record {
                time: at,
                source: "sts.amazonaws.com",
                address: &caller.address,
                agent: Some(&caller.agent),
                response: Some(&response),
                tls_host: Some(&host),
                ..record
            },
        });
        let mut identity = Identity::of_role_session(role, session.session_name, at);
        if let Some(context) = &mut identity.session {
            context.federated_provider = session.federated_provider.clone();
            context.source_identity = session.source_identity.clone();
        }
        let issued = Issued {
            at,
            expires_at: at + session.lifetime,
            account_number: role.account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, identity)
    }
}

/// A session of a role that an identity from outside is given.
struct FederatedSession<'a> {
    role: &'a Role,
    session_name: &'a Text,
    lifetime: i64,
    logged_lifetime: i64,
    tags: &'a Tags,
    transitive_tag_keys: &'a [Text],
    source_identity: Option<Text>,
    federated_provider: Option<Text>,
}

impl FederatedSession<'_> {
    fn facts(&self, access_key_id: &Text) -> Facts {
        let mut transitive_tag_keys = self.transitive_tag_keys.to_vec();
        transitive_tag_keys.sort();
        Facts {
            session_type: "AssumedRole",
            access_key_id: Some(access_key_id.clone()),
            session_arn: Some(self.role.session_arn(self.session_name)),
            session_name: Some(self.session_name.clone()),
            role_arn: Some(self.role.arn.clone()),
            session_tags: self.tags.clone(),
            transitive_tag_keys,
            ..Facts::default()
        }
    }
}

fn regional(region: &str) -> String {
    format!(r#"{{"RequestDetails":{{"awsServingRegion":"{region}","endpointType":"regional"}}}}"#)
}
