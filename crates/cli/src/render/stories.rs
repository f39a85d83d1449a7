//! Chains for golden tests, built by hand: rendering is tested without logs, linker or lake.

use std::sync::Arc;

use trailback_sessions::{
    Chain, Evidence, GapReason, Link, LinkStatus, Origin, OriginType, Outcome, Session,
    SessionType, Text, Timestamp,
};

pub(crate) const IDENTITY_ACCOUNT: &str = "111122223333";
pub(crate) const PROD_ACCOUNT: &str = "444455556666";

pub(crate) fn text(text: &str) -> Option<Text> {
    Some(Text::from(text))
}

fn at(time: &str) -> Timestamp {
    let moment: jiff::Timestamp = format!("2026-11-20T{time}Z").parse().unwrap();
    Timestamp(moment.as_millisecond())
}

pub(crate) fn anna() -> Origin {
    Origin {
        known: true,
        origin_type: OriginType::IAMUser,
        arn: text("arn:aws:iam::111122223333:user/anna.berg"),
        name: text("anna.berg"),
        account_id: text(IDENTITY_ACCOUNT),
        access_key_id: text("AKIARTX3GSDSW4KXJQ6B"),
        ..Origin::default()
    }
}

/// A role session issued at a time of 2026-11-20, with nothing remarkable about it.
pub(crate) fn issued(number: u32, time: &str, account: &str, role: &str, name: &str) -> Session {
    let mut session = Session {
        effective_tags_known: true,
        ..Session::default()
    };
    let record = &mut session.issuance.record;
    record.event_id = Text::from(format!("00000000-0000-4000-8000-{number:012}"));
    record.event_ids = vec![record.event_id.clone()];
    record.event_time = at(time);
    record.event_source = text("sts.amazonaws.com");
    record.event_name = text("AssumeRole");
    record.recipient_account_id = text(account);
    record.source_ip_address = text("203.0.113.24");
    record.user_agent = text("aws-cli/2.31.4 md/awscrt#0.27.6");
    let facts = &mut session.issuance.session;
    facts.session_type = SessionType::AssumedRole;
    facts.role_name = text(role);
    facts.session_name = text(name);
    facts.role_account_id = text(account);
    facts.role_arn = text(&format!("arn:aws:iam::{account}:role/{role}"));
    facts.access_key_id = text(&format!("ASIAEXAMPLE{number:09}"));
    facts.expires_at = Some(Timestamp(record.event_time.0 + 3_600_000));
    session.issuance.mfa.session_mfa = Some(false);
    session.issuance.log_objects = vec![Text::from(format!(
        "AWSLogs/{account}/CloudTrail/eu-central-1/2026/11/20/{account}_CloudTrail_eu-central-1_20261120T0915Z_object{number}.json.gz"
    ))];
    session
}

/// Links a session to the one before it, as the linker would.
pub(crate) fn linked(mut session: Session, parent: &Session, evidence: Evidence) -> Session {
    session.link = Link {
        status: LinkStatus::Linked,
        evidence: Some(evidence),
        parent_event_id: Some(parent.issuance.record.event_id.clone()),
        parent_access_key_id: parent.issuance.session.access_key_id.clone(),
        ..Link::default()
    };
    let caller = &mut session.issuance.caller;
    caller.caller_type = text("AssumedRole");
    caller.caller_access_key_id = parent.issuance.session.access_key_id.clone();
    caller.caller_session_created_at = Some(parent.issuance.record.event_time);
    caller.caller_principal_id = text("AROAEXAMPLEROLEID0001:someone");
    session.issuance.mfa.caller_mfa = Some(false);
    session.origin = parent.origin.clone();
    session.origin_mfa = parent.origin_mfa;
    session.chain = Chain {
        depth: parent.chain.depth + 1,
        ..Chain::default()
    };
    session
}

/// anna.berg with MFA, into prod with a session policy, then on to another role from another address.
pub(crate) fn cross_account_chain() -> Vec<Session> {
    let mut jump = issued(1, "09:02:11", IDENTITY_ACCOUNT, "jump", "anna.berg");
    jump.link.status = LinkStatus::Origin;
    jump.origin = Arc::new(anna());
    jump.origin_mfa = Some(true);
    jump.issuance.mfa.session_mfa = Some(true);
    jump.issuance.mfa.mfa_serial_number = text("arn:aws:iam::111122223333:mfa/anna.phone");
    jump.issuance.session.source_identity = text("anna.berg");
    let tags = [("Team", "payments"), ("Ticket", "OPS-4711")];
    jump.issuance.tags.session_tags = tags
        .iter()
        .map(|(key, value)| (Text::from(*key), Text::from(*value)))
        .collect();
    jump.effective_tags = jump.issuance.tags.session_tags.clone();
    jump.effective_transitive_tag_keys = vec![Text::from("Ticket")];

    let mut operator = issued(2, "09:05:40", PROD_ACCOUNT, "prod-operator", "anna.berg");
    operator = linked(operator, &jump, Evidence::IssuedKey);
    operator
        .issuance
        .record
        .event_ids
        .push(Text::from("00000000-0000-4000-8000-00000000002b"));
    operator.issuance.session.source_identity = text("anna.berg");
    operator
        .effective_tags
        .insert(Text::from("Ticket"), Text::from("OPS-4711"));
    operator.effective_transitive_tag_keys = vec![Text::from("Ticket")];
    operator.issuance.policy.session_policy_sha256 =
        text("3fa4c2d1a0b9c8d7e6f5a4b3c2d1e0f93fa4c2d1a0b9c8d7e6f5a4b3c2d1e0f9");
    operator.issuance.policy.session_scope_sha256 = text("aa");
    operator.issuance.policy.session_policy_arns =
        vec![Text::from("arn:aws:iam::aws:policy/AmazonRDSFullAccess")];
    operator.chain_mfa_lost = Some(true);

    let mut restore = issued(
        3,
        "09:12:03",
        PROD_ACCOUNT,
        "ledger-restore",
        "restore-4711",
    );
    restore = linked(restore, &operator, Evidence::IssuedKey);
    restore.issuance.record.source_ip_address = text("198.51.100.77");
    restore.issuance.session.source_identity = text("anna.berg");
    restore
        .effective_tags
        .insert(Text::from("Ticket"), Text::from("OPS-4711"));
    restore.effective_transitive_tag_keys = vec![Text::from("Ticket")];
    restore.chain_mfa_lost = Some(true);
    vec![jump, operator, restore]
}

