//! One story per rule. The doc comments below are the paragraphs of `docs/LINKING.md`, word for word.

use trailback_sessions::{
    Evidence, GapReason, Issuance, LinkStatus, OriginType, Session, SessionType, link, merge,
};

use crate::story::{ACCOUNT, OTHER_ACCOUNT, Story, assume_role, at, link_by_hours, row, text};

fn ids(texts: &[trailback_sessions::Text]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

fn alone(issuance: Issuance) -> Session {
    link(vec![issuance], &[]).remove(0)
}

fn named(session: &Session) -> (OriginType, Option<&str>, bool) {
    (
        session.origin.origin_type,
        session.origin.name.as_deref(),
        session.origin.known,
    )
}

/// ann (a user) → role a → role b → role c, one minute apart.
fn chain() -> Vec<Issuance> {
    vec![
        assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann"),
        assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0),
        assume_role("e3", 120, "c", "s", "ASIA3").by_role("b", "s", "ASIA2", 60),
    ]
}

// ## L1 Duplicates and corrections

/// CloudTrail delivers a record more than once: two trails, a retry, a log object read twice. A record is known by
/// its recipient account, its event ID and its time; repeats become one row that names every log object it was
/// found in.
#[test]
fn repeats_become_one_row() {
    let first = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let mut second = first.clone();
    second.log_objects = vec!["another-object".into()];
    let rows = merge(vec![first, second]);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        ids(&rows[0].log_objects),
        ["another-object", "object-of-e1"]
    );
}

/// Two readings of one record that differ are settled without looking at which came first: the higher extraction
/// version speaks, then the smaller text.
#[test]
fn the_newer_extractor_speaks() {
    let old = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let mut new = old.clone();
    new.extract_version = 1;
    new.session.external_id = text("seen only by the newer one");
    for order in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
        assert_eq!(
            merge(order.to_vec())[0].session.external_id,
            new.session.external_id
        );
    }
}

/// A record that CloudTrail corrects later (`addendum`, `UPDATED_DATA`) is replaced by its correction; of several
/// corrections the greatest event ID speaks. The row keeps all event IDs, so it is found by any of them.
#[test]
fn a_correction_replaces_its_original() {
    let original = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let correction = |id: &str, session: &str| {
        let mut row = assume_role(id, 0, "a", session, "ASIA1").by_user("ann");
        row.record.replaces_event_id = text("e1");
        row
    };
    let rows = merge(vec![
        correction("e9", "last"),
        original,
        correction("e5", "first"),
    ]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].session.session_name.as_deref(), Some("last"));
    assert_eq!(ids(&rows[0].record.event_ids), ["e1", "e5", "e9"]);
}

