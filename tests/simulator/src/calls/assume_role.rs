//! AssumeRole: by users, sessions and services, within an account and across.

use std::rc::Rc;

use super::{Addendum, Copies, Entry, Grant, Issued, credentials, resources, tag_list};
use crate::Text;
use crate::caller::{Caller, Identity, Keys};
use crate::json;
use crate::organisation::Role;
use crate::policy::Policy;
use crate::record::Record;
use crate::truth::{Facts, Tags};
use crate::world::World;

/// One request for a role session.
#[derive(Clone)]
pub(crate) struct AssumeRole {
    pub(crate) role: Rc<Role>,
    pub(crate) session_name: Text,
    pub(crate) duration: Option<i64>,
    /// Seconds from issuance to expiry.
    pub(crate) lifetime: i64,
    pub(crate) external_id: Option<Text>,
    pub(crate) serial_number: Option<Text>,
    pub(crate) policy: Option<Policy>,
    pub(crate) policy_arns: Vec<&'static str>,
    pub(crate) tags: Tags,
    pub(crate) transitive_tag_keys: Vec<Text>,
    pub(crate) source_identity: Option<Text>,
    /// Whether the record has `incomingTransitiveTags` where tags are inherited.
    pub(crate) logs_inherited_tags: bool,
    pub(crate) region: &'static str,
    /// Called through the global endpoint: logged in us-east-1.
    pub(crate) global: bool,
    /// Services that make the call for themselves: the response may lack `assumedRoleUser`.
    pub(crate) by_service: Option<ByService>,
    /// `mfaAuthenticated` of the session; a console keeps the sign-in's.
    pub(crate) session_says_mfa: bool,
    /// At this second, whatever else was issued in it.
    pub(crate) at: Option<i64>,
    /// Hands out this key instead of a new one.
    pub(crate) access_key_id: Option<Text>,
    pub(crate) addendum: Option<Addendum>,
    pub(crate) seconds_apart: i64,
}

/// What is special where a service calls.
#[derive(Clone, Copy)]
pub(crate) struct ByService {
    pub(crate) logs_assumed_role_user: bool,
}

impl AssumeRole {
    pub(crate) fn of(role: Rc<Role>, session_name: &str, region: &'static str) -> Self {
        Self {
            role,
            session_name: session_name.into(),
            duration: None,
            lifetime: 3_600,
            external_id: None,
            serial_number: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            logs_inherited_tags: true,
            region,
            global: false,
            by_service: None,
            session_says_mfa: false,
            at: None,
            access_key_id: None,
            addendum: None,
            seconds_apart: 0,
        }
    }

    fn facts(&self, caller: &Caller, inherited: Option<&Tags>, access_key_id: &Text) -> Facts {
        let mut transitive_tag_keys = self.transitive_tag_keys.clone();
        transitive_tag_keys.sort();
        let mut session_policy_arns: Vec<Text> = self
            .policy_arns
            .iter()
            .map(|arn| Text::from(*arn))
            .collect();
        session_policy_arns.sort();
        Facts {
            session_type: "AssumedRole",
            access_key_id: Some(access_key_id.clone()),
            session_arn: Some(self.role.session_arn(&self.session_name)),
            session_name: Some(self.session_name.clone()),
            role_arn: Some(self.role.arn.clone()),
            session_tags: self.tags.clone(),
            inherited_tags: inherited.cloned(),
            transitive_tag_keys,
            session_policy_sha256: self.policy.as_ref().map(|policy| policy.sha256.clone()),
            session_policy_arns,
            session_mfa: (caller.identity.kind != "AWSService")
                .then_some(self.serial_number.is_some()),
            ..Facts::default()
        }
    }

    fn request(&self, inherited: Option<&Tags>) -> String {
        json::object(|members| {
            members.raw_if("incomingTransitiveTags", inherited.map(json::map));
            if !self.tags.is_empty() {
                members.raw("tags", &tag_list(&self.tags));
            }
            members.text("roleArn", &self.role.arn);
            members.text("roleSessionName", &self.session_name);
            members.text_if("externalId", self.external_id.as_deref());
            members.text_if("sourceIdentity", self.source_identity.as_deref());
            members.text_if("serialNumber", self.serial_number.as_deref());
            if !self.transitive_tag_keys.is_empty() {
                members.raw("transitiveTagKeys", &json::texts(&self.transitive_tag_keys));
            }
            if !self.policy_arns.is_empty() {
                let all: Vec<String> = self
                    .policy_arns
                    .iter()
                    .map(|arn| json::object(|members| members.text("arn", arn)))
                    .collect();
                members.raw("policyArns", &format!("[{}]", all.join(",")));
            }
            members.text_if("policy", self.policy.as_ref().map(|policy| &policy.text));
            if let Some(duration) = self.duration {
                members.int("durationSeconds", duration);
            }
        })
    }

    fn packed_policy_size(&self) -> Option<i64> {
        let tags: usize = self
            .tags
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let policy = self
            .policy
            .as_ref()
            .map_or(0, |policy| policy.text.len() / 8);
        let size = tags + policy + self.policy_arns.len();
        (size > 0).then_some((size as i64 * 100 / 2_048).clamp(1, 99))
    }

    /// What the session's calls say of their caller.
    fn session(&self, created_at: i64, source_identity: Option<Text>) -> Identity {
        let mut identity = Identity::of_role_session(&self.role, &self.session_name, created_at);
        if let Some(session) = &mut identity.session {
            session.source_identity = source_identity;
            session.mfa = self.session_says_mfa;
        }
        identity
    }

