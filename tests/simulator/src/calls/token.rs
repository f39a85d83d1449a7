//! GetSessionToken, GetFederationToken and AssumeRoot: credentials of users and root.

use super::{Copies, Entry, Grant, Issued, credentials, tag_list};
use crate::Text;
use crate::caller::{Caller, Identity, SessionContext};
use crate::json;
use crate::organisation::Account;
use crate::policy::Policy;
use crate::record::Record;
use crate::truth::{Facts, Tags};
use crate::world::World;

/// One GetFederationToken.
pub(crate) struct Federation {
    pub(crate) name: Text,
    pub(crate) policy: Option<Policy>,
    pub(crate) tags: Tags,
    pub(crate) region: &'static str,
}

impl World {
    /// Temporary credentials of an IAM user or root, with an MFA device or without.
    pub(crate) fn get_session_token(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        device: Option<&Text>,
        region: &'static str,
    ) -> Grant {
        let principal = caller.identity.principal_id.clone().unwrap_or_default();
        let at = self.claim(&principal, self.now);
        let lifetime = if caller.identity.kind == "Root" {
            3_600
        } else {
            43_200
        };
        let access_key_id = self.dice.unique_id("ASIA", account.number);
        let issued = credentials(&mut self.dice, &access_key_id, at + lifetime);
        let response = json::object(|members| members.raw("credentials", &issued));
        let request = device.map(|device| {
            json::object(|members| {
                members.int("durationSeconds", lifetime);
                members.text("serialNumber", device);
            })
        });
        let host = format!("sts.{region}.amazonaws.com");
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "SessionToken",
                access_key_id: Some(access_key_id.clone()),
                session_arn: caller.identity.arn.clone(),
                session_mfa: Some(device.is_some()),
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                request: request.as_deref(),
                response: Some(&response),
                tls_host: Some(&host),
                ..by_sts("GetSessionToken", at, region, caller)
            },
        });
        let identity = Identity {
            session: Some(SessionContext {
                created_at: at,
                mfa: device.is_some(),
                ..SessionContext::default()
            }),
            ..caller.identity.clone()
        };
        let issued = Issued {
            at,
            expires_at: at + lifetime,
            account_number: account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, identity)
    }

    /// A wrong token code: the request stays in the record.
    pub(crate) fn refuse_session_token(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        device: &Text,
        region: &'static str,
    ) {
        let request = json::object(|members| {
            members.int("durationSeconds", 900);
            members.text("serialNumber", device);
        });
        let message = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
        let host = format!("sts.{region}.amazonaws.com");
        self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "SessionToken",
                failed: true,
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                error: Some(("AccessDenied", message)),
                request: Some(&request),
                tls_host: Some(&host),
                ..by_sts("GetSessionToken", self.now, region, caller)
            },
        });
    }

    pub(crate) fn get_federation_token(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        call: &Federation,
    ) -> Grant {
        let federated_id: Text = format!("{}:{}", account.id, call.name).into();
        let arn: Text = format!("arn:aws:sts::{}:federated-user/{}", account.id, call.name).into();
        let at = self.claim(&federated_id, self.now);
        let access_key_id = self.dice.unique_id("ASIA", account.number);
        let issued = credentials(&mut self.dice, &access_key_id, at + 43_200);
        let request = json::object(|members| {
            members.text("name", &call.name);
            members.text_if("policy", call.policy.as_ref().map(|policy| &policy.text));
            if !call.tags.is_empty() {
                members.raw("tags", &tag_list(&call.tags));
            }
        });
        let response = json::object(|members| {
            members.raw("credentials", &issued);
            members.object("federatedUser", |members| {
                members.text("federatedUserId", &federated_id);
                members.text("arn", &arn);
            });
            if call.policy.is_some() {
                members.int("packedPolicySize", 4);
            }
        });
        let host = format!("sts.{}.amazonaws.com", call.region);
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "FederatedUser",
                access_key_id: Some(access_key_id.clone()),
                session_arn: Some(arn.clone()),
                session_name: Some(call.name.clone()),
                session_tags: call.tags.clone(),
                session_policy_sha256: call.policy.as_ref().map(|policy| policy.sha256.clone()),
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                request: Some(&request),
                response: Some(&response),
                tls_host: Some(&host),
                ..by_sts("GetFederationToken", at, call.region, caller)
            },
        });
        let identity = federated_user(federated_id, arn, &caller.identity, account, at);
        let issued = Issued {
            at,
            expires_at: at + 43_200,
            account_number: account.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, identity)
    }

    /// A privileged session of a member account's root, for one task.
    pub(crate) fn assume_root(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        target: &Account,
        region: &'static str,
    ) -> Grant {
        let at = self.claim(&target.id, self.now);
        let access_key_id = self.dice.unique_id("ASIA", target.number);
        let issued = credentials(&mut self.dice, &access_key_id, at + 900);
        let task = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy";
        let request = json::object(|members| {
            members.text("targetPrincipal", &target.id);
            members.object("taskPolicyArn", |members| members.text("arn", task));
        });
        let response = json::object(|members| {
            members.raw("credentials", &issued);
            members.text_if("sourceIdentity", caller.source_identity.as_deref());
        });
        let host = format!("sts.{region}.amazonaws.com");
        let home = caller.identity.account_id.clone().unwrap_or_default();
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "AssumedRoot",
                access_key_id: Some(access_key_id.clone()),
                session_arn: Some(format!("arn:aws:iam::{}:root", target.id).into()),
                ..Facts::default()
            },
            source_identity: caller.source_identity.clone(),
            delivery: Copies::One(home),
            addendum: None,
            record: Record {
                request: Some(&request),
                response: Some(&response),
                tls_host: Some(&host),
                ..by_sts("AssumeRoot", at, region, caller)
            },
        });
        let identity = Identity {
            session: Some(SessionContext {
                created_at: at,
                // AWS's own example of such a session's call does not show it.
                assumed_root: self.dice.chance(0.5),
                source_identity: caller.source_identity.clone(),
                ..SessionContext::default()
            }),
            ..Identity::of_root(&target.id)
        };
        let issued = Issued {
            at,
            expires_at: at + 900,
            account_number: target.number,
            access_key_id: Some(access_key_id),
        };
        recorded.grant(issued, identity)
    }
}

/// What the records of these three calls share; all of them write.
fn by_sts<'a>(name: &'static str, at: i64, region: &'a str, caller: &'a Caller) -> Record<'a> {
    Record {
        time: at,
        source: "sts.amazonaws.com",
        name,
        region,
        address: &caller.address,
        agent: Some(&caller.agent),
        read_only: false,
        ..Record::default()
    }
}

/// A federated user as its uses show it: the issuer stands in every one.
pub(crate) fn federated_user(
    id: Text,
    arn: Text,
    issuer: &Identity,
    account: &Account,
    at: i64,
) -> Identity {
    Identity {
        kind: "FederatedUser",
        principal_id: Some(id),
        arn: Some(arn),
        account_id: Some(account.id.clone()),
        session: Some(SessionContext {
            issuer: Some(issuer.as_issuer()),
            created_at: at,
            ..SessionContext::default()
        }),
        ..Identity::default()
    }
}
