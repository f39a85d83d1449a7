//! Rules L6 and L7: who a caller is when no issuance of its session is in the logs.

use crate::access_key;
use crate::arn::{Arn, Principal, RoleSession, last_part};
use crate::issuance::{CallerFacts, Issuance, Outcome, SessionType, Text};
use crate::session::{GapReason, Origin, OriginType};

/// Roles that IAM Identity Center makes for its permission sets; their session name is the user's name.
const IDENTITY_CENTER_ROLE_PREFIX: &str = "AWSReservedSSO_";

/// Below which they lie: a path that nobody else may use, while the prefix is anybody's.
///
/// Source: AWS, "IAM Identity Center user guide", service-linked roles, and "Referencing permission sets in resource policies".
const IDENTITY_CENTER_PATH: &str = ":role/aws-reserved/sso.amazonaws.com/";

/// Services whose own AssumeRole starts a workload's session: the workload is the origin, not the service.
const COMPUTE_SERVICES: &[&str] = &[
    "ec2.amazonaws.com",
    // As EC2 is called in China (AWS, "IAM user guide", service principals).
    "ec2.amazonaws.com.cn",
    "ecs-tasks.amazonaws.com",
    "lambda.amazonaws.com",
    "pods.eks.amazonaws.com",
];

/// The Identity Center application that assumes customers' own roles for a user, who is the session name.
const ACCOUNT_ACCESS_SERVICE: &str = "account-access.amazonaws.com";

/// Calls that nobody signs: a password, an assertion or a token says who makes them, and only where AWS took it. So does the
/// certificate of [`is_made_with_certificate`].
const CALLS_THAT_SIGN_IN: &[&str] = &[
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "ConsoleLogin",
    "GetCredentialsForIdentity",
];

/// The origin that the caller of `row` is by itself, or a gap's furthest principal with the reason.
pub(crate) fn of_caller(row: &Issuance) -> (Origin, Option<GapReason>) {
    let named = named_principal(row);
    let known = named.as_ref().is_some_and(has_name) && is_proven(row);
    let identity = Origin {
        known,
        ..named.unwrap_or_else(|| furthest_principal(row))
    };
    let reason = (!known).then(|| reason_of_gap(&row.caller));
    (with_first_hop(identity, row), reason)
}

/// What is known of a caller whose candidates do not agree or lead back to themselves.
pub(crate) fn of_unresolved(row: &Issuance) -> Origin {
    Origin {
        known: false,
        ..of_caller(row).0
    }
}

/// The first hop's record, which every row of the chain repeats.
fn with_first_hop(identity: Origin, row: &Issuance) -> Origin {
    Origin {
        access_key_id: row.caller.caller_access_key_id.clone(),
        event_id: row.record.event_id.clone(),
        event_time: row.record.event_time,
        source_ip_address: row.record.source_ip_address.clone(),
        user_agent: row.record.user_agent.clone(),
        ..identity
    }
}

/// Whom the record names as its caller, proven or not.
fn named_principal(row: &Issuance) -> Option<Origin> {
    let caller = &row.caller;
    if is_made_with_certificate(row) {
        return Some(certificate(row));
    }
    match caller.caller_type.as_deref() {
        Some("IAMUser") => Some(principal(OriginType::IAMUser, caller, own_name(caller))),
        Some("Root") => {
            let name = caller
                .caller_user_name
                .clone()
                .or_else(|| Some("root".into()));
            Some(principal(OriginType::Root, caller, name))
        }
        Some("SAMLUser") => Some(saml_user(row)),
        Some("WebIdentityUser") => Some(principal(
            OriginType::WebIdentityUser,
            caller,
            own_name(caller),
        )),
        Some("IdentityCenterUser") => Some(identity_center_user(caller, own_name(caller))),
        Some("FederatedUser") => federation_issuer(caller),
        Some("AssumedRole") => role_session_origin(caller),
        Some("AWSService") => Some(service(row)),
        Some("AWSAccount") => None,
        _ => untyped(row),
    }
}

/// Whether there is anything by which to find an identity again.
fn has_name(origin: &Origin) -> bool {
    origin.name.is_some() || origin.arn.is_some() || origin.principal_id.is_some()
}

/// Whether the record shows that its caller is the principal it names.
fn is_proven(row: &Issuance) -> bool {
    !is_in_other_hands(&row.caller) && !is_only_claimed(row)
}

/// Whether somebody else may have acted with the rights of the principal named: who got an account's root user by AssumeRoot, or
/// a product provider by delegation. Only the issuance of that session says who.
fn is_in_other_hands(caller: &CallerFacts) -> bool {
    let is_root = caller.caller_type.as_deref() == Some("Root");
    (is_root && !is_root_itself(caller)) || caller.caller_delegate_account_id.is_some()
}