    fn logged_region(&self) -> &'static str {
        if self.global {
            "us-east-1"
        } else {
            self.region
        }
    }

    fn host(&self) -> String {
        if self.global {
            format!("sts-global.{}.amazonaws.com", self.region)
        } else {
            format!("sts.{}.amazonaws.com", self.region)
        }
    }

    fn request_details(&self) -> String {
        let kind = if self.global { "global" } else { "regional" };
        format!(
            r#"{{"RequestDetails":{{"awsServingRegion":"{}","endpointType":"{kind}"}}}}"#,
            self.region
        )
    }

    fn copies(&self, caller: &Caller) -> Copies {
        let owner = self.role.account.id.clone();
        if caller.identity.kind == "AWSService" {
            return Copies::Shared(owner);
        }
        match &caller.identity.account_id {
            Some(account) if *account != owner => Copies::Twins {
                caller: account.clone(),
                owner,
                seconds_apart: self.seconds_apart,
            },
            _ => Copies::One(owner),
        }
    }
}

impl World {
    /// A session of a role is handed out.
    pub(crate) fn assume_role(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        call: &AssumeRole,
    ) -> Grant {
        let principal = format!("{}:{}", call.role.id, call.session_name);
        let at = match call.at {
            Some(at) => at,
            None => self.claim(&principal, self.now),
        };
        let access_key_id = match &call.access_key_id {
            Some(key) => key.clone(),
            None => self.dice.unique_id("ASIA", call.role.account.number),
        };
        let source_identity = caller
            .source_identity
            .clone()
            .or_else(|| call.source_identity.clone());
        let logged_tags = (call.logs_inherited_tags && !caller.tags.actual.is_empty())
            .then(|| caller.tags.actual.clone());
        let expires_at = at + call.lifetime;
        let response =
            self.assume_role_response(call, &access_key_id, expires_at, source_identity.as_deref());
        let (request, details, host) = (
            call.request(logged_tags.as_ref()),
            call.request_details(),
            call.host(),
        );
        let role_resources = resources(&call.role.account.id, &call.role.arn, None);
        let by_service = call.by_service.is_some();
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: call.facts(caller, logged_tags.as_ref(), &access_key_id),
            source_identity: source_identity.clone(),
            delivery: call.copies(caller),
            addendum: call.addendum.clone(),
            record: Record {
                time: at,
                source: "sts.amazonaws.com",
                name: "AssumeRole",
                region: call.logged_region(),
                address: &caller.address,
                agent: Some(&caller.agent),
                request: Some(&request),
                response: Some(&response),
                additional: (!by_service).then_some(&details),
                resources: Some(&role_resources),
                tls_host: (!by_service).then_some(&host),
                from_console: caller.from_console,
                ..Record::default()
            },
        });
        let issued = Issued {
            at,
            expires_at,
            account_number: call.role.account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, call.session(at, source_identity))
    }

    fn assume_role_response(
        &mut self,
        call: &AssumeRole,
        access_key_id: &str,
        expires_at: i64,
        source_identity: Option<&str>,
    ) -> String {
        let credentials = credentials(&mut self.dice, access_key_id, expires_at);
        let with_user = call
            .by_service
            .is_none_or(|service| service.logs_assumed_role_user);
        json::object(|members| {
            members.raw("credentials", &credentials);
            if with_user {
                members.raw(
                    "assumedRoleUser",
                    &assumed_role_user(&call.role, &call.session_name),
                );
            }
            if let Some(size) = call.packed_policy_size() {
                members.int("packedPolicySize", size);
            }
            members.text_if("sourceIdentity", source_identity);
        })
    }

    /// The call is refused: of the request, only the error's text names the role.
    pub(crate) fn refuse_role(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        role: &Role,
        region: &'static str,
    ) {
        let arn = caller.identity.arn.as_deref().unwrap_or_default();
        let message = format!(
            "User: {arn} is not authorized to perform: sts:AssumeRole on resource: {}",
            role.arn
        );
        let host = format!("sts.{region}.amazonaws.com");
        let account = caller
            .identity
            .account_id
            .clone()
            .unwrap_or_else(|| role.account.id.clone());
        self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "AssumedRole",
                failed: true,
                role_arn: Some(role.arn.clone()),
                ..Facts::default()
            },
            source_identity: caller.source_identity.clone(),
            delivery: Copies::One(account),
            addendum: None,
            record: Record {
                time: self.now,
                source: "sts.amazonaws.com",
                name: "AssumeRole",
                region,
                address: &caller.address,
                agent: Some(&caller.agent),
                error: Some(("AccessDenied", &message)),
                tls_host: Some(&host),
                ..Record::default()
            },
        });
    }

    /// A service takes a session of a role for itself or for a workload.
    pub(crate) fn service_assume_role(
        &mut self,
        scenario: &'static str,
        service: &Caller,
        call: AssumeRole,
        logs_assumed_role_user: bool,
    ) -> Grant {
        let call = AssumeRole {
            by_service: Some(ByService {
                logs_assumed_role_user,
            }),
            ..call
        };
        self.assume_role(scenario, service, &call)
    }
}

/// The session of a role as a response names it.
pub(crate) fn assumed_role_user(role: &Role, session_name: &str) -> String {
    json::object(|members| {
        members.text("assumedRoleId", &format!("{}:{session_name}", role.id));
        members.text("arn", &role.session_arn(session_name));
    })
}

/// An AWS service as the caller of its own AssumeRole.
pub(crate) fn service_caller(service: &str, origin: crate::truth::OriginTruth) -> Caller {
    let identity = Identity {
        kind: "AWSService",
        invoked_by: Some(service.into()),
        ..Identity::default()
    };
    super::original(identity, Keys::Unlogged, origin, &service.into(), service)
}