/// A correction with another time stays a row of its own. From its time on it is the parent that look-ups find, and
/// the row that it replaces no longer is.
#[test]
fn a_later_correction_takes_over_from_its_time_on() {
    let original = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let mut correction = assume_role("e2", 30, "a", "s", "ASIA1").by_user("bob");
    correction.record.replaces_event_id = text("e1");
    let before = assume_role("e3", 20, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
    let after = assume_role("e4", 40, "b", "s", "ASIA3").by_role("a", "s", "ASIA1", 0);
    let sessions = link_by_hours(&[after, before, correction, original]);
    assert_eq!(
        row(&sessions, "e3").link.parent_event_id.as_deref(),
        Some("e1")
    );
    assert_eq!(
        row(&sessions, "e4").link.parent_event_id.as_deref(),
        Some("e2")
    );
}

// ## L2 Twins

fn twins() -> [Issuance; 2] {
    let caller_copy = assume_role("e2", 0, "b", "s", "ASIA2").by_user("ann");
    let owner_copy = assume_role("e1", 0, "b", "s", "ASIA2")
        .by_other_account("AIDAann")
        .in_account(OTHER_ACCOUNT);
    [caller_copy, owner_copy].map(|mut copy| {
        copy.record.shared_event_id = text("shared");
        copy.record.request_id = text("request");
        copy
    })
}

/// A call across accounts is recorded twice, once in each account, with one `sharedEventID` and one `requestID`. Both
/// records are one issuance and one row. The copy that names the caller speaks; the other only says "an account".
#[test]
fn the_two_copies_of_a_cross_account_call_are_one_row() {
    let sessions = link_by_hours(&twins());
    assert_eq!(sessions.len(), 1);
    assert_eq!(&*sessions[0].issuance.record.event_id, "e2");
    assert_eq!(ids(&sessions[0].issuance.record.event_ids), ["e1", "e2"]);
    assert_eq!(
        named(&sessions[0]),
        (OriginType::IAMUser, Some("ann"), true)
    );
}

/// Copies that were stamped in different seconds stay two rows, but a child counts them once, and the fuller one
/// speaks.
#[test]
fn copies_in_different_seconds_are_one_candidate() {
    let [caller_copy, mut owner_copy] = twins();
    owner_copy.record.event_time = at(1);
    let child = assume_role("e3", 60, "c", "s", "ASIA3").by_role("b", "s", "ASIA2", 0);
    let sessions = link_by_hours(&[owner_copy, child, caller_copy]);
    let child = row(&sessions, "e3");
    assert_eq!(child.link.parent_event_id.as_deref(), Some("e2"));
    assert!(child.link.candidates.is_empty());
}

/// AWS services' own AssumeRole calls carry a `sharedEventID` too, since the service's account holds the other copy.
/// That is normal and no sign of a cross-account call of yours.
#[test]
fn a_shared_event_id_without_a_twin_is_normal() {
    let mut issuance =
        assume_role("e1", 0, "a", "SLRManagement", "ASIA1").by_service("rds.amazonaws.com");
    issuance.record.shared_event_id = text("shared");
    let session = alone(issuance);
    assert_eq!(
        named(&session),
        (OriginType::AWSService, Some("rds.amazonaws.com"), true)
    );
    assert!(!session.chain.crosses_accounts);
}

// ## L3 By issued key

/// A caller's session is the issuance that handed out the caller's access key: at or before the call, at most 36
/// hours earlier, and for the same account and principal. Key IDs recur, so the key alone is not enough.
#[test]
fn a_key_links_only_with_its_principal() {
    let parent = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let stranger = assume_role("e2", 0, "x", "s", "ASIA1").by_user("bob");
    let child = assume_role("e3", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 7);
    let sessions = link_by_hours(&[stranger, child, parent]);
    let child = row(&sessions, "e3");
    assert_eq!(child.link.parent_event_id.as_deref(), Some("e1"));
    assert_eq!(child.link.evidence, Some(Evidence::IssuedKey));
    assert!(child.link.candidates.is_empty());
}

/// Where the response names no principal, as for EC2 and Lambda, account, role name and session name must agree
/// instead.
#[test]
fn without_a_principal_the_role_session_must_agree() {
    let mut instance = assume_role("e1", 0, "a", "i-0abc", "ASIA1").by_service("ec2.amazonaws.com");
    instance.session.session_principal_id = None;
    let child = |id: &str, session: &str| {
        assume_role(id, 60, "b", "s", "ASIA2").by_role("a", session, "ASIA1", 9)
    };
    let sessions = link_by_hours(&[instance, child("e2", "i-0abc"), child("e3", "i-0xyz")]);
    assert_eq!(
        named(row(&sessions, "e2")),
        (OriginType::Compute, Some("i-0abc"), true)
    );
    assert_eq!(
        row(&sessions, "e3").link.gap_reason,
        Some(GapReason::NotInLogs)
    );
}

/// Where it names neither, as for Cognito and for a delegation to a product provider, the caller's session must have been
/// created in the second of the issuance, and in the account that this one tells, if it tells any.
#[test]
fn without_any_name_the_second_must_agree() {
    let mut nameless = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    nameless.session = trailback_sessions::SessionFacts {
        session_type: SessionType::WebIdentity,
        access_key_id: text("ASIA1"),
        ..Default::default()
    };
    let mut identity = nameless.clone();
    identity.session.session_name = text("eu-west-1:1cf667a2");
    identity.session.role_name = text("a");
    identity.session.role_account_id = text(ACCOUNT);
    let mut elsewhere = nameless.clone();
    elsewhere.session.session_arn = text("arn:aws:iam::444455556666:user/ann");
    let used =
        |created| assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", created);
    for (parent, created, expected) in [
        (&nameless, 0, LinkStatus::Linked),
        (&nameless, 1, LinkStatus::Gap),
        (&identity, 0, LinkStatus::Linked),
        (&elsewhere, 0, LinkStatus::Gap),
    ] {
        let sessions = link_by_hours(&[parent.clone(), used(created)]);
        assert_eq!(row(&sessions, "e2").link.status, expected);
    }
}

/// A refused call handed out nothing and is never a parent; neither is a witness, nor a GetSigninToken that repeats
/// its caller's key.
#[test]
fn what_issued_nothing_is_no_parent() {
    let issued = || assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let mut refused = issued();
    refused.record.outcome = trailback_sessions::Outcome::Failed;
    let mut witness = issued();
    witness.session.session_type = SessionType::Witness;
    let mut echo = issued();
    echo.session.session_type = SessionType::Console;
    echo.caller.caller_access_key_id = text("ASIA1");
    for parent in [refused, witness, echo] {
        let child = assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
        let sessions = link_by_hours(&[parent, child]);
        assert_eq!(
            row(&sessions, "e2").link.gap_reason,
            Some(GapReason::NotInLogs)
        );
    }
}

// ## L4 By session context

/// The console, Identity Center and many services use a key that was never logged as issued. Then the caller's
/// principal ID and the creation time of its session decide: both equal those of the issuance, to the second.
#[test]
fn principal_and_creation_time_link_where_the_key_does_not() {
    let parent = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let child = assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIANEVERISSUED", 0);
    let elsewhere =
        assume_role("e3", 60, "b", "s", "ASIA3").by_role("a", "s", "ASIANEVERISSUED", 1);
    let sessions = link_by_hours(&[parent, child, elsewhere]);
    let child = row(&sessions, "e2");
    assert_eq!(child.link.parent_event_id.as_deref(), Some("e1"));
    assert_eq!(child.link.evidence, Some(Evidence::SessionContext));
    assert_eq!(
        row(&sessions, "e3").link.gap_reason,
        Some(GapReason::NotInLogs)
    );
}

/// The name of a federated user is chosen by whoever asks for its credentials, and two may choose one in the same second. But
/// every call of it tells for whom it was made (`sessionIssuer`): an issuance for somebody else is no candidate.
#[test]
fn a_federated_user_of_somebody_else_is_no_candidate() {
    let name = format!("{ACCOUNT}:guest");
    let mut of_bob = assume_role("e1", 0, "a", "s", "ASIA1").by_user("bob");
    of_bob.session.session_type = SessionType::FederatedUser;
    of_bob.session.session_principal_id = text(&name);
    let mut child = assume_role("e2", 60, "b", "s", "ASIA2");
    child.caller.caller_type = text("FederatedUser");
    child.caller.caller_principal_id = text(&name);
    child.caller.caller_account_id = text(ACCOUNT);
    child.caller.caller_access_key_id = text("ASIANEVERISSUED");
    child.caller.caller_session_created_at = Some(at(0));
    for (issuer, status) in [("ann", LinkStatus::Origin), ("bob", LinkStatus::Linked)] {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/{issuer}");
        child.caller.caller_session_issuer_arn = text(&arn);
        let sessions = link_by_hours(&[of_bob.clone(), child.clone()]);
        let child = row(&sessions, "e2");
        assert_eq!(named(child), (OriginType::IAMUser, Some(issuer), true));
        assert_eq!(child.link.status, status);
    }
}

/// Who has a source identity cannot change it. Where the caller's session has another than the issuance that fits by session
/// context, handed out there or carried along to it, that issuance is no candidate: another session bears the same name.
#[test]
fn an_issuance_with_another_source_identity_is_no_candidate() {
    let mut first = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    first.session.source_identity = text("ann");
    let second = assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
    let mut twin = assume_role("e3", 60, "b", "s", "ASIA3").by_user("bob");
    let mut child = assume_role("e4", 120, "c", "s", "ASIA4").by_role("b", "s", "ASIALOST", 60);
    let linked = |records: &[&Issuance]| {
        let records: Vec<Issuance> = records.iter().copied().cloned().collect();
        let sessions = link_by_hours(&records);
        let link = &row(&sessions, "e4").link;
        (link.status, link.parent_event_id.clone())
    };
    let to = |id: &str| (LinkStatus::Linked, text(id));

    child.caller.caller_source_identity = text("ann");
    assert_eq!(linked(&[&first, &second, &child]), to("e2"));
    twin.session.source_identity = text("bob");
    assert_eq!(linked(&[&first, &second, &twin, &child]), to("e2"));
    child.caller.caller_source_identity = text("bob");
    assert_eq!(linked(&[&first, &second, &twin, &child]), to("e3"));
    assert_eq!(linked(&[&first, &second, &child]), (LinkStatus::Gap, None));
    child.caller.caller_access_key_id = text("ASIA2");
    assert_eq!(linked(&[&first, &second, &child]), to("e2"));
}

/// The issued key is the stronger evidence: the session context is asked only where no key fits.
#[test]
fn the_key_goes_before_the_context() {
    let by_key = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let by_context = assume_role("e2", 5, "a", "s", "ASIA9").by_user("bob");
    let child = assume_role("e3", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 5);
    let sessions = link_by_hours(&[by_key, by_context, child]);
    assert_eq!(named(row(&sessions, "e3")).1, Some("ann"));
}

// ## L5 Never guess

/// Several issuances may fit. Where all lead to the same origin, the row is linked: the smallest event ID is the
/// parent, all are listed, and what they disagree on (tags, MFA, source identity, and of the origin the key, the
/// address and the user agent) stays empty.
#[test]
fn candidates_that_agree_on_the_origin_are_believed() {
    let first = assume_role("e1", 0, "a", "s", "ASIA1")
        .by_user("ann")
        .tagged(&[("team", "red")], &["team"]);
    let second = assume_role("e2", 0, "a", "s", "ASIA9")
        .by_user("ann")
        .tagged(&[("team", "blue")], &["team"]);
    let child = assume_role("e3", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIANEVERISSUED", 0);
    let sessions = link_by_hours(&[second, child, first]);
    let child = row(&sessions, "e3");
    assert_eq!(child.link.parent_event_id.as_deref(), Some("e1"));
    assert_eq!(ids(&child.link.candidates), ["e1", "e2"]);
    assert!(child.effective_tags.is_empty() && !child.effective_tags_known);
    assert_eq!(child.origin.access_key_id.as_deref(), Some("AKIAann"));
}

/// One person may have begun with two keys, one of them stolen. Which of them it was is then not said, here and further
/// down.
#[test]
fn candidates_with_another_key_or_address_do_not_say_which() {
    let first = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let mut second = assume_role("e2", 0, "a", "s", "ASIA9").by_user("ann");
    second.caller.caller_access_key_id = text("AKIASTOLEN");
    second.record.source_ip_address = text("203.0.113.66");
    let child = assume_role("e3", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIANEVERISSUED", 0);
    let grandchild = assume_role("e4", 90, "c", "s", "ASIA3").by_role("b", "s", "ASIA2", 60);
    let sessions = link_by_hours(&[first, second, child, grandchild]);
    for id in ["e3", "e4"] {
        let session = row(&sessions, id);
        assert_eq!(named(session), (OriginType::IAMUser, Some("ann"), true));
        assert_eq!(session.origin.access_key_id, None);
        assert_eq!(session.origin.source_ip_address, None);
        assert_eq!(&*session.origin.event_id, "e1");
    }
}

/// Where they lead to different origins the row is a gap, `ambiguous`, with every candidate listed. A gap of this
/// kind agrees with nothing, so it is never taken for an answer further down.
#[test]
fn candidates_that_disagree_are_a_gap() {
    let ann = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let bob = assume_role("e2", 0, "a", "s", "ASIA9").by_user("bob");
    let child = assume_role("e3", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIANEVERISSUED", 0);
    let grandchild = assume_role("e4", 90, "c", "s", "ASIA3").by_role("b", "s", "ASIA2", 60);
    let sessions = link_by_hours(&[ann, bob, child, grandchild]);
    let child = row(&sessions, "e3");
    assert_eq!(
        (child.link.status, child.link.gap_reason),
        (LinkStatus::Gap, Some(GapReason::Ambiguous))
    );
    assert_eq!(ids(&child.link.candidates), ["e1", "e2"]);
    assert!(!child.origin.known && child.link.parent_event_id.is_none());
    let grandchild = row(&sessions, "e4");
    assert_eq!(
        (grandchild.link.status, grandchild.origin.known),
        (LinkStatus::Linked, false)
    );
}

/// Where it is not known who began, candidates lead to the same origin only if it is one session: they began with one key or, if no
/// key is told, with one call. Anybody's sessions may be called the same.
#[test]
fn sessions_that_are_only_called_the_same_do_not_agree() {
    for (key, status) in [("ASIA0", LinkStatus::Linked), ("ASIA9", LinkStatus::Gap)] {
        let first = assume_role("e1", 0, "a", "s", "ASIA1").by_role("jump", "s", "ASIA0", -60);
        let second = assume_role("e2", 0, "a", "s", "ASIA2").by_role("jump", "s", key, -60);
        let child =
            assume_role("e3", 60, "b", "s", "ASIA3").by_role("a", "s", "ASIANEVERISSUED", 0);
        let sessions = link_by_hours(&[first, second, child]);
        let child = row(&sessions, "e3");
        assert_eq!(ids(&child.link.candidates), ["e1", "e2"]);
        assert_eq!((child.link.status, child.origin.known), (status, false));
    }
}

/// Records of one second can point at each other. Rows that lead back to themselves are gaps, `loop`.
#[test]
fn rows_that_lead_back_to_themselves_are_gaps() {
    let one = assume_role("e1", 0, "a", "s", "ASIA1").by_role("b", "s", "ASIA2", 0);
    let other = assume_role("e2", 0, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
    for session in link_by_hours(&[one, other]) {
        assert_eq!(session.link.gap_reason, Some(GapReason::Loop));
    }
}

// ## L6 Callers that are origins

/// Some callers need no issuance to be named: IAM users, SAML and web identity users, Identity Center users, AWS services,
/// and root where it signs in or uses a long-term key. An IAM user with a temporary key is named even where its
/// GetSessionToken is not in the logs.
#[test]
fn callers_that_name_themselves_are_origins() {
    let called_by = |kind: &str, key: Option<&str>| {
        let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1");
        issuance.caller.caller_type = text(kind);
        issuance.caller.caller_user_name = text("ann");
        issuance.caller.caller_access_key_id = key.map(Into::into);
        alone(issuance)
    };
    for (kind, key, origin_type) in [
        ("IAMUser", Some("ASIANEVERISSUED"), OriginType::IAMUser),
        ("Root", Some("AKIAROOT"), OriginType::Root),
        ("Root", None, OriginType::Root),
        ("SAMLUser", None, OriginType::SAMLUser),
        ("WebIdentityUser", None, OriginType::WebIdentityUser),
        ("IdentityCenterUser", None, OriginType::IdentityCenterUser),
    ] {
        let session = called_by(kind, key);
        assert_eq!(named(&session), (origin_type, Some("ann"), true));
        assert_eq!(session.link.status, LinkStatus::Origin);
    }
}

/// A type alone names nobody: whoever has neither a name nor an ARN nor a principal ID is a gap, `not_in_logs`.
#[test]
fn a_type_alone_names_nobody() {
    for kind in [
        "IAMUser",
        "SAMLUser",
        "WebIdentityUser",
        "IdentityCenterUser",
        "AWSService",
    ] {
        let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1");
        issuance.session.session_name = None;
        issuance.caller.caller_type = text(kind);
        let session = alone(issuance);
        assert_eq!(
            (session.origin.origin_type.name(), session.origin.known),
            (kind, false)
        );
        assert_eq!(session.link.gap_reason, Some(GapReason::NotInLogs));
    }
}

/// Nobody signs a ConsoleLogin, an AssumeRoleWithSAML or AssumeRoleWithWebIdentity, Cognito's GetCredentialsForIdentity or a
/// CreateSession of Roles Anywhere: the call itself proves who makes it, unless it is refused. Then whom it names is only
/// claimed, and anybody can type a user's name. The row keeps it as the furthest principal of a gap, `not_in_logs`.
#[test]
fn a_refused_sign_in_proves_nobody() {
    let sign_in = |source: &str, name: &str| {
        let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
        issuance.record.event_source = text(source);
        issuance.record.event_name = text(name);
        issuance.caller.caller_access_key_id = None;
        issuance
    };
    for (source, name) in [
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("sts.amazonaws.com", "AssumeRoleWithSAML"),
        ("sts.amazonaws.com", "AssumeRoleWithWebIdentity"),
        (
            "cognito-identity.amazonaws.com",
            "GetCredentialsForIdentity",
        ),
        ("rolesanywhere.amazonaws.com", "CreateSession"),
    ] {
        assert!(alone(sign_in(source, name)).origin.known, "{name}");
        let refused = alone(sign_in(source, name).failed());
        assert_eq!(
            (refused.origin.name.as_deref(), refused.origin.known),
            (Some("ann"), false)
        );
        assert_eq!(refused.link.gap_reason, Some(GapReason::NotInLogs));
        assert_eq!(refused.origin_mfa, None);
    }
    let signed = sign_in("sts.amazonaws.com", "AssumeRole").failed();
    assert!(alone(signed).origin.known);
}

/// A federated user is named by the IAM user or root that asked for its credentials, which every call of it tells.
#[test]
fn a_federated_user_is_named_by_its_issuer() {
    let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1");
    issuance.caller.caller_type = text("FederatedUser");
    issuance.caller.caller_session_issuer_arn = text("arn:aws:iam::111122223333:user/ann");
    assert_eq!(
        named(&alone(issuance)),
        (OriginType::IAMUser, Some("ann"), true)
    );
}

/// Who acts with the rights of somebody else's is not that person: a session of AssumeRoot is not the root user, and a call
/// by a product provider (`invokedByDelegate`) not the user who let it in. Calls under AssumeRoot bear root's name and need not
/// show `assumedRoot`, so no session of root's (an `ASIA…` key, or a creation date) is root's own without the ConsoleLogin or
/// GetSessionToken that began it. Without an issuance these are gaps, `not_in_logs`, with root or user as the furthest principal.
#[test]
fn rights_in_other_hands_name_nobody() {
    let mut by_root = assume_role("e1", 60, "a", "s", "ASIA1");
    by_root.caller.caller_type = text("Root");
    by_root.caller.caller_arn = text("arn:aws:iam::111122223333:root");
    by_root.caller.caller_principal_id = text(ACCOUNT);
    by_root.caller.caller_account_id = text(ACCOUNT);
    let with = |key: Option<&str>, created: Option<i64>, assumed: Option<bool>| {
        let mut issuance = by_root.clone();
        issuance.caller.caller_access_key_id = key.map(Into::into);
        issuance.caller.caller_session_created_at = created.map(at);
        issuance.caller.caller_assumed_root = assumed;
        issuance
    };
    let root = |known| (OriginType::Root, Some("root"), known);
    for (issuance, known) in [
        (with(None, None, None), true),
        (with(Some("AKIAROOT"), None, None), true),
        (with(Some("ASIAROOT"), None, None), false),
        (with(Some("ASIAROOT"), Some(0), None), false),
        (with(None, Some(0), None), false),
        (with(None, None, Some(true)), false),
    ] {
        let session = alone(issuance);
        assert_eq!(named(&session), root(known));
        assert_eq!(session.link.gap_reason.is_none(), known);
    }
    let mut sign_in = with(None, None, None);
    sign_in.record.event_id = "e0".into();
    sign_in.record.event_time = at(0);
    sign_in.session.session_type = SessionType::Console;
    sign_in.session.session_principal_id = text(ACCOUNT);
    let sessions = link_by_hours(&[sign_in, with(Some("ASIAROOT"), Some(0), None)]);
    assert_eq!(named(row(&sessions, "e1")), root(true));
    let mut delegated = assume_role("e2", 0, "a", "s", "ASIA1").by_user("ann");
    delegated.caller.caller_delegate_account_id = text(OTHER_ACCOUNT);
    let session = alone(delegated);
    assert_eq!(named(&session), (OriginType::IAMUser, Some("ann"), false));
    assert_eq!(session.link.gap_reason, Some(GapReason::NotInLogs));
}

/// The record of AssumeRoot itself may show `assumedRoot` on a role session: that one is linked like any other.
#[test]
fn a_role_session_with_assumed_root_is_linked() {
    let mut child = assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
    child.caller.caller_assumed_root = Some(true);
    let first = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let sessions = link_by_hours(&[first, child]);
    assert_eq!(
        named(row(&sessions, "e2")),
        (OriginType::IAMUser, Some("ann"), true)
    );
}

/// Instances, functions, tasks and pods are `Compute`, whether their service's own AssumeRole is the issuance or the
/// session itself tells that it was delivered to them. A call of such a service that names no workload is the service's.
#[test]
fn workloads_are_named_as_workloads() {
    let by_service =
        alone(assume_role("e1", 0, "a", "i-0abc", "ASIA1").by_service("ec2.amazonaws.com"));
    let mut delivered = assume_role("e2", 0, "b", "s", "ASIA2").by_role("a", "i-0abc", "ASIA1", 0);
    delivered.caller.caller_ec2_role_delivery = text("2.0");
    let pod = assume_role("e3", 0, "a", "eks-x", "ASIA3")
        .by_service("pods.eks.amazonaws.com")
        .tagged(
            &[
                ("kubernetes-namespace", "shop"),
                ("kubernetes-pod-name", "cart-1"),
            ],
            &[],
        );
    assert_eq!(
        named(&by_service),
        (OriginType::Compute, Some("i-0abc"), true)
    );
    assert_eq!(
        named(&alone(delivered)),
        (OriginType::Compute, Some("i-0abc"), true)
    );
    assert_eq!(
        named(&alone(pod)),
        (OriginType::Compute, Some("shop/cart-1"), true)
    );
    let mut refused = assume_role("e4", 0, "a", "s", "ASIA4").by_service("ec2.amazonaws.com");
    refused.session.session_name = None;
    let session = alone(refused.failed());
    let service = (OriginType::AWSService, Some("ec2.amazonaws.com"), true);
    assert_eq!(named(&session), service);
}

const PERMISSION_SET: &str = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";

/// The session of an Identity Center role (`AWSReservedSSO_…`) bears its user's name, and `onBehalfOf` its user ID: the
/// person is named even where the sign-in is not in the logs. Only the role's path, `aws-reserved/sso.amazonaws.com/`, tells it
/// from one that somebody has called so: where the record does not show it, as at the sign-in page, the session is a gap unless
/// it is linked.
#[test]
fn identity_center_sessions_name_the_person() {
    let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1").by_role(
        "AWSReservedSSO_Admin_0123456789abcdef",
        "ann@example.com",
        "ASIA9",
        0,
    );
    let without_path = alone(issuance.clone());
    let claimed = (OriginType::AssumedRole, Some("ann@example.com"), false);
    assert_eq!(named(&without_path), claimed);
    assert_eq!(without_path.link.gap_reason, Some(GapReason::NotInLogs));
    issuance.caller.caller_session_issuer_arn = text(PERMISSION_SET);
    issuance.caller.caller_on_behalf_of_user_id = text("user-1");
    let session = alone(issuance);
    assert_eq!(
        named(&session),
        (
            OriginType::IdentityCenterUser,
            Some("ann@example.com"),
            true
        )
    );
    assert_eq!(session.origin.principal_id.as_deref(), Some("user-1"));
}

/// The role that an application assumes for a person (`onBehalfOf`) is its own, and so is the choice of the session's
/// name: the person is named by the user ID.
#[test]
fn the_name_of_a_role_session_is_not_taken_for_a_persons() {
    let role = "AWSReservedSSO_Admin_0123456789abcdef";
    let by = |issuer: &str| {
        let mut issuance =
            assume_role("e1", 0, "a", "s", "ASIA1").by_role(role, "ceo@example.com", "ASIA9", 0);
        issuance.caller.caller_session_issuer_arn = text(issuer);
        issuance
    };
    let genuine = by(PERMISSION_SET);
    let looks_like_it = by(&format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
    let mut for_a_person = looks_like_it.clone();
    for_a_person.caller.caller_on_behalf_of_user_id = text("user-1");
    let person = |name| (OriginType::IdentityCenterUser, Some(name), true);
    assert_eq!(named(&alone(genuine)), person("ceo@example.com"));
    assert_eq!(named(&alone(for_a_person)), person("user-1"));
    assert_eq!(
        alone(looks_like_it).link.gap_reason,
        Some(GapReason::NotInLogs)
    );
    let mut by_saml = assume_role("e1", 0, role, "ceo@example.com", "ASIA1");
    by_saml.caller.caller_type = text("SAMLUser");
    assert_eq!(
        named(&alone(by_saml)),
        (OriginType::SAMLUser, Some("ceo@example.com"), true)
    );
}

/// A workload outside AWS that came by Roles Anywhere (CreateSession) is named by its certificate. Who changes what Roles
/// Anywhere trusts is named as for any other call.
#[test]
fn roles_anywhere_names_the_certificate() {
    let mut issuance = assume_role("e1", 0, "a", "s", "ASIA1");
    issuance.record.event_source = text("rolesanywhere.amazonaws.com");
    issuance.record.event_name = text("CreateSession");
    issuance.caller.caller_user_name = text("CN=build-7");
    assert_eq!(
        named(&alone(issuance.clone())),
        (OriginType::Certificate, Some("CN=build-7"), true)
    );
    issuance.record.event_name = text("CreateTrustAnchor");
    assert_eq!(
        named(&alone(issuance.by_user("ann"))),
        (OriginType::IAMUser, Some("ann"), true)
    );
}

// ## L7 Gaps

/// A role session whose issuance is not in the logs is a gap, `not_in_logs`. The row keeps the furthest principal
/// known, and `origin_known` is false. Its children are linked to it, with `origin_known` false as well.
#[test]
fn a_session_from_before_the_logs_is_a_gap() {
    let sessions = link_by_hours(&[
        assume_role("e1", 0, "b", "s", "ASIA2").by_role("a", "ann", "ASIA1", -60),
        assume_role("e2", 60, "c", "s", "ASIA3").by_role("b", "s", "ASIA2", 0),
    ]);
    let gap = row(&sessions, "e1");
    assert_eq!(
        (gap.link.status, gap.link.gap_reason),
        (LinkStatus::Gap, Some(GapReason::NotInLogs))
    );
    assert_eq!(named(gap), (OriginType::AssumedRole, Some("ann"), false));
    assert_eq!(gap.chain.depth, 0);
    let child = row(&sessions, "e2");
    assert_eq!(
        (child.link.status, child.origin.known, child.chain.depth),
        (LinkStatus::Linked, false, 1)
    );
    assert_eq!(named(child), (OriginType::AssumedRole, Some("ann"), false));
}

/// The record of a role's owner names a caller of another account by ID alone. Without the caller's own copy that is a
/// gap, `caller_copy_missing`: an `AROA…:name` is not enough to link by.
#[test]
fn a_caller_of_another_account_is_never_linked_by_its_id_alone() {
    let theirs = assume_role("e1", 0, "far", "away", "ASIA1").by_user("ann");
    let ours = assume_role("e2", 60, "b", "s", "ASIA2").by_other_account("AROAfar:away");
    let sessions = link_by_hours(&[theirs, ours]);
    let gap = row(&sessions, "e2");
    assert_eq!(gap.link.gap_reason, Some(GapReason::CallerCopyMissing));
    assert_eq!(named(gap), (OriginType::AWSAccount, Some("away"), false));
    assert_eq!(gap.origin.account_id.as_deref(), Some(OTHER_ACCOUNT));
}

// ## L8 Inheritance

/// A row takes origin and chain from its parent's row, so a chain may be as long as it likes.
#[test]
fn a_chained_role_traces_to_the_iam_user() {
    let sessions = link_by_hours(&chain());
    let last = row(&sessions, "e3");
    assert_eq!(named(last), (OriginType::IAMUser, Some("ann"), true));
    assert_eq!(last.chain.depth, 2);
    let hops: Vec<&str> = last.chain.hops.iter().map(|hop| &*hop.event_id).collect();
    assert_eq!(hops, ["e1", "e2"]);
    assert_eq!(&*last.origin.event_id, "e1");
    assert_eq!(last.origin.access_key_id.as_deref(), Some("AKIAann"));
}

/// The tags in force are those of the call and the transitive ones of the session that made it.
#[test]
fn transitive_tags_pass_on() {
    let mut records = chain();
    records[0] = records[0]
        .clone()
        .tagged(&[("team", "red"), ("desk", "7")], &["team"]);
    records[1] = records[1].clone().tagged(&[("case", "9")], &[]);
    let sessions = link_by_hours(&records);
    let tags = |id: &str| format!("{:?}", row(&sessions, id).effective_tags);
    assert_eq!(tags("e1"), r#"{"desk": "7", "team": "red"}"#);
    assert_eq!(tags("e2"), r#"{"case": "9", "team": "red"}"#);
    assert_eq!(tags("e3"), r#"{"team": "red"}"#);
    assert_eq!(
        ids(&row(&sessions, "e3").effective_transitive_tag_keys),
        ["team"]
    );
    assert!(row(&sessions, "e3").effective_tags_known);
}

/// AWS keeps the case of a tag key and tells no keys apart by it: `Team` passes on where `team` is transitive, and a call's own
/// `TEAM` takes its place. Of two such keys in one call nobody can tell which is in force: neither is said to be, and
/// `effective_tags_known` is false.
#[test]
fn tag_keys_are_one_in_any_case() {
    let mut records = chain();
    records[0] = records[0].clone().tagged(&[("Team", "red")], &["team"]);
    records[2] = records[2].clone().tagged(&[("TEAM", "blue")], &[]);
    let sessions = link_by_hours(&records);
    let tags = |id: &str| format!("{:?}", row(&sessions, id).effective_tags);
    assert_eq!(tags("e2"), r#"{"Team": "red"}"#);
    assert_eq!(tags("e3"), r#"{"TEAM": "blue"}"#);
    records[2] = records[2]
        .clone()
        .tagged(&[("TEAM", "blue"), ("team", "red"), ("desk", "7")], &[]);
    let twice = link_by_hours(&records);
    let twice = row(&twice, "e3");
    assert_eq!(format!("{:?}", twice.effective_tags), r#"{"desk": "7"}"#);
    assert!(!twice.effective_tags_known);
}

/// Where CloudTrail logged `incomingTransitiveTags`, they speak instead. Behind a gap nothing else is known of them,
/// and `effective_tags_known` is false. Tags of the IAM role itself are in no log and in no row.
#[test]
fn logged_inherited_tags_speak() {
    let mut records = chain();
    records[2].tags.inherited_tags = [("case".into(), "1".into())].into();
    let sessions = link_by_hours(&records);
    assert_eq!(
        format!("{:?}", row(&sessions, "e3").effective_tags),
        r#"{"case": "1"}"#
    );
    let behind_a_gap = |logged: bool| {
        let mut issuance = assume_role("e9", 0, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", -60);
        if logged {
            issuance.tags.inherited_tags = [("case".into(), "1".into())].into();
        }
        alone(issuance).effective_tags_known
    };
    assert!(behind_a_gap(true) && !behind_a_gap(false));
}

/// Some sessions get tags that their record does not show: those of Roles Anywhere the certificate's, those of Cognito what
/// the identity pool maps, and of a delegation or a call that is not known nobody can tell. Nor where tags or policies take room
/// (`packed_policy_size`) and the record shows none, or does not even show the role that was asked for. Then
/// `effective_tags_known` is false.
#[test]
fn tags_that_no_record_shows_are_not_known() {
    let plain = assume_role("e1", 0, "a", "s", "ASIA1").by_user("ann");
    let known = |change: &dyn Fn(&mut Issuance)| {
        let mut issuance = plain.clone();
        change(&mut issuance);
        let child = assume_role("e2", 60, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
        let sessions = link_by_hours(&[issuance, child]);
        let known = ["e1", "e2"].map(|id| row(&sessions, id).effective_tags_known);
        assert_eq!(known[0], known[1], "what passes on is not known either");
        known[0]
    };
    assert!(known(&|_| {}));
    assert!(!known(&|by_certificate| {
        by_certificate.record.event_source = text("rolesanywhere.amazonaws.com");
        by_certificate.record.event_name = text("CreateSession");
    }));
    for kind in [
        SessionType::WebIdentity,
        SessionType::Delegated,
        SessionType::Unknown,
    ] {
        assert!(!known(&|issuance| issuance.session.session_type = kind));
    }
    assert!(known(
        &|issuance| issuance.policy.packed_policy_size = Some(0)
    ));
    assert!(!known(&|without_request| without_request
        .session
        .role_arn = None));
    let takes_room = |issuance: &mut Issuance| issuance.policy.packed_policy_size = Some(7);
    assert!(!known(&takes_room));
    assert!(known(&|issuance| {
        takes_room(issuance);
        issuance.policy.session_policy_sha256 = text("of a policy");
    }));
    assert!(known(&|issuance| {
        takes_room(issuance);
        issuance.policy.session_policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
    }));
    assert!(known(&|issuance| {
        takes_room(issuance);
        issuance.tags.session_tags = [("team".into(), "red".into())].into();
    }));
}

/// A console session made from a role session is that session: it keeps all of its tags. So does a witness, or any
/// other call that is traced: it was made with the session, under all of its tags. They are not known where the session of a
/// role or federated user has no issuance in the logs, even if its caller names itself.
#[test]
fn a_console_session_keeps_its_tags() {
    for kind in [SessionType::Console, SessionType::Witness] {
        let parent = assume_role("e1", 0, "a", "s", "ASIA1")
            .by_user("ann")
            .tagged(&[("desk", "7")], &[]);
        let mut same_session =
            assume_role("e2", 60, "a", "s", "ASIA2").by_role("a", "s", "ASIA1", 0);
        same_session.session.session_type = kind;
        let sessions = link_by_hours(&[parent, same_session]);
        let found = row(&sessions, "e2");
        let tags = format!("{:?}", found.effective_tags);
        assert_eq!(
            (&*tags, found.effective_tags_known),
            (r#"{"desk": "7"}"#, true)
        );
        let mut of_a_person = found.issuance.clone();
        of_a_person.caller.caller_on_behalf_of_user_id = text("user-1");
        let mut federated = of_a_person.clone();
        federated.caller.caller_type = text("FederatedUser");
        federated.caller.caller_session_issuer_arn = text("arn:aws:iam::111122223333:user/ann");
        for session in [of_a_person, federated].map(alone) {
            assert!(session.origin.known && !session.effective_tags_known);
        }
        assert!(alone(found.issuance.clone().by_user("ann")).effective_tags_known);
    }
}

/// A source identity is carried along the chain. Where a call sets another, both stay visible: `source_identity` of
/// the row and `caller_source_identity`.
#[test]
fn a_source_identity_is_carried() {
    let mut records = chain();
    records[0].session.source_identity = text("ann");
    let sessions = link_by_hours(&records);
    assert_eq!(
        row(&sessions, "e3")
            .issuance
            .session
            .source_identity
            .as_deref(),
        Some("ann")
    );
    records[2].caller.caller_source_identity = text("ann");
    records[2].session.source_identity = text("bob");
    let sessions = link_by_hours(&records);
    let changed = &row(&sessions, "e3").issuance;
    assert_eq!(changed.session.source_identity.as_deref(), Some("bob"));
    assert_eq!(
        changed.caller.caller_source_identity.as_deref(),
        Some("ann")
    );
}

// ## L9 MFA

/// Three facts stay apart: MFA presented on this call, MFA in the caller's session as logged, and MFA at the origin,
/// which is either of the two at the first hop. Unknown is null, not false: who signs in elsewhere, by SAML or at Identity
/// Center, may have shown it there, and a workload has none. Only of a user or root does `false` say something.
#[test]
fn mfa_at_the_origin_is_that_of_the_first_hop() {
    for (presented, logged, expected) in [
        (Some(true), None, Some(true)),
        (Some(false), Some(true), Some(true)),
        (Some(false), None, Some(false)),
        (None, None, None),
    ] {
        let mut records = chain();
        records[0].mfa.session_mfa = presented;
        records[0].mfa.caller_mfa = logged;
        let sessions = link_by_hours(&records);
        assert_eq!(row(&sessions, "e3").origin_mfa, expected);
    }
    let mut person = assume_role("e1", 0, "a", "s", "ASIA1").by_role(
        "AWSReservedSSO_Admin_0123456789abcdef",
        "ann@example.com",
        "ASIA9",
        0,
    );
    person.caller.caller_session_issuer_arn = text(PERMISSION_SET);
    person.mfa.caller_mfa = Some(false);
    assert_eq!(alone(person.clone()).origin_mfa, None);
    person.mfa.caller_mfa = Some(true);
    assert_eq!(alone(person).origin_mfa, Some(true));
}

/// `chain_mfa_lost` is true where the origin had MFA and neither this call nor the caller's session shows it; it is
/// null where the origin's MFA is unknown, as behind every gap.
#[test]
fn mfa_lost_on_the_way_is_pointed_out() {
    let mut records = chain();
    records[0].mfa.session_mfa = Some(true);
    records[1].mfa.caller_mfa = Some(true);
    records[2].mfa.caller_mfa = Some(false);
    let sessions = link_by_hours(&records);
    let lost = |id: &str| row(&sessions, id).chain_mfa_lost;
    assert_eq!(
        [lost("e1"), lost("e2"), lost("e3")],
        [Some(false), Some(false), Some(true)]
    );
    let gap = alone(assume_role("e9", 0, "b", "s", "ASIA2").by_role("a", "s", "ASIA1", -60));
    assert_eq!((gap.origin_mfa, gap.chain_mfa_lost), (None, None));
}

// ## L10 Long chains

/// Role juggling, A assumes B assumes A, is a chain and not a loop: each issuance is a hop of its own. The list of
/// ancestors keeps the 32 nearest and says that it was cut; origin and depth stay exact.
#[test]
fn a_juggled_chain_keeps_origin_and_depth() {
    let mut records = vec![assume_role("e00", 0, "a", "s", "ASIA0").by_user("ann")];
    for step in 1..50_i64 {
        let (from, to) = if step % 2 == 1 {
            ("a", "b")
        } else {
            ("b", "a")
        };
        let record = assume_role(
            &format!("e{step:02}"),
            step * 3000,
            to,
            "s",
            &format!("ASIA{step}"),
        );
        records.push(record.by_role(from, "s", &format!("ASIA{}", step - 1), (step - 1) * 3000));
    }
    let sessions = link_by_hours(&records);
    let last = row(&sessions, "e49");
    assert_eq!(
        (
            last.chain.depth,
            last.chain.hops.len(),
            last.chain.truncated
        ),
        (49, 32, true)
    );
    assert_eq!(named(last), (OriginType::IAMUser, Some("ann"), true));
    assert_eq!(&*last.chain.hops[0].event_id, "e17");
    assert!(!row(&sessions, "e32").chain.truncated && row(&sessions, "e33").chain.truncated);
}

/// `crosses_accounts` tells whether the way from the origin to this session leaves an account.
#[test]
fn a_chain_into_another_account_says_so() {
    let mut records = chain();
    records[2].session.role_account_id = text(OTHER_ACCOUNT);
    let sessions = link_by_hours(&records);
    assert_eq!(
        ["e2", "e3"].map(|id| row(&sessions, id).chain.crosses_accounts),
        [false, true]
    );
    assert_eq!(
        row(&sessions, "e3").chain.hops[1].account_id.as_deref(),
        Some(ACCOUNT)
    );
}

// ## L11 Late parents

/// A child may be delivered before its parent, in another log object, account or region. When the parent arrives, the
/// child's row and all that descend from it are written again; the result is what it would have been in any order.
#[test]
fn a_late_parent_changes_its_descendants() {
    let records = chain();
    let before = link_by_hours(&records[1..]);
    assert!(!row(&before, "e3").origin.known);
    let shuffled: Vec<Issuance> = [2, 1, 0]
        .iter()
        .map(|&place| records[place].clone())
        .collect();
    assert_eq!(link_by_hours(&shuffled), link_by_hours(&records));
    assert_eq!(
        named(row(&link_by_hours(&shuffled), "e3")),
        (OriginType::IAMUser, Some("ann"), true)
    );
}

const DOCUMENT_HEAD: &str = "\
# On what evidence a session is tied to its parent

Trailback links every call that handed out temporary credentials to the issuance of the credentials that made the call,
hop by hop, back to the identity that started the chain. These are the rules. Each paragraph is the doc comment of a
test in `crates/sessions/tests/linking/rules.rs`, named behind it; a test keeps this page and the comments the same.

The linked table is a function of the set of records alone: whatever order, grouping or repetition they arrive in, the
rows are the same. Properties in `crates/sessions/tests/linking/properties.rs` hold that against a naive linker.
";

/// The page users read says what the tests hold, no more and no less.
#[test]
fn the_document_quotes_these_tests() {
    let document = document_of(include_str!("rules.rs"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LINKING.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if written != document {
        let fresh = concat!(env!("CARGO_TARGET_TMPDIR"), "/LINKING.md");
        std::fs::write(fresh, &document).expect("the target folder can be written");
        panic!("docs/LINKING.md differs from the doc comments: copy {fresh} over it");
    }
}

fn document_of(source: &str) -> String {
    let mut document = DOCUMENT_HEAD.to_owned();
    let mut paragraph = String::new();
    for line in source
        .lines()
        .take_while(|line| !line.starts_with("const DOCUMENT_HEAD"))
    {
        if let Some(heading) = line.strip_prefix("// ## ") {
            document.push_str(&format!("\n## {heading}\n"));
        } else if let Some(text) = line.strip_prefix("/// ") {
            paragraph.push_str(text);
            paragraph.push('\n');
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap_or_default();
            if document.contains("\n## ") && !paragraph.is_empty() {
                document.push_str(&format!("\n{paragraph}(`{name}`)\n"));
            }
            paragraph.clear();
        }
    }
    document
}
