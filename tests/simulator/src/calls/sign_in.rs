//! Sign-in: ConsoleLogin, GetSigninToken, SwitchRole, `aws login`.

use super::{Copies, Entry, Grant, Issued};
use crate::Text;
use crate::caller::{Caller, Identity, Keys, SessionContext, Standing, furthest};
use crate::json;
use crate::organisation::{Account, Role};
use crate::record::Record;
use crate::truth::Facts;
use crate::world::World;

pub(crate) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const PORTAL: &str = "Jersey/${project.version} (HttpUrlConnection 17.0.12)";

fn signing_in<'a>(name: &'static str, at: i64, region: &'a str, caller: &'a Caller) -> Record<'a> {
    Record {
        time: at,
        source: "signin.amazonaws.com",
        name,
        region,
        address: &caller.address,
        agent: Some(&caller.agent),
        read_only: false,
        event_type: "AwsConsoleSignIn",
        ..Record::default()
    }
}

fn login_details(device: Option<&str>, provider: Option<&str>) -> String {
    json::object(|members| {
        members.text(
            "LoginTo",
            "https://console.aws.amazon.com/console/home?region=us-east-1&state=hashArgs%23",
        );
        members.text("MobileVersion", "No");
        members.text_if("MFAIdentifier", device);
        members.text_if("SamlProviderArn", provider);
        members.text("MFAUsed", if device.is_some() { "Yes" } else { "No" });
    })
}

impl World {
    /// An IAM user or root signs in to the console.
    pub(crate) fn console_login(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        device: Option<&Text>,
    ) -> Grant {
        let principal = caller.identity.principal_id.clone().unwrap_or_default();
        let at = self.claim(&principal, self.now);
        let details = login_details(device.map(|device| &**device), None);
        let recorded = self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "Console",
                session_arn: caller.identity.arn.clone(),
                session_mfa: Some(device.is_some()),
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                response: Some(r#"{"ConsoleLogin":"Success"}"#),
                additional: Some(&details),
                tls_host: Some("us-east-1.signin.aws.amazon.com"),
                ..signing_in("ConsoleLogin", at, "us-east-1", caller)
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
            expires_at: at + 43_200,
            account_number: account.number,
            access_key_id: None,
        };
        recorded.grant(issued, identity)
    }

