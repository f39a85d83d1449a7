//! Who made a call, as recorded: `userIdentity` and its session context.

use crate::fields::Fields;
use crate::timestamp::Timestamp;

/// `userIdentity` of one record. Every field may be missing, the type too: events that a service writes of its own
/// accord have none.
///
/// Source: AWS, "CloudTrail userIdentity element".
#[derive(Clone, Debug, Default)]
pub struct UserIdentity<'r> {
    /// `type`: `IAMUser`, `AssumedRole`, `AWSService` …
    pub kind: Option<&'r str>,
    /// `principalId`.
    pub principal_id: Option<&'r str>,
    /// `arn`.
    pub arn: Option<&'r str>,
    /// `accountId`.
    pub account_id: Option<&'r str>,
    /// `accessKeyId`, also where it is spelled `accesKeyId`.
    pub access_key_id: Option<&'r str>,
    /// `userName`.
    pub user_name: Option<&'r str>,
    /// `invokedBy`: the service that made the call, or in whose name it was made.
    pub invoked_by: Option<&'r str>,
    /// `identityProvider`, of SAML and web identity users.
    pub identity_provider: Option<&'r str>,
    /// `credentialId`, of calls with a bearer token.
    pub credential_id: Option<&'r str>,
    /// `onBehalfOf.userId`: the Identity Center user.
    pub on_behalf_of_user_id: Option<&'r str>,
    /// `onBehalfOf.identityStoreArn`.
    pub on_behalf_of_identity_store_arn: Option<&'r str>,
    /// `inScopeOf.sourceArn`: the function or task to which the credentials were given.
    pub in_scope_of_source_arn: Option<&'r str>,
    /// `invokedByDelegate.accountId`: the account of the product provider that used a session of the customer's.
    pub delegate_account_id: Option<&'r str>,
    /// `sessionContext`.
    pub session: SessionContext<'r>,
}

/// `userIdentity.sessionContext`: the session whose credentials made the call.
#[derive(Clone, Debug, Default)]
pub struct SessionContext<'r> {
    /// `attributes.creationDate`: when the credentials were handed out, to the second.
    pub created_at: Option<Timestamp>,
    /// `attributes.mfaAuthenticated`, written as a string.
    pub mfa_authenticated: Option<bool>,
    /// `sessionIssuer.type`.
    pub issuer_type: Option<&'r str>,
    /// `sessionIssuer.principalId`.
    pub issuer_principal_id: Option<&'r str>,
    /// `sessionIssuer.arn`: with the role's path, which the session's own ARN lacks.
    pub issuer_arn: Option<&'r str>,
    /// `sessionIssuer.accountId`.
    pub issuer_account_id: Option<&'r str>,
    /// `sessionIssuer.userName`: the role's name.
    pub issuer_user_name: Option<&'r str>,
    /// `sourceIdentity`.
    pub source_identity: Option<&'r str>,
    /// `ec2RoleDelivery`: version of the instance metadata service, `1.0` or `2.0`.
    pub ec2_role_delivery: Option<&'r str>,
    /// `signInSessionArn`.
    pub sign_in_session_arn: Option<&'r str>,
    /// `webIdFederationData.federatedProvider`.
    pub federated_provider: Option<&'r str>,
    /// `assumedRoot`, written as a string.
    pub assumed_root: Option<bool>,
}

impl<'r> UserIdentity<'r> {
    /// Reads what is there, in one pass; one that is no object says nothing.
    pub(crate) fn read(identity: Fields<'r>) -> UserIdentity<'r> {
        let mut read = UserIdentity::default();
        let mut misspelt_key_id = None;
        for (name, value) in identity.entries() {
            match name {
                "type" => read.kind = value.as_text(),
                "principalId" => read.principal_id = value.as_text(),
                "arn" => read.arn = value.as_text(),
                "accountId" => read.account_id = value.as_text(),
                "accessKeyId" => read.access_key_id = value.as_text(),
                "accesKeyId" => misspelt_key_id = value.as_text(),
                "userName" => read.user_name = value.as_text(),
                "invokedBy" => read.invoked_by = value.as_text(),
                "identityProvider" => read.identity_provider = value.as_text(),
                "credentialId" => read.credential_id = value.as_text(),
                "onBehalfOf" => {
                    read.on_behalf_of_user_id = value.text("userId");
                    read.on_behalf_of_identity_store_arn = value.text("identityStoreArn");
                }
                "inScopeOf" => read.in_scope_of_source_arn = value.text("sourceArn"),
                "invokedByDelegate" => read.delegate_account_id = value.text("accountId"),
                "sessionContext" => read.session = SessionContext::read(value),
                _ => {}
            }
        }
        read.access_key_id = read.access_key_id.or(misspelt_key_id);
        read
    }
}

impl<'r> SessionContext<'r> {
    fn read(context: Fields<'r>) -> SessionContext<'r> {
        let mut read = SessionContext::default();
        for (name, value) in context.entries() {
            match name {
                "attributes" => {
                    read.created_at = value.text("creationDate").and_then(Timestamp::parse);
                    read.mfa_authenticated = value.bool("mfaAuthenticated");
                }
                "sessionIssuer" => read.read_issuer(value),
                "sourceIdentity" => read.source_identity = value.as_text(),
                "ec2RoleDelivery" => read.ec2_role_delivery = value.as_text(),
                "signInSessionArn" => read.sign_in_session_arn = value.as_text(),
                "webIdFederationData" => {
                    read.federated_provider = value.text("federatedProvider");
                }
                "assumedRoot" => read.assumed_root = value.as_bool(),
                _ => {}
            }
        }
        read
    }

    fn read_issuer(&mut self, issuer: Fields<'r>) {
        self.issuer_type = issuer.text("type");
        self.issuer_principal_id = issuer.text("principalId");
        self.issuer_arn = issuer.text("arn");
        self.issuer_account_id = issuer.text("accountId");
        self.issuer_user_name = issuer.text("userName");
    }
}