/// A vendor's role, of which only the owner's copy is here, and a session made from it.
pub(crate) fn vendor_gap() -> Vec<Session> {
    let mut audit = issued(4, "09:50:00", PROD_ACCOUNT, "vendor-audit", "posture-scan");
    audit.link.gap_reason = Some(GapReason::CallerCopyMissing);
    audit.issuance.record.shared_event_id = text("6e410184-19dd-4d7d-a8f0-c17c584957a0");
    audit.issuance.session.external_id = text("example-7f2c");
    audit.issuance.caller.caller_principal_id = text("AROA6RU73QDQUSCANNR4:posture-scan");
    audit.issuance.caller.caller_account_id = text("999988887777");
    audit.origin = Arc::new(Origin {
        origin_type: OriginType::AWSAccount,
        name: text("AROA6RU73QDQUSCANNR4:posture-scan"),
        account_id: text("999988887777"),
        ..Origin::default()
    });
    let inventory = issued(
        5,
        "09:50:21",
        PROD_ACCOUNT,
        "inventory-reader",
        "posture-scan",
    );
    let inventory = linked(inventory, &audit, Evidence::IssuedKey);
    vec![audit, inventory]
}

/// A gap of the given reason, called by a role session.
pub(crate) fn gap(reason: GapReason) -> Vec<Session> {
    let mut session = issued(6, "10:00:00", PROD_ACCOUNT, "target", "run");
    session.link.gap_reason = Some(reason);
    let caller = &mut session.issuance.caller;
    caller.caller_arn = text("arn:aws:sts::777788889999:assumed-role/build/run-7");
    caller.caller_session_issuer_arn = text("arn:aws:iam::777788889999:role/ci/build");
    caller.caller_access_key_id = text("ASIA3KF6UTOHQEXAMPLE");
    caller.caller_session_created_at = Some(at("08:15:00"));
    if reason == GapReason::Ambiguous {
        session.link.candidates = [
            "00000000-0000-4000-8000-00000000000a",
            "00000000-0000-4000-8000-00000000000b",
        ]
        .map(Text::from)
        .to_vec();
    }
    session.origin = Arc::new(Origin {
        origin_type: OriginType::AssumedRole,
        name: text("build/run-7"),
        account_id: text("777788889999"),
        ..Origin::default()
    });
    vec![session]
}

/// A call made with an Identity Center session, whose key is not the one issued; the caller was refused.
pub(crate) fn identity_center_refused() -> Vec<Session> {
    let mut portal = issued(
        7,
        "09:20:05",
        PROD_ACCOUNT,
        "AWSReservedSSO_Analyst_5b1f",
        "maria.ito@example.com",
    );
    portal.link.status = LinkStatus::Origin;
    portal.issuance.record.event_name = text("AssumeRoleWithSAML");
    portal.issuance.record.source_ip_address = text("AWS Internal");
    portal.issuance.record.user_agent = None;
    portal.issuance.mfa.session_mfa = None;
    portal.origin = Arc::new(Origin {
        known: true,
        origin_type: OriginType::IdentityCenterUser,
        name: text("maria.ito@example.com"),
        account_id: text(PROD_ACCOUNT),
        ..Origin::default()
    });
    let mut refused = issued(8, "09:31:17", PROD_ACCOUNT, "ledger-restore", "");
    refused = linked(refused, &portal, Evidence::SessionContext);
    refused.issuance.caller.caller_access_key_id = text("ASIAWO645SY5LMB7Y2NJ");
    refused.issuance.session.session_name = None;
    refused.issuance.session.access_key_id = None;
    refused.issuance.mfa.session_mfa = None;
    refused.issuance.record.outcome = Outcome::Failed;
    refused.issuance.record.error_code = text("AccessDenied");
    refused.issuance.record.error_message = text(
        "User: arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Analyst_5b1f/maria.ito@example.com is not \
         authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/ledger-restore",
    );
    vec![portal, refused]
}

/// Everything an attacker may choose, chosen badly.
pub(crate) fn hostile() -> Vec<Session> {
    let mut session = issued(
        9,
        "11:00:00",
        PROD_ACCOUNT,
        "web",
        "\u{1b}[2Jroot\u{202e}nimda",
    );
    session.link.status = LinkStatus::Origin;
    session.origin = Arc::new(Origin {
        name: text("evil\r\n● origin  nobody"),
        ..anna()
    });
    session.issuance.record.user_agent = text("\u{1b}]0;title\u{7}curl/8 x");
    session
        .issuance
        .tags
        .session_tags
        .insert(Text::from("k\n"), Text::from("\u{9b}31mred"));
    session.effective_tags = session.issuance.tags.session_tags.clone();
    session.issuance.record.outcome = Outcome::Failed;
    session.issuance.record.error_message = text("\u{1b}[31mall is well\u{1b}[0m");
    vec![session]
}
