//! What a record says, and what it leaves unsaid.

use super::*;

fn with_record(json: &str, check: impl FnOnce(Record<'_>)) {
    let mut json = json.as_bytes().to_vec();
    check(Record::parse(&mut json).unwrap());
}

fn fault(json: &str) -> RecordError {
    let mut json = json.as_bytes().to_vec();
    Record::parse(&mut json).unwrap_err()
}

#[test]
fn the_envelope_is_read_as_it_is_spelled() {
    let json = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole"},"eventTime":"2026-11-20T05:07:09Z",
        "eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1",
        "userAgent":"aws-cli","errorCode":"AccessDenied","errorMessage":"no","requestID":"r-1","eventID":"e-1",
        "eventType":"AwsApiCall","eventCategory":"Management","recipientAccountId":"111122223333","sharedEventID":"s-1",
        "vpcEndpointId":"vpce-1","vpcEndpointAccountId":"444455556666","sessionCredentialFromConsole":"true",
        "addendum":{"reason":"UPDATED_DATA","originalEventID":"e-0"},"unknown":[1,{"eventID":"x"}],
        "requestParameters":{"roleArn":"arn"},"responseElements":{"packedPolicySize":7},
        "additionalEventData":{"MFAUsed":"Yes"},"serviceEventDetails":{"role_name":"r"},
        "resources":[{"ARN":"a"},{"ARN":"b"}]}"#;
    with_record(json, |record| {
        assert_eq!(record.event_version(), Some("1.11"));
        assert_eq!(
            record.event_time().unwrap().to_string(),
            "2026-11-20T05:07:09Z"
        );
        assert_eq!(record.event_source(), Some("sts.amazonaws.com"));
        assert_eq!(record.event_name(), Some("AssumeRole"));
        assert_eq!(record.aws_region(), Some("eu-west-1"));
        assert_eq!(record.source_ip_address(), Some("192.0.2.1"));
        assert_eq!(record.user_agent(), Some("aws-cli"));
        assert_eq!(record.error_code(), Some("AccessDenied"));
        assert_eq!(record.error_message(), Some("no"));
        assert_eq!(record.request_id(), Some("r-1"));
        assert_eq!(record.event_id(), Some("e-1"));
        assert_eq!(record.event_type(), Some("AwsApiCall"));
        assert_eq!(record.event_category(), Some("Management"));
        assert_eq!(record.recipient_account_id(), Some("111122223333"));
        assert_eq!(record.shared_event_id(), Some("s-1"));
        assert_eq!(record.vpc_endpoint_id(), Some("vpce-1"));
        assert_eq!(record.vpc_endpoint_account_id(), Some("444455556666"));
        assert_eq!(record.session_credential_from_console(), Some(true));
        let addendum = record.addendum().unwrap();
        assert_eq!(addendum.reason, Some("UPDATED_DATA"));
        assert_eq!(addendum.original_event_id, Some("e-0"));
        assert_eq!(record.user_identity().kind, Some("AssumedRole"));
        assert_eq!(record.request_parameters().text("roleArn"), Some("arn"));
        assert_eq!(record.response_elements().int("packedPolicySize"), Some(7));
        assert_eq!(record.additional_event_data().bool("MFAUsed"), Some(true));
        assert_eq!(record.service_event_details().text("role_name"), Some("r"));
        let arns: Vec<_> = record
            .resources()
            .map(|resource| resource.text("ARN"))
            .collect();
        assert_eq!(arns, [Some("a"), Some("b")]);
    });
}

#[test]
fn numbers_and_texts_in_odd_places_are_simply_missing() {
    let json = r#"{"eventID":7,"eventTime":1700000000,"eventSource":null,"userIdentity":"me","requestParameters":"null",
        "responseElements":"{\"credentials\":{}}","additionalEventData":"","resources":{"ARN":"a"},"addendum":"late",
        "sessionCredentialFromConsole":"perhaps","eventName":""}"#;
    with_record(json, |record| {
        assert_eq!(record.event_id(), None);
        assert_eq!(record.event_time(), None);
        assert_eq!(record.event_source(), None);
        assert_eq!(record.event_name(), None);
        assert_eq!(record.user_identity().kind, None);
        assert!(record.request_parameters().is_absent());
        assert!(record.response_elements().is_absent());
        assert_eq!(record.response_elements().as_text(), None);
        assert!(record.additional_event_data().is_absent());
        assert_eq!(record.resources().count(), 0);
        assert_eq!(record.addendum(), None);
        assert_eq!(record.session_credential_from_console(), None);
    });
    with_record("{}", |record| assert_eq!(record.event_id(), None));
}

#[test]
fn of_a_member_written_twice_the_last_one_counts() {
    with_record(
        r#"{"eventID":"first","eventID":"last","eventName":"x","eventName":null}"#,
        |record| {
            assert_eq!(record.event_id(), Some("last"));
            assert_eq!(record.event_name(), None);
        },
    );
}

