//! ARNs, subjects, IDs and session policies: what is taken apart can be put together again, and what is named is in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailback_fuzz::json;
use trailback_sessions::arn::{self, Arn, Principal};
use trailback_sessions::{Subject, access_key, policy};

fuzz_target!(|text: &str| {
    if let Some(arn) = Arn::parse(text) {
        check_arn(text, &arn);
    }
    match text.parse::<Subject>() {
        Ok(subject) => {
            assert_eq!(&**subject.text(), text.trim());
            assert_eq!(subject.text().parse(), Ok(subject.clone()));
        }
        Err(refused) => assert!(!refused.to_string().contains(char::is_control)),
    }
    if let Some(account) = access_key::account_id(text) {
        assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    }
    check_policy(text);
});

fn check_arn(text: &str, arn: &Arn<'_>) {
    let Arn {
        partition,
        service,
        region,
        account_id,
        resource,
    } = *arn;
    assert_eq!(
        text,
        ["arn", partition, service, region, account_id, resource].join(":")
    );
    assert!(
        ![partition, service, region, account_id]
            .iter()
            .any(|part| part.contains(':'))
    );
    let built = match arn.principal() {
        None => return,
        Some(Principal::RoleSession {
            role_name,
            session_name,
        }) => {
            assert!(
                ![role_name, session_name]
                    .iter()
                    .any(|name| name.is_empty() || name.contains('/'))
            );
            arn::role_session(partition, account_id, role_name, session_name)
        }
        Some(Principal::FederatedUser { name }) => arn::federated_user(partition, account_id, name),
        Some(Principal::Root) => arn::root(partition, account_id),
        Some(Principal::Role { name } | Principal::User { name }) => {
            assert!(resource.ends_with(name) && !name.is_empty() && !name.contains('/'));
            return;
        }
    };
    let again = Arn::parse(&built).and_then(|arn| arn.principal());
    assert_eq!(again, arn.principal());
}

/// The canonical form is of the same JSON, and its own canonical form.
fn check_policy(text: &str) {
    if let Some(form) = policy::canonical_form(text) {
        assert_eq!(policy::canonical_form(&form).as_ref(), Some(&form));
        let facts = policy::describe(Some(text), Vec::new());
        let same = policy::describe(Some(&form), Vec::new());
        assert_eq!(facts.session_policy_sha256, same.session_policy_sha256);
        assert_eq!(facts.session_scope_sha256, same.session_scope_sha256);
        let (Ok(value), Ok(of_form)) = (json::read(text.as_bytes()), json::read(form.as_bytes()))
        else {
            panic!("{form} is of no JSON");
        };
        assert_eq!(value.depth(), of_form.depth());
    }
}
