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
    /// Reads what is there; one that is no object says nothing.
    pub(crate) fn read(identity: Fields<'r>) -> UserIdentity<'r> {
        let on_behalf_of = identity.object("onBehalfOf");
        UserIdentity {
            kind: identity.text("type"),
            principal_id: identity.text("principalId"),
            arn: identity.text("arn"),
            account_id: identity.text("accountId"),
            access_key_id: identity
                .text("accessKeyId")
                .or_else(|| identity.text("accesKeyId")),
            user_name: identity.text("userName"),
            invoked_by: identity.text("invokedBy"),
            identity_provider: identity.text("identityProvider"),
            credential_id: identity.text("credentialId"),
            on_behalf_of_user_id: on_behalf_of.text("userId"),
            on_behalf_of_identity_store_arn: on_behalf_of.text("identityStoreArn"),
            in_scope_of_source_arn: identity.object("inScopeOf").text("sourceArn"),
            session: SessionContext::read(identity.object("sessionContext")),
        }
    }
}

impl<'r> SessionContext<'r> {
    fn read(context: Fields<'r>) -> SessionContext<'r> {
        let attributes = context.object("attributes");
        let issuer = context.object("sessionIssuer");
        SessionContext {
            created_at: attributes.text("creationDate").and_then(Timestamp::parse),
            mfa_authenticated: attributes.bool("mfaAuthenticated"),
            issuer_type: issuer.text("type"),
            issuer_principal_id: issuer.text("principalId"),
            issuer_arn: issuer.text("arn"),
            issuer_account_id: issuer.text("accountId"),
            issuer_user_name: issuer.text("userName"),
            source_identity: context.text("sourceIdentity"),
            ec2_role_delivery: context.text("ec2RoleDelivery"),
            sign_in_session_arn: context.text("signInSessionArn"),
            federated_provider: context
                .object("webIdFederationData")
                .text("federatedProvider"),
            assumed_root: context.bool("assumedRoot"),
        }
    }
}
