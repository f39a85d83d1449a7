//! Who made a call, against a plain parser: every field says what stands there, and the facts of the caller are those fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailback_cloudtrail::{Record, Timestamp, UserIdentity};
use trailback_fuzz::fields::shows;
use trailback_fuzz::json::{self, Json};
use trailback_sessions::{access_key, caller_facts, observe};

fuzz_target!(|identity: &[u8]| {
    let Ok(judged) = json::read(identity) else {
        return;
    };
    let begin = br#"{"eventID":"e-1","eventTime":"2026-11-20T05:07:09Z","userIdentity":"#;
    let mut text = [&begin[..], identity, b"}"].concat();
    let Ok(record) = Record::parse(&mut text) else {
        assert!(judged.depth() > 254);
        return;
    };
    let read = record.user_identity();
    check_identity(&read, &judged);
    check_session(&read, judged.get("sessionContext"));
    let facts = caller_facts(&record);
    assert_eq!(facts.caller_arn.as_deref(), read.arn);
    assert_eq!(facts.caller_access_key_id.as_deref(), read.access_key_id);
    assert_eq!(facts.caller_session_created_at, read.session.created_at);
    let row = observe(&record).expect("it has an ID and a time");
    assert_eq!(row.caller, facts);
    for id in [read.access_key_id, read.principal_id]
        .into_iter()
        .flatten()
    {
        let account = access_key::account_id(id);
        assert!(
            account.is_none_or(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()))
        );
    }
});

fn check_texts(fields: &[(Option<&str>, &Json)]) {
    for (shown, value) in fields {
        assert!(
            shows(*shown, value.text().unwrap_or_default()),
            "{shown:?} of {value:?}"
        );
    }
}

fn check_identity(read: &UserIdentity<'_>, judged: &Json) {
    let on_behalf_of = judged.get("onBehalfOf");
    check_texts(&[
        (read.kind, judged.get("type")),
        (read.principal_id, judged.get("principalId")),
        (read.arn, judged.get("arn")),
        (read.account_id, judged.get("accountId")),
        (read.user_name, judged.get("userName")),
        (read.invoked_by, judged.get("invokedBy")),
        (read.identity_provider, judged.get("identityProvider")),
        (read.credential_id, judged.get("credentialId")),
        (read.on_behalf_of_user_id, on_behalf_of.get("userId")),
        (
            read.on_behalf_of_identity_store_arn,
            on_behalf_of.get("identityStoreArn"),
        ),
        (
            read.in_scope_of_source_arn,
            judged.get("inScopeOf").get("sourceArn"),
        ),
    ]);
    let key = judged
        .get("accessKeyId")
        .text()
        .or(judged.get("accesKeyId").text());
    assert!(
        shows(read.access_key_id, key.unwrap_or_default())
            || key.is_some_and(|key| key.len() >= 30)
    );
}

fn check_session(read: &UserIdentity<'_>, judged: &Json) {
    let session = &read.session;
    let issuer = judged.get("sessionIssuer");
    check_texts(&[
        (session.issuer_type, issuer.get("type")),
        (session.issuer_principal_id, issuer.get("principalId")),
        (session.issuer_arn, issuer.get("arn")),
        (session.issuer_account_id, issuer.get("accountId")),
        (session.issuer_user_name, issuer.get("userName")),
        (session.source_identity, judged.get("sourceIdentity")),
        (session.ec2_role_delivery, judged.get("ec2RoleDelivery")),
        (session.sign_in_session_arn, judged.get("signInSessionArn")),
        (
            session.federated_provider,
            judged.get("webIdFederationData").get("federatedProvider"),
        ),
    ]);
    let attributes = judged.get("attributes");
    let created_at = attributes
        .get("creationDate")
        .text()
        .filter(|text| text.len() < 100);
    if created_at.is_some() {
        assert_eq!(session.created_at, created_at.and_then(Timestamp::parse));
    }
    match attributes.get("mfaAuthenticated") {
        Json::Bool(truth) => assert_eq!(session.mfa_authenticated, Some(*truth)),
        Json::Text(word) if word == "true" => assert_eq!(session.mfa_authenticated, Some(true)),
        Json::Text(word) if word == "false" => assert_eq!(session.mfa_authenticated, Some(false)),
        Json::Text(_) => {}
        _ => assert_eq!(session.mfa_authenticated, None),
    }
}