    /// A wrong password: whoever typed the name of `claimed` need not be that user.
    pub(crate) fn failed_console_login(
        &mut self,
        scenario: &'static str,
        claimed: &Caller,
        account: &Account,
    ) {
        let caller = &claimed.only_claimed();
        let details = login_details(None, None);
        self.issue(Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "Console",
                failed: true,
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                response: Some(r#"{"ConsoleLogin":"Failure"}"#),
                additional: Some(&details),
                error: Some(("Failure", "Failed authentication")),
                tls_host: Some("us-east-1.signin.aws.amazon.com"),
                ..signing_in("ConsoleLogin", self.now, "us-east-1", caller)
            },
        });
    }

    /// The sign-in page tells of a role session that came by SAML; its record names no key and no creation date.
    pub(crate) fn saml_console_login(
        &mut self,
        scenario: &'static str,
        session: &Grant,
        role: &Role,
        provider: &str,
    ) {
        let identity = Identity {
            session: None,
            ..session.identity.clone()
        };
        let caller = Caller {
            standing: Standing::Gap("not_in_logs", furthest(&identity)),
            identity,
            keys: Keys::Unlogged,
            tags: Default::default(),
            source_identity: None,
            agent: BROWSER.into(),
            ..session.by_context()
        };
        let details = login_details(None, Some(provider));
        self.issue(Entry {
            scenario,
            caller: &caller,
            facts: Facts {
                session_type: "Console",
                session_arn: caller.identity.arn.clone(),
                ..Facts::default()
            },
            source_identity: None,
            delivery: Copies::One(role.account.id.clone()),
            addendum: None,
            record: Record {
                response: Some(r#"{"ConsoleLogin":"Success"}"#),
                additional: Some(&details),
                tls_host: Some("us-east-1.signin.aws.amazon.com"),
                ..signing_in("ConsoleLogin", session.at, "us-east-1", &caller)
            },
        });
    }

    /// A session is traded for a console's. The key in the answer is the caller's own, or one that is then used.
    pub(crate) fn get_signin_token(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        account: &Account,
        new_key: bool,
    ) -> Grant {
        let key = self.key_of(caller);
        let answered = match &key {
            Some(key) if !new_key => key.clone(),
            _ => self.dice.unique_id("ASIA", account.number),
        };
        let response = json::object(|members| {
            members.object("credentials", |members| {
                members.text("accessKeyId", &answered)
            });
            members.text("GetSigninToken", "Success");
        });
        let region = self.organisation.regions[1];
        let host = format!("{region}.signin.aws.amazon.com");
        let entry = Entry {
            scenario,
            caller,
            facts: Facts {
                session_type: "Console",
                access_key_id: Some(answered.clone()),
                session_arn: caller.identity.arn.clone(),
                ..Facts::default()
            },
            source_identity: caller.source_identity.clone(),
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                agent: Some(PORTAL),
                response: Some(&response),
                additional: Some(r#"{"MobileVersion":"No","MFAUsed":"No"}"#),
                tls_host: Some(&host),
                ..signing_in("GetSigninToken", self.now, region, caller)
            },
        };
        let recorded = self.issue_with_key(entry, key);
        let issued = Issued {
            at: self.now,
            expires_at: self.now + 43_200,
            account_number: account.number,
            access_key_id: Some(answered),
        };
        Grant {
            agent: BROWSER.into(),
            ..recorded.grant(issued, caller.identity.clone())
        }
    }

    /// The console tells that it changed to a role; newer records say when the session was created.
    pub(crate) fn switch_role(
        &mut self,
        scenario: &'static str,
        session: &Grant,
        role: &Role,
        from: &str,
    ) {
        let says_when = self.dice.chance(0.5);
        let linked = session.by_context();
        let identity = Identity {
            session: session.identity.session.clone().filter(|_| says_when),
            ..session.identity.clone()
        };
        let caller = Caller {
            standing: if says_when {
                linked.standing.clone()
            } else {
                Standing::Gap("not_in_logs", furthest(&identity))
            },
            tags: if says_when {
                linked.tags.clone()
            } else {
                Default::default()
            },
            identity,
            keys: Keys::Unlogged,
            agent: BROWSER.into(),
            ..linked
        };
        let details = json::object(|members| {
            members.text("SwitchFrom", from);
            members.text(
                "RedirectTo",
                "https://console.aws.amazon.com/console/home?region=eu-west-1#",
            );
        });
        self.issue(Entry {
            scenario,
            caller: &caller,
            facts: witness(),
            source_identity: None,
            delivery: Copies::One(role.account.id.clone()),
            addendum: None,
            record: Record {
                response: Some(r#"{"SwitchRole":"Success"}"#),
                additional: Some(&details),
                tls_host: Some("us-east-1.signin.aws.amazon.com"),
                ..signing_in("SwitchRole", session.at, "us-east-1", &caller)
            },
        });
    }

    /// `aws login`: the console session vouches for a command line's.
    pub(crate) fn create_oauth2_token(
        &mut self,
        scenario: &'static str,
        console: &Caller,
        account: &Account,
    ) {
        let caller = Caller {
            keys: Keys::Unlogged,
            ..console.clone()
        };
        let request = r#"{"client_id":"arn:aws:signin:::devtools/same-device"}"#;
        self.issue(Entry {
            scenario,
            caller: &caller,
            facts: witness(),
            source_identity: None,
            delivery: Copies::One(account.id.clone()),
            addendum: None,
            record: Record {
                agent: Some("aws-cli/2.32.4 md/awscrt#0.28.4 ua/2.1 os/macos#25.1.0 md/arch#arm64 lang/python#3.13.9"),
                request: Some(request),
                event_type: "AwsApiCall",
                ..signing_in("CreateOAuth2Token", self.now, "us-east-1", &caller)
            },
        });
    }
}

/// The facts of a call that tells of a session without being its issuance.
pub(crate) fn witness() -> Facts {
    Facts {
        session_type: "Witness",
        ..Facts::default()
    }
}
