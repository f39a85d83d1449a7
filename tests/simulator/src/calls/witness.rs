//! Calls that tell of a session without handing it out, and one that hands out what no reader expects.

use super::sign_in::witness;
use super::{Copies, Entry, credentials, original};
use crate::caller::{Caller, Identity, Keys};
use crate::json;
use crate::organisation::{Account, Person, Role};
use crate::record::Record;
use crate::truth::{Facts, OriginTruth};
use crate::world::World;

impl World {
    /// EKS tells that a node asked for a pod's credentials.
    pub(crate) fn pod_identity(
        &mut self,
        scenario: &'static str,
        node: &Caller,
        account: &Account,
        region: &'static str,
    ) {
        let request = r#"{"clusterName":"production","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
        let host = format!("eks-auth.{region}.api.aws");
        self.issue(Entry {
            scenario,
            caller: node,
            facts: witness(),
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                time: self.now,
                source: "eks-auth.amazonaws.com",
                name: "AssumeRoleForPodIdentity",
                region,
                address: &node.address,
                agent: Some("aws-sdk-go-v2/1.39.6 ua/2.1 os/linux lang/go#1.25.4 md/GOARCH#arm64 api/eksauth#1.11.4"),
                request: Some(request),
                tls_host: Some(&host),
                ..Record::default()
            },
        });
    }

    /// An Identity Center user, as the records of the sign-in portal name it.
    pub(crate) fn portal_user(&mut self, person: &Person) -> Caller {
        let store = self.organisation.identity_store_arn.clone();
        let account = self.organisation.accounts[0].id.clone();
        let origin = OriginTruth {
            known: true,
            origin_type: "IdentityCenterUser",
            name: Some(person.user_id.clone()),
            account_id: Some(account.clone()),
            principal_id: Some(person.user_id.clone()),
            identity_provider: Some(store.clone()),
            ..OriginTruth::default()
        };
        let identity = Identity {
            kind: "IdentityCenterUser",
            account_id: Some(account),
            on_behalf_of: Some((person.user_id.clone(), store)),
            credential_id: Some(self.dice.guid()),
            ..Identity::default()
        };
        let agent = "aws-cli/2.31.9 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7";
        original(identity, Keys::Unlogged, origin, &person.address, agent)
    }

    /// The portal hands a token to a device.
    pub(crate) fn create_token(&mut self, scenario: &'static str, caller: &Caller) {
        let request = r#"{"clientId":"HIDDEN_DUE_TO_SECURITY_REASONS","clientSecret":"HIDDEN_DUE_TO_SECURITY_REASONS","grantType":"urn:ietf:params:oauth:grant-type:device_code","deviceCode":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
        let response = r#"{"accessToken":"HIDDEN_DUE_TO_SECURITY_REASONS","tokenType":"Bearer","expiresIn":28800,"refreshToken":"HIDDEN_DUE_TO_SECURITY_REASONS","idToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
        let record = self.by_portal("CreateToken", caller);
        self.issue(Entry {
            scenario,
            caller,
            facts: witness(),
            source_identity: None,
            delivery: Copies::One(self.organisation.accounts[0].id.clone()),
            addendum: None,
            record: Record {
                request: Some(request),
                response: Some(response),
                read_only: false,
                ..record
            },
        });
    }

    /// The portal hands out a role's credentials: a service event in the Identity Center account.
    pub(crate) fn get_role_credentials(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        role: &Role,
    ) {
        let details = json::object(|members| {
            members.text("role_name", role.name.trim_start_matches("AWSReservedSSO_"));
            members.text("account_id", &role.account.id);
        });
        let record = self.by_portal("GetRoleCredentials", caller);
        self.issue(Entry {
            scenario,
            caller,
            facts: witness(),
            source_identity: None,
            delivery: Copies::One(self.organisation.accounts[0].id.clone()),
            addendum: None,
            record: Record {
                event_type: "AwsServiceEvent",
                service_details: Some(&details),
                ..record
            },
        });
    }

    fn by_portal<'a>(&self, name: &'static str, caller: &'a Caller) -> Record<'a> {
        Record {
            time: self.now,
            source: "sso.amazonaws.com",
            name,
            region: self.organisation.regions[1],
            address: &caller.address,
            agent: Some(&caller.agent),
            ..Record::default()
        }
    }

    /// S3 Access Grants hand out credentials too: a call that is on no list of issuing calls.
    pub(crate) fn get_data_access(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        region: &'static str,
    ) {
        let access_key_id = self.dice.unique_id("ASIA", account.number);
        let issued = credentials(&mut self.dice, &access_key_id, self.now + 3_600);
        let response = json::object(|members| {
            members.raw("credentials", &issued);
            members.text("matchedGrantTarget", "s3://lake-curated/sales/*");
        });
        let request = r#"{"permission":"READ","target":"s3://lake-curated/sales/*"}"#;
        let host = format!("{}.s3-control.{region}.amazonaws.com", account.id);
        self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "Unknown",
                access_key_id: Some(access_key_id),
                tags_untold: true,
                ..Facts::default()
            },
            source_identity: caller.source_identity.clone(),
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                time: self.now,
                source: "s3.amazonaws.com",
                name: "GetDataAccess",
                region,
                address: &caller.address,
                agent: Some(&caller.agent),
                request: Some(request),
                response: Some(&response),
                tls_host: Some(&host),
                ..Record::default()
            },
        });
    }
}
