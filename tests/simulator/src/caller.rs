//! Who makes a call: what the record says of it, and what the logs allow to conclude.

use std::rc::Rc;

use crate::Text;
use crate::calendar::rfc3339;
use crate::json::{self, Members};
use crate::organisation::{Role, User};
use crate::truth::{LinkTruth, OriginTruth, Tags};

/// How many ancestors a row lists (rule L10).
const HOPS_MAX: usize = 32;

/// What `userIdentity` says.
#[derive(Clone, Default)]
pub(crate) struct Identity {
    /// `userIdentity.type`.
    pub(crate) kind: &'static str,
    pub(crate) principal_id: Option<Text>,
    pub(crate) arn: Option<Text>,
    pub(crate) account_id: Option<Text>,
    pub(crate) user_name: Option<Text>,
    pub(crate) identity_provider: Option<Text>,
    pub(crate) invoked_by: Option<Text>,
    /// User ID and identity store ARN.
    pub(crate) on_behalf_of: Option<(Text, Text)>,
    pub(crate) credential_id: Option<Text>,
    /// The resource whose credentials these are, and its type.
    pub(crate) in_scope_of: Option<(Text, &'static str)>,
    pub(crate) session: Option<SessionContext>,
}

impl Identity {
    /// Whether `mfaAuthenticated` says something at the first hop: `false` only of who signs in at IAM.
    pub(crate) fn tells_mfa(&self, mfa: bool) -> bool {
        mfa || matches!(self.kind, "IAMUser" | "Root")
    }
}

/// What `sessionContext` says.
#[derive(Clone, Default)]
pub(crate) struct SessionContext {
    pub(crate) issuer: Option<Issuer>,
    /// Seconds since 1970.
    pub(crate) created_at: i64,
    pub(crate) mfa: bool,
    pub(crate) federated_provider: Option<Text>,
    pub(crate) source_identity: Option<Text>,
    pub(crate) ec2_role_delivery: bool,
    pub(crate) assumed_root: bool,
}

/// Whose permissions a session has.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) kind: &'static str,
    pub(crate) principal_id: Text,
    pub(crate) arn: Text,
    pub(crate) account_id: Text,
    pub(crate) user_name: Option<Text>,
}

impl Identity {
    pub(crate) fn of_role_session(role: &Role, session_name: &str, created_at: i64) -> Self {
        Self {
            kind: "AssumedRole",
            principal_id: Some(format!("{}:{session_name}", role.id).into()),
            arn: Some(role.session_arn(session_name)),
            account_id: Some(role.account.id.clone()),
            session: Some(SessionContext {
                issuer: Some(Issuer {
                    kind: "Role",
                    principal_id: role.id.clone(),
                    arn: role.arn.clone(),
                    account_id: role.account.id.clone(),
                    user_name: Some(role.name.clone()),
                }),
                created_at,
                ..SessionContext::default()
            }),
            ..Self::default()
        }
    }