/// Root itself signs in, or signs with a long-term key. Any session of root's may be one of AssumeRoot: its calls need not say
/// so (`assumedRoot`), and the console makes some of them, so that `sessionCredentialFromConsole` proves nothing.
///
/// Source: AWS, "IAM user guide", "Track privileged tasks in AWS CloudTrail": the second record there.
fn is_root_itself(caller: &CallerFacts) -> bool {
    let signed_in = match caller.caller_access_key_id.as_deref() {
        Some(key) if access_key::is_long_term(key) => true,
        Some(key) if access_key::is_temporary(key) => false,
        _ => caller.caller_session_created_at.is_none(),
    };
    signed_in && caller.caller_assumed_root != Some(true)
}

/// Whether a call was refused that would have proven who makes it: anybody can type a user's name.
#[must_use]
pub fn is_only_claimed(row: &Issuance) -> bool {
    let name = row.record.event_name.as_deref();
    let signs_in = name.is_some_and(|name| CALLS_THAT_SIGN_IN.contains(&name));
    row.record.outcome == Outcome::Failed && (signs_in || is_made_with_certificate(row))
}

/// Of the calls to IAM Roles Anywhere only CreateSession is signed by a certificate; the others are an administrator's.
pub(crate) fn is_made_with_certificate(row: &Issuance) -> bool {
    row.record.event_source.as_deref() == Some("rolesanywhere.amazonaws.com")
        && row.record.event_name.as_deref() == Some("CreateSession")
}

/// Whether a role is one of Identity Center's: by its name, and by its path, which is known only where the ARN is logged.
fn is_of_identity_center(role_name: &str, role_arn: Option<&Text>) -> bool {
    role_name.starts_with(IDENTITY_CENTER_ROLE_PREFIX)
        && role_arn.is_some_and(|arn| arn.contains(IDENTITY_CENTER_PATH))
}

fn principal(origin_type: OriginType, caller: &CallerFacts, name: Option<Text>) -> Origin {
    Origin {
        origin_type,
        arn: caller.caller_arn.clone(),
        name,
        account_id: account_of(caller),
        principal_id: caller.caller_principal_id.clone(),
        identity_provider: caller.caller_identity_provider.clone(),
        ..Origin::default()
    }
}

/// The account as logged; only where it is missing, the one that the IDs encode.
fn account_of(caller: &CallerFacts) -> Option<Text> {
    let encoded = || {
        let ids = [&caller.caller_principal_id, &caller.caller_access_key_id];
        ids.into_iter()
            .flatten()
            .find_map(|id| access_key::account_id(id))
    };
    caller.caller_account_id.clone().or_else(encoded)
}

fn own_name(caller: &CallerFacts) -> Option<Text> {
    caller
        .caller_user_name
        .clone()
        .or_else(|| {
            caller
                .caller_arn
                .as_deref()
                .map(|arn| last_part(arn).into())
        })
        .or_else(|| caller.caller_on_behalf_of_user_id.clone())
        .or_else(|| caller.caller_principal_id.clone())
}

/// Identity Center signs its users in by SAML: into its own roles the SAML user is the Identity Center user.
fn saml_user(row: &Issuance) -> Origin {
    let caller = &row.caller;
    let role_arn = row.session.role_arn.as_ref();
    let into_permission_set = row
        .session
        .role_name
        .as_deref()
        .is_some_and(|role| is_of_identity_center(role, role_arn));
    let origin_type = if into_permission_set {
        OriginType::IdentityCenterUser
    } else {
        OriginType::SAMLUser
    };
    let name = caller
        .caller_user_name
        .clone()
        .or_else(|| row.session.session_name.clone());
    principal(origin_type, caller, name)
}

fn identity_center_user(caller: &CallerFacts, name: Option<Text>) -> Origin {
    let user_id = &caller.caller_on_behalf_of_user_id;
    Origin {
        origin_type: OriginType::IdentityCenterUser,
        arn: None,
        name,
        account_id: account_of(caller),
        principal_id: user_id
            .clone()
            .or_else(|| caller.caller_principal_id.clone()),
        identity_provider: caller.caller_on_behalf_of_identity_store_arn.clone(),
        ..Origin::default()
    }
}

/// A federated user is named by the IAM user or root that asked for its credentials.
fn federation_issuer(caller: &CallerFacts) -> Option<Origin> {
    let issuer = caller.caller_session_issuer_arn.as_ref()?;
    let arn = Arn::parse(issuer)?;
    let origin_type = match arn.principal()? {
        Principal::Root => OriginType::Root,
        _ => OriginType::IAMUser,
    };
    Some(Origin {
        origin_type,
        arn: Some(issuer.clone()),
        name: Some(last_part(issuer).into()),
        account_id: Some(arn.account_id.into()),
        ..Origin::default()
    })
}