#[test]
fn an_identity_is_read_with_its_session() {
    let json = r#"{"userIdentity":{"type":"AssumedRole","principalId":"AROA1:me","arn":"arn:s","accountId":"1",
        "accesKeyId":"ASIA1","userName":"HIDDEN_DUE_TO_SECURITY_REASONS","invokedBy":"x.amazonaws.com",
        "identityProvider":"p","credentialId":"c","onBehalfOf":{"userId":"u","identityStoreArn":"arn:i"},
        "inScopeOf":{"sourceArn":"arn:f"},"sessionContext":{"attributes":{"creationDate":"20131102T010628Z",
        "mfaAuthenticated":"true"},"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:r","accountId":"1",
        "userName":"r"},"sourceIdentity":"s","ec2RoleDelivery":"2.0","signInSessionArn":"arn:n","assumedRoot":"true",
        "webIdFederationData":{"federatedProvider":"arn:o","attributes":{}}}}}"#;
    with_record(json, |record| {
        let identity = record.user_identity();
        assert_eq!(identity.principal_id, Some("AROA1:me"));
        assert_eq!(identity.arn, Some("arn:s"));
        assert_eq!(identity.account_id, Some("1"));
        assert_eq!(identity.access_key_id, Some("ASIA1"));
        assert_eq!(identity.user_name, None);
        assert_eq!(identity.invoked_by, Some("x.amazonaws.com"));
        assert_eq!(identity.identity_provider, Some("p"));
        assert_eq!(identity.credential_id, Some("c"));
        assert_eq!(identity.on_behalf_of_user_id, Some("u"));
        assert_eq!(identity.on_behalf_of_identity_store_arn, Some("arn:i"));
        assert_eq!(identity.in_scope_of_source_arn, Some("arn:f"));
        let session = identity.session;
        assert_eq!(
            session.created_at.unwrap().to_string(),
            "2013-11-02T01:06:28Z"
        );
        assert_eq!(session.mfa_authenticated, Some(true));
        assert_eq!(session.issuer_type, Some("Role"));
        assert_eq!(session.issuer_principal_id, Some("AROA1"));
        assert_eq!(session.issuer_arn, Some("arn:r"));
        assert_eq!(session.issuer_account_id, Some("1"));
        assert_eq!(session.issuer_user_name, Some("r"));
        assert_eq!(session.source_identity, Some("s"));
        assert_eq!(session.ec2_role_delivery, Some("2.0"));
        assert_eq!(session.sign_in_session_arn, Some("arn:n"));
        assert_eq!(session.federated_provider, Some("arn:o"));
        assert_eq!(session.assumed_root, Some(true));
    });
}

#[test]
fn an_unreadable_record_is_named_by_its_event_id() {
    let lone_surrogate = fault(r#"{"eventID":"e-1","userAgent":"\ud800"}"#);
    assert_eq!(lone_surrogate.event_id.as_deref(), Some("e-1"));
    assert!(
        lone_surrogate
            .to_string()
            .starts_with("record (eventID e-1): is not valid JSON at byte ")
    );
    assert_eq!(
        fault("[1]").to_string(),
        "record: is a list where an object belongs"
    );
    assert_eq!(
        fault("null").fault,
        RecordFault::NotAnObject { found: "null" }
    );
    for json in [
        "",
        " ",
        "{",
        r#"{"a"}"#,
        r#"{"a":1}}"#,
        r#"{"a":01}"#,
        "{\"a\":\"\n\"}",
        "nul",
    ] {
        assert!(
            matches!(fault(json).fault, RecordFault::NotJson { .. }),
            "{json:?}"
        );
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep = fault(&format!(r#"{{"a":{deep},"eventID" : "e-2"}}"#));
    assert_eq!(
        deep.to_string(),
        "record (eventID e-2): nests deeper than 256 levels"
    );
}

#[test]
fn invalid_utf8_makes_a_record_unreadable() {
    let mut json = b"{\"eventID\":\"e-1\",\"userAgent\":\"\xff\"}".to_vec();
    assert!(matches!(
        Record::parse(&mut json).unwrap_err().fault,
        RecordFault::NotJson { .. }
    ));
}

#[test]
fn an_event_id_in_an_error_never_carries_other_text() {
    for json in [
        r#"{"eventID":"has spaces and words"#,
        r#"{"eventID":"has spaces and words""#,
        r#"{"eventID":"""#,
        r#"{"eventID":7"#,
        r#"{"eventID""#,
        r#"{"eventID":"unterminated"#,
    ] {
        assert_eq!(find_event_id(json.as_bytes()), None, "{json}");
    }
    let long = format!(r#"{{"eventID":"{}""#, "a".repeat(65));
    assert_eq!(find_event_id(long.as_bytes()), None);
}

#[test]
fn a_record_is_printed_without_its_contents() {
    with_record(r#"{"eventID":"e-1","userAgent":"visible"}"#, |record| {
        assert_eq!(
            format!("{record:?}"),
            r#"Record { event_id: Some("e-1"), event_name: None, .. }"#
        );
    });
}
