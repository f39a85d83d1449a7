//! Session policy hashes, against known values and against a JCS library.

use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use super::*;

fn arns(arns: &[&str]) -> Vec<Text> {
    arns.iter().copied().map(Text::from).collect()
}

#[test]
fn a_canonical_form_is_that_of_rfc_8785() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(canonical_form(text).as_deref(), expected, "{text}")
    };
    // The sample of RFC 8785 section 3.2.2.
    check(
        r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        Some(
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        ),
    );
    // Its sample of sorting: an emoji (a surrogate pair, from U+D83D) goes before U+FB33.
    check(
        r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
        Some("{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"),
    );
    check(" {\n} ", Some("{}"));
    check("[ [] , {} ]", Some("[[],{}]"));
    check("-0", Some("0"));
    check("9007199254740993", Some("9007199254740992"));
    check(
        "123456789012345678901234567890",
        Some("1.2345678901234568e+29"),
    );
    check("1e400", None);
}

#[test]
fn what_is_no_unambiguous_json_has_no_canonical_form() {
    for text in [
        "",
        "{",
        "{} {}",
        "{'a':1}",
        "not json",
        r#"{"Effect":"Deny","Effect":"Allow"}"#,
        r#"[{"a":{"b":1,"\u0062":1}}]"#,
        r#""\ud800""#,
        &format!("{}{}", "[".repeat(128), "]".repeat(128)),
        &"[".repeat(100_000),
    ] {
        assert_eq!(canonical_form(text), None);
        let facts = describe(Some(text), Vec::new());
        assert_eq!(facts.session_policy_sha256, facts.session_policy_raw_sha256);
    }
    assert!(canonical_form(&format!("{}{}", "[".repeat(127), "]".repeat(127))).is_some());
}

#[test]
fn two_ways_to_write_one_policy_have_one_hash() {
    let pretty = "{\n\t\"Version\": \"2012-10-17\",\n\t\"Statement\": [ ]\n}";
    let compact = r#"{"Statement":[],"Version":"2012-10-17"}"#;
    let (pretty, compact) = (
        describe(Some(pretty), Vec::new()),
        describe(Some(compact), Vec::new()),
    );
    assert_eq!(pretty.session_policy_sha256, compact.session_policy_sha256);
    assert_eq!(pretty.session_scope_sha256, compact.session_scope_sha256);
    assert_ne!(
        pretty.session_policy_raw_sha256,
        compact.session_policy_raw_sha256
    );
    assert_eq!(
        compact.session_policy_sha256,
        compact.session_policy_raw_sha256
    );
    // printf '{"Statement":[],"Version":"2012-10-17"}' | sha256sum
    assert_eq!(
        compact.session_policy_sha256.as_deref(),
        Some("a48803b796029b4ad945f4aec0d1641ad8dcabcb95df2ec87594ffcb95d0eeb8")
    );
    // printf '["a48803b796029b4ad945f4aec0d1641ad8dcabcb95df2ec87594ffcb95d0eeb8"]' | sha256sum
    assert_eq!(
        compact.session_scope_sha256.as_deref(),
        Some("d36cc8e532e793375bc7e8892d260800f04d45b019679e847ed78cbb56c4fe94")
    );
}

#[test]
fn a_scope_holds_the_policy_and_every_arn() {
    let scope = |policy, list: &[&str]| describe(policy, arns(list)).session_scope_sha256;
    assert_eq!(scope(None, &[]), None);
    // printf '["","arn:aws:iam::aws:policy/ReadOnlyAccess","arn:aws:iam::aws:policy/SecurityAudit"]' | sha256sum
    let two = [
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/SecurityAudit",
    ];
    assert_eq!(
        scope(None, &two).as_deref(),
        Some("2a50d72b845eef9f2e2954a180a62f87a89593c3b0c7e2f31608436c08bb6ab0")
    );
    let all = [
        scope(None, &two),
        scope(None, &two[..1]),
        scope(Some("{}"), &two),
        scope(Some("{}"), &[]),
        scope(Some("{ "), &[]),
        scope(None, &["a\",\"b"]),
        scope(None, &["a", "b"]),
        scope(None, &["a\nb"]),
    ];
    for (place, hash) in all.iter().enumerate() {
        assert!(!all[..place].contains(hash), "{place}");
    }
}

#[test]
fn a_call_without_policies_has_no_hashes() {
    assert_eq!(describe(None, Vec::new()), PolicyFacts::default());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn a_canonical_form_equals_the_one_of_a_jcs_library(value in any_json()) {
        let expected = serde_jcs::to_string(&value).unwrap();
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(canonical_form(&text), Some(expected.clone()));
        prop_assert_eq!(canonical_form(&expected), Some(expected));
    }

    #[test]
    fn no_policy_text_is_too_odd(text in "[\\[\\]{}\",:0-9eE.\\\\u-]{0,40}") {
        let _ = describe(Some(&text), Vec::new());
    }
}