/// A role session that says by itself whose it is: a person of Identity Center, or a workload.
fn role_session_origin(caller: &CallerFacts) -> Option<Origin> {
    let role_session = caller.caller_arn.as_deref().and_then(RoleSession::of_arn);
    let session_name: Option<Text> = role_session.map(|session| session.session_name.into());
    let issuer = caller.caller_session_issuer_arn.as_ref();
    let of_identity_center =
        role_session.is_some_and(|session| is_of_identity_center(session.role_name, issuer));
    let user_id = caller.caller_on_behalf_of_user_id.clone();
    if of_identity_center || user_id.is_some() {
        // Whoever assumes a role of their own chooses the name of its session.
        let name = match of_identity_center {
            true => session_name,
            false => user_id.clone(),
        };
        return Some(Origin {
            principal_id: user_id,
            ..identity_center_user(caller, name)
        });
    }
    let scope = caller.caller_in_scope_of_arn.clone();
    if scope.is_some() || caller.caller_ec2_role_delivery.is_some() {
        let scope_name = scope.as_deref().map(|arn| last_part(arn).into());
        return Some(Origin {
            origin_type: OriginType::Compute,
            name: session_name.or(scope_name),
            arn: scope,
            account_id: account_of(caller),
            ..Origin::default()
        });
    }
    None
}

fn service(row: &Issuance) -> Origin {
    let caller = &row.caller;
    let invoked_by = caller.caller_invoked_by.as_deref().unwrap_or_default();
    let scope = caller.caller_in_scope_of_arn.clone();
    let workload = pod_name(row).or_else(|| row.session.session_name.clone());
    // A call that names no workload was made by the service itself.
    if scope.is_some() || (COMPUTE_SERVICES.contains(&invoked_by) && workload.is_some()) {
        return Origin {
            origin_type: OriginType::Compute,
            arn: scope,
            name: workload,
            account_id: row.session.role_account_id.clone(),
            ..Origin::default()
        };
    }
    if invoked_by == ACCOUNT_ACCESS_SERVICE {
        return identity_center_user(caller, row.session.session_name.clone());
    }
    Origin {
        origin_type: OriginType::AWSService,
        name: caller.caller_invoked_by.clone(),
        ..Origin::default()
    }
}

/// EKS Pod Identity names the pod in session tags.
fn pod_name(row: &Issuance) -> Option<Text> {
    let tag = |name: &str| row.tags.session_tags.get(name);
    let (namespace, pod) = (tag("kubernetes-namespace")?, tag("kubernetes-pod-name")?);
    Some(format!("{namespace}/{pod}").into())
}

fn certificate(row: &Issuance) -> Origin {
    let caller = &row.caller;
    Origin {
        origin_type: OriginType::Certificate,
        arn: caller.caller_arn.clone(),
        name: own_name(caller),
        account_id: account_of(caller).or_else(|| row.record.recipient_account_id.clone()),
        principal_id: caller.caller_principal_id.clone(),
        identity_provider: row.session.identity_provider_arn.clone(),
        ..Origin::default()
    }
}

/// Records whose `userIdentity` has no type, or one that says nothing.
fn untyped(row: &Issuance) -> Option<Origin> {
    let caller = &row.caller;
    if caller.caller_type.is_none() && caller.caller_invoked_by.is_some() {
        return Some(service(row));
    }
    if row.session.session_type == SessionType::WebIdentity {
        return Some(Origin {
            origin_type: OriginType::WebIdentityUser,
            name: row.session.session_name.clone(),
            account_id: account_of(caller),
            identity_provider: Some("cognito-identity.amazonaws.com".into()),
            ..Origin::default()
        });
    }
    let of_identity_center = row
        .record
        .event_source
        .as_deref()
        .is_some_and(|source| source.starts_with("sso"));
    let named = caller.caller_user_name.is_some() || caller.caller_on_behalf_of_user_id.is_some();
    (of_identity_center && named).then(|| identity_center_user(caller, own_name(caller)))
}

/// Rule L7: the furthest principal known.
fn furthest_principal(row: &Issuance) -> Origin {
    let caller = &row.caller;
    let role_session = caller.caller_arn.as_deref().and_then(RoleSession::of_arn);
    let name_in_id = || {
        caller
            .caller_principal_id
            .as_deref()
            .map(|id| id.split_once(':').map_or(id, |(_, name)| name))
    };
    let name = role_session
        .map(|session| session.session_name)
        .or_else(name_in_id)
        .map(Text::from);
    let origin_type = match caller.caller_type.as_deref() {
        Some("AWSAccount") => OriginType::AWSAccount,
        Some("AssumedRole") => OriginType::AssumedRole,
        _ => OriginType::Unknown,
    };
    principal(origin_type, caller, name.or_else(|| own_name(caller)))
}

/// Rule L7: why nothing further is known.
fn reason_of_gap(caller: &CallerFacts) -> GapReason {
    match caller.caller_type.as_deref() {
        Some("AWSAccount") => GapReason::CallerCopyMissing,
        _ => GapReason::NotInLogs,
    }
}