    pub(crate) fn of_user(user: &User) -> Self {
        Self {
            kind: "IAMUser",
            principal_id: Some(user.id.clone()),
            arn: Some(user.arn.clone()),
            account_id: Some(user.account.id.clone()),
            user_name: Some(user.name.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn of_root(account_id: &Text) -> Self {
        Self {
            kind: "Root",
            principal_id: Some(account_id.clone()),
            arn: Some(format!("arn:aws:iam::{account_id}:root").into()),
            account_id: Some(account_id.clone()),
            ..Self::default()
        }
    }

    /// This identity as the issuer of a federated user.
    pub(crate) fn as_issuer(&self) -> Issuer {
        let or_empty = |value: &Option<Text>| value.clone().unwrap_or_else(|| "".into());
        Issuer {
            kind: self.kind,
            principal_id: or_empty(&self.principal_id),
            arn: or_empty(&self.arn),
            account_id: or_empty(&self.account_id),
            user_name: self.user_name.clone(),
        }
    }

    /// The `userIdentity` member with the key that this call was signed with.
    pub(crate) fn to_json(&self, access_key_id: Option<&str>) -> String {
        json::object(|members| {
            members.text("type", self.kind);
            members.text_if("principalId", self.principal_id.as_deref());
            members.text_if("arn", self.arn.as_deref());
            members.text_if("accountId", self.account_id.as_deref());
            members.text_if("accessKeyId", access_key_id);
            members.text_if("userName", self.user_name.as_deref());
            if let Some(session) = &self.session {
                members.object("sessionContext", |members| session.write(members));
            }
            members.text_if("identityProvider", self.identity_provider.as_deref());
            members.text_if("invokedBy", self.invoked_by.as_deref());
            if let Some((user_id, store)) = &self.on_behalf_of {
                members.object("onBehalfOf", |members| {
                    members.text("userId", user_id);
                    members.text("identityStoreArn", store);
                });
            }
            if let Some((arn, kind)) = &self.in_scope_of {
                members.object("inScopeOf", |members| {
                    members.text("sourceArn", arn);
                    members.text_if("sourceAccount", self.account_id.as_deref());
                    members.text("issuerType", kind);
                    members.text("credentialsIssuedTo", arn);
                });
            }
            members.text_if("credentialId", self.credential_id.as_deref());
        })
    }
}

impl SessionContext {
    fn write(&self, members: &mut Members<'_>) {
        members.object("sessionIssuer", |members| {
            if let Some(issuer) = &self.issuer {
                members.text("type", issuer.kind);
                members.text("principalId", &issuer.principal_id);
                members.text("arn", &issuer.arn);
                members.text("accountId", &issuer.account_id);
                members.text_if("userName", issuer.user_name.as_deref());
            }
        });
        members.object("webIdFederationData", |members| {
            if let Some(provider) = &self.federated_provider {
                members.text("federatedProvider", provider);
                members.raw("attributes", "{}");
            }
        });
        members.object("attributes", |members| {
            members.text("creationDate", &rfc3339(self.created_at));
            members.text("mfaAuthenticated", if self.mfa { "true" } else { "false" });
        });
        members.text_if("sourceIdentity", self.source_identity.as_deref());
        members.text_if("ec2RoleDelivery", self.ec2_role_delivery.then_some("2.0"));
        members.text_if("assumedRoot", self.assumed_root.then_some("true"));
    }
}

/// Which key a caller signs with.
#[derive(Clone)]
pub(crate) enum Keys {
    /// Always this one.
    Fixed(Text),
    /// A fresh one per call, never logged as issued: consoles and many services.
    Fresh { account_number: u64 },
    /// None is logged: sign-in, federation, services.
    Unlogged,
}

/// The tags that pass on from a session to the next.
#[derive(Clone, Default)]
pub(crate) struct Inheritance {
    /// As STS knows them.
    pub(crate) actual: Tags,
    /// As far as the logs tell.
    pub(crate) seen: Tags,
    /// All tags in force in the session, as far as the logs tell: a console session made from it keeps them.
    pub(crate) in_force: Tags,
    /// Whether the logs tell all.
    pub(crate) known: bool,
}

/// Someone who can make calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) keys: Keys,
    pub(crate) standing: Standing,
    pub(crate) tags: Inheritance,
    pub(crate) source_identity: Option<Text>,
    /// What half of the uses say of the caller: some services tell more.
    pub(crate) in_use: Option<Rc<Identity>>,
    /// Calls carry `sessionCredentialFromConsole`.
    pub(crate) from_console: bool,
    pub(crate) address: Text,
    pub(crate) agent: Text,
    /// Seconds since 1970; 0 for long-term keys.
    pub(crate) expires_at: i64,
}

impl Caller {
    /// Somebody who names this caller and proves nothing.
    pub(crate) fn only_claimed(&self) -> Self {
        let standing = match &self.standing {
            Standing::Origin(claimed) => Standing::Gap("not_in_logs", claimed.clone()),
            other => other.clone(),
        };
        Self {
            standing,
            tags: Inheritance::default(),
            ..self.clone()
        }
    }
}

/// What the logs allow to conclude about a caller.
#[derive(Clone)]
pub(crate) enum Standing {
    /// It is an origin by itself (rule L6). The first hop's record is the call itself.
    Origin(OriginTruth),
    /// Its issuance cannot be named (rules L5 and L7).
    Gap(&'static str, OriginTruth),
    /// Several issuances fit and disagree on the origin (rule L5); all of them, sorted.
    Ambiguous(OriginTruth, Vec<Text>),
    /// Its session was issued by a row.
    Linked(Rc<Lineage>),
}

/// Where a linked caller comes from.
#[derive(Clone)]
pub(crate) struct Lineage {
    pub(crate) evidence: &'static str,
    pub(crate) parent: Ancestor,
    /// All that fit, sorted, when more than one.
    pub(crate) candidates: Vec<Text>,
    /// The parent's, with a key only where all candidates agree on it.
    pub(crate) origin: Rc<OriginTruth>,
    /// Where all candidates agree.
    pub(crate) origin_mfa: Option<bool>,
}

/// An issuance, as its descendants know it.
#[derive(Clone)]
pub(crate) struct Ancestor {
    pub(crate) event_id: Text,
    pub(crate) request_id: Text,
    pub(crate) access_key_id: Option<Text>,
    pub(crate) depth: u32,
    pub(crate) origin: Rc<OriginTruth>,
    pub(crate) origin_mfa: Option<bool>,
    pub(crate) hops: Rc<Hops>,
}

/// The ancestors, nearest first.
pub(crate) struct Hops {
    event_id: Text,
    before: Option<Rc<Hops>>,
}

impl Hops {
    pub(crate) fn after(lineage: Option<&Lineage>, event_id: Text) -> Rc<Self> {
        Rc::new(Self {
            event_id,
            before: lineage.map(|lineage| lineage.parent.hops.clone()),
        })
    }

    /// The nearest 32 event IDs, origin first.
    fn listed(&self) -> Vec<Text> {
        let mut ids = vec![self.event_id.clone()];
        let mut next = self.before.as_deref();
        while let Some(hop) = next.filter(|_| ids.len() < HOPS_MAX) {
            ids.push(hop.event_id.clone());
            next = hop.before.as_deref();
        }
        ids.reverse();
        ids
    }
}

impl Standing {
    /// Rule L5 over the issuances that fit a caller, who is `furthest` where they disagree.
    pub(crate) fn among(
        candidates: &[&Ancestor],
        evidence: &'static str,
        furthest: OriginTruth,
    ) -> Self {
        let Some(parent) = candidates.iter().min_by(|a, b| a.event_id.cmp(&b.event_id)) else {
            return Self::Gap("not_in_logs", furthest);
        };
        let mut ids: Vec<Text> = candidates.iter().map(|one| one.event_id.clone()).collect();
        ids.sort();
        if !candidates
            .iter()
            .all(|one| one.origin.agrees_with(&parent.origin))
        {
            return Self::Ambiguous(furthest, ids);
        }
        let agreed = candidates
            .iter()
            .all(|one| one.origin_mfa == parent.origin_mfa);
        let of_one_key = candidates
            .iter()
            .all(|one| one.origin.access_key_id == parent.origin.access_key_id);
        let origin = match of_one_key {
            true => parent.origin.clone(),
            false => Rc::new(OriginTruth {
                access_key_id: None,
                ..OriginTruth::clone(&parent.origin)
            }),
        };
        Self::Linked(Rc::new(Lineage {
            evidence,
            parent: (*parent).clone(),
            candidates: if ids.len() > 1 { ids } else { Vec::new() },
            origin,
            origin_mfa: parent.origin_mfa.filter(|_| agreed),
        }))
    }

    pub(crate) fn lineage(&self) -> Option<&Lineage> {
        match self {
            Self::Linked(lineage) => Some(lineage),
            _ => None,
        }
    }

    /// The truth about the caller of one record.
    pub(crate) fn of_call(
        &self,
        event_id: &Text,
        access_key_id: Option<Text>,
        first_hop_mfa: Option<bool>,
    ) -> LinkTruth {
        match self {
            Self::Linked(lineage) => linked(lineage),
            Self::Origin(origin) => LinkTruth {
                origin_mfa: first_hop_mfa,
                ..first_hop("origin", None, origin, event_id, access_key_id)
            },
            Self::Gap(reason, origin) => {
                first_hop("gap", Some(*reason), origin, event_id, access_key_id)
            }
            Self::Ambiguous(origin, candidates) => LinkTruth {
                link_candidates: candidates.clone(),
                ..first_hop("gap", Some("ambiguous"), origin, event_id, access_key_id)
            },
        }
    }
}

fn linked(lineage: &Lineage) -> LinkTruth {
    let parent = &lineage.parent;
    LinkTruth {
        link_status: "linked",
        link_evidence: Some(lineage.evidence),
        gap_reason: None,
        parent_event_id: Some(parent.event_id.clone()),
        parent_access_key_id: parent.access_key_id.clone(),
        link_candidates: lineage.candidates.clone(),
        chain_depth: parent.depth + 1,
        chain_event_ids: parent.hops.listed(),
        origin: OriginTruth::clone(&lineage.origin),
        origin_mfa: lineage.origin_mfa,
    }
}

fn first_hop(
    link_status: &'static str,
    gap_reason: Option<&'static str>,
    origin: &OriginTruth,
    event_id: &Text,
    access_key_id: Option<Text>,
) -> LinkTruth {
    LinkTruth {
        link_status,
        link_evidence: None,
        gap_reason,
        parent_event_id: None,
        parent_access_key_id: None,
        link_candidates: Vec::new(),
        chain_depth: 0,
        chain_event_ids: Vec::new(),
        origin: OriginTruth {
            known: link_status == "origin",
            access_key_id,
            event_id: event_id.clone(),
            ..origin.clone()
        },
        origin_mfa: None,
    }
}

/// The origin that a principal is by itself.
pub(crate) fn principal(origin_type: &'static str, identity: &Identity) -> OriginTruth {
    OriginTruth {
        known: true,
        origin_type,
        arn: identity.arn.clone(),
        name: identity.user_name.clone(),
        account_id: identity.account_id.clone(),
        principal_id: identity.principal_id.clone(),
        identity_provider: identity.identity_provider.clone(),
        ..OriginTruth::default()
    }
}

/// A role session as the furthest principal known.
pub(crate) fn furthest(identity: &Identity) -> OriginTruth {
    let after_colon = |id: &Text| {
        id.rsplit_once(':')
            .map_or(id.clone(), |(_, name)| name.into())
    };
    OriginTruth {
        known: false,
        name: identity.principal_id.as_ref().map(after_colon),
        ..principal(identity.kind, identity)
    }
}

/// An instance, function, task or pod.
pub(crate) fn compute(name: &str, account_id: &Text, arn: Option<Text>) -> OriginTruth {
    OriginTruth {
        known: true,
        origin_type: "Compute",
        arn,
        name: Some(name.into()),
        account_id: Some(account_id.clone()),
        ..OriginTruth::default()
    }
}

/// An AWS service.
pub(crate) fn service(name: &str) -> OriginTruth {
    OriginTruth {
        known: true,
        origin_type: "AWSService",
        name: Some(name.into()),
        ..OriginTruth::default()
    }
}
