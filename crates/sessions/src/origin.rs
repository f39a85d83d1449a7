//! Rules L6 and L7: who a caller is when no issuance of its session is in the logs.

use crate::access_key;
use crate::arn::{Arn, Principal, RoleSession, last_part};
use crate::issuance::{CallerFacts, Issuance, SessionType, Text};
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
    "ecs-tasks.amazonaws.com",
    "lambda.amazonaws.com",
    "pods.eks.amazonaws.com",
];

/// The Identity Center application that assumes customers' own roles for a user, who is the session name.
const ACCOUNT_ACCESS_SERVICE: &str = "account-access.amazonaws.com";

/// The origin that the caller of `row` is by itself, or a gap's furthest principal with the reason.
pub(crate) fn of_caller(row: &Issuance) -> (Origin, Option<GapReason>) {
    let named = known_origin(row);
    let (identity, reason) = match named {
        Some(origin) => (
            Origin {
                known: true,
                ..origin
            },
            None,
        ),
        None => furthest_principal(row),
    };
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

fn known_origin(row: &Issuance) -> Option<Origin> {
    let caller = &row.caller;
    if is_in_other_hands(caller) {
        return None;
    }
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

/// Whether somebody else acted with the rights of the principal named: who got an account's root user by AssumeRoot, or a product
/// provider by delegation. Only the issuance of that session says who.
fn is_in_other_hands(caller: &CallerFacts) -> bool {
    let is_root = caller.caller_type.as_deref() == Some("Root");
    (is_root && caller.caller_assumed_root == Some(true))
        || caller.caller_delegate_account_id.is_some()
}

/// Of the calls to IAM Roles Anywhere only CreateSession is signed by a certificate; the others are an administrator's.
fn is_made_with_certificate(row: &Issuance) -> bool {
    row.record.event_source.as_deref() == Some("rolesanywhere.amazonaws.com")
        && row.record.event_name.as_deref() == Some("CreateSession")
}

/// Whether a role is one of Identity Center's: by its name, and by its path where the ARN is logged.
fn is_of_identity_center(role_name: &str, role_arn: Option<&Text>) -> bool {
    role_name.starts_with(IDENTITY_CENTER_ROLE_PREFIX)
        && role_arn.is_none_or(|arn| arn.contains(IDENTITY_CENTER_PATH))
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

/// Rule L7: the furthest principal known, and why nothing further is.
fn furthest_principal(row: &Issuance) -> (Origin, Option<GapReason>) {
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
    let (origin_type, reason) = match caller.caller_type.as_deref() {
        Some("AWSAccount") => (OriginType::AWSAccount, GapReason::CallerCopyMissing),
        Some("AssumedRole") => (OriginType::AssumedRole, GapReason::NotInLogs),
        _ => (OriginType::Unknown, GapReason::NotInLogs),
    };
    (
        principal(origin_type, caller, name.or_else(|| own_name(caller))),
        Some(reason),
    )
}
