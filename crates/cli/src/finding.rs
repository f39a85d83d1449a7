//! What a finding of GuardDuty or Security Hub says of credentials: a key, a principal, and when they were used.
//!
//! Members are named as AWS documents them:
//!
//! - GuardDuty's [Finding](https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Finding.html), its
//!   [AccessKeyDetails](https://docs.aws.amazon.com/guardduty/latest/APIReference/API_AccessKeyDetails.html) and
//!   [Service](https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Service.html). The AWS CLI writes `AccessKeyId`, the
//!   API and EventBridge `accessKeyId`.
//! - Security Hub's [finding format](https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html), its
//!   [AwsIamAccessKeyDetails](https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsIamAccessKeyDetails.html), where a key
//!   is the resource `AWS::IAM::AccessKey:ASIA…`. What GuardDuty hands on stands in `ProductFields` under `aws/guardduty/`.

use serde_json::{Map, Value};
use trailback_sessions::{Subject, Timestamp};

type Members = Map<String, Value>;

/// What a finding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Who found it.
    pub(crate) product: &'static str,
    /// What was found, in the product's own words.
    pub(crate) kind: String,
    /// What can be traced, the most telling first: keys, then principals.
    pub(crate) subjects: Vec<Subject>,
    /// When it was first seen.
    pub(crate) first_seen: Option<Timestamp>,
    /// When it was last seen.
    pub(crate) last_seen: Option<Timestamp>,
    /// What else a report says of it: label and text.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// What is looked for in a finding, in words.
pub(crate) const LOOKED_FOR: &str = "an access key ID or principal ID in Resource.AccessKeyDetails (GuardDuty), or in Resources of type \
                                     AwsIamAccessKey, AwsIamRole or AwsIamUser (Security Hub)";

/// Reads a finding, where the object is one.
pub(crate) fn read(finding: &Members) -> Option<Finding> {
    let is_of_security_hub =
        finding.contains_key("ProductArn") && finding.contains_key("Resources");
    if is_of_security_hub {
        return Some(of_security_hub(finding));
    }
    let (resource, service) = (object(finding, "Resource")?, object(finding, "Service")?);
    text(finding, "Type").map(|kind| of_guardduty(finding, kind, resource, service))
}

fn of_guardduty(finding: &Members, kind: &str, resource: &Members, service: &Members) -> Finding {
    let details = object(resource, "AccessKeyDetails");
    let named = |name| details.and_then(|details| text(details, name));
    let mut subjects = Subjects::default();
    subjects.add(named("AccessKeyId"));
    subjects.add(named("PrincipalId"));
    if named("UserType") == Some("Root")
        && let Some(account) = text(finding, "AccountId")
    {
        subjects.add(Some(&format!("arn:aws:iam::{account}:root")));
    }
    let call = object(service, "Action").and_then(|action| object(action, "AwsApiCallAction"));
    let mut facts = Facts::of(finding);
    facts.add("User type", named("UserType"));
    facts.add("User name", named("UserName"));
    facts.add_call(call);
    Finding {
        product: "GuardDuty",
        kind: kind.to_owned(),
        subjects: subjects.0,
        first_seen: time(service, "EventFirstSeen").or_else(|| time(finding, "CreatedAt")),
        last_seen: time(service, "EventLastSeen").or_else(|| time(finding, "UpdatedAt")),
        facts: facts.0,
    }
}

fn of_security_hub(finding: &Members) -> Finding {
    let resources = list(finding, "Resources");
    let (mut keys, mut principals) = (Subjects::default(), Subjects::default());
    for resource in resources.iter().filter_map(|resource| resource.as_object()) {
        let id = text(resource, "Id");
        match text(resource, "Type") {
            // `AWS::IAM::AccessKey:ASIA…`, or an ARN that ends so.
            Some("AwsIamAccessKey") => keys.add(id.and_then(|id| id.rsplit([':', '/']).next())),
            Some("AwsIamRole" | "AwsIamUser") => principals.add(id),
            _ => {}
        }
        let details = object(resource, "Details").and_then(|all| object(all, "AwsIamAccessKey"));
        keys.add(details.and_then(|details| text(details, "AccessKeyId")));
        principals.add(details.and_then(|details| text(details, "PrincipalId")));
    }
    for principal in principals.0 {
        keys.add_subject(principal);
    }
    let product = object(finding, "ProductFields");
    let handed_on = |name: &str| {
        let name = format!("aws/guardduty/service/{name}");
        product.and_then(|product| time(product, &name))
    };
    let mut facts = Facts::of(finding);
    facts.add("Product", text(finding, "ProductName"));
    facts.add_call(object(finding, "Action").and_then(|action| object(action, "AwsApiCallAction")));
    let kind = list(finding, "Types")
        .first()
        .and_then(|kind| kind.as_str());
    Finding {
        product: "Security Hub",
        kind: kind
            .or_else(|| text(finding, "GeneratorId"))
            .unwrap_or_default()
            .to_owned(),
        subjects: keys.0,
        first_seen: handed_on("eventFirstSeen")
            .or_else(|| time(finding, "FirstObservedAt"))
            .or_else(|| time(finding, "CreatedAt")),
        last_seen: handed_on("eventLastSeen")
            .or_else(|| time(finding, "LastObservedAt"))
            .or_else(|| time(finding, "UpdatedAt")),
        facts: facts.0,
    }
}

/// What can be traced, each once.
#[derive(Default)]
struct Subjects(Vec<Subject>);

impl Subjects {
    /// Adds what has the form of a subject; findings made as samples do not.
    fn add(&mut self, text: Option<&str>) {
        if let Some(Ok(subject)) = text.map(str::parse) {
            self.add_subject(subject);
        }
    }

    fn add_subject(&mut self, subject: Subject) {
        if !self.0.contains(&subject) {
            self.0.push(subject);
        }
    }
}

/// What a report says of a finding.
#[derive(Default)]
struct Facts(Vec<(&'static str, String)>);

impl Facts {
    fn of(finding: &Members) -> Facts {
        let mut facts = Facts::default();
        facts.add("Title", text(finding, "Title"));
        facts.add(
            "Account",
            text(finding, "AccountId").or_else(|| text(finding, "AwsAccountId")),
        );
        facts.add("Finding", text(finding, "Id"));
        facts
    }

    fn add(&mut self, label: &'static str, text: Option<&str>) {
        self.0.extend(text.map(|text| (label, text.to_owned())));
    }

    fn add_call(&mut self, call: Option<&Members>) {
        let Some(call) = call else { return };
        if let Some(api) = text(call, "Api") {
            let service = text(call, "ServiceName").unwrap_or_default();
            self.0
                .push(("Call", format!("{service} {api}").trim().to_owned()));
        }
        let address =
            object(call, "RemoteIpDetails").and_then(|details| text(details, "IpAddressV4"));
        self.add("From", address);
    }
}

/// A member, whether its name begins with a capital or not.
fn member<'v>(members: &'v Members, name: &str) -> Option<&'v Value> {
    members.get(name).or_else(|| {
        let (first, rest) = name.split_at_checked(1)?;
        members.get(&format!("{}{rest}", first.to_ascii_lowercase()))
    })
}

fn object<'v>(members: &'v Members, name: &str) -> Option<&'v Members> {
    member(members, name)?.as_object()
}

fn list<'v>(members: &'v Members, name: &str) -> &'v [Value] {
    member(members, name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'v>(members: &'v Members, name: &str) -> Option<&'v str> {
    member(members, name)?
        .as_str()
        .filter(|text| !text.is_empty())
}

fn time(members: &Members, name: &str) -> Option<Timestamp> {
    text(members, name).and_then(Timestamp::parse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(value: &Value) -> Option<Finding> {
        read(value.as_object().unwrap())
    }

    fn named(finding: &Finding) -> Vec<&str> {
        finding
            .subjects
            .iter()
            .map(|subject| &**subject.text())
            .collect()
    }

    fn guardduty() -> Value {
        json!({
            "AccountId": "444455556666", "Id": "f1", "Type": "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom", "Title": "A title",
            "CreatedAt": "2026-11-20T10:00:00.000Z", "UpdatedAt": "2026-11-20T10:05:00.000Z",
            "Resource": {"ResourceType": "AccessKey", "AccessKeyDetails": {
                "AccessKeyId": "ASIAWO645SY5JF6HUBQ3", "PrincipalId": "AROAWO645SY5DRESTX3M:restore-4711",
                "UserName": "ledger-restore", "UserType": "AssumedRole"}},
            "Service": {"EventFirstSeen": "2026-11-20T09:20:00.000Z", "EventLastSeen": "2026-11-20T09:30:00.000Z",
                "Action": {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {"Api": "DeleteDBInstance",
                    "ServiceName": "rds.amazonaws.com", "RemoteIpDetails": {"IpAddressV4": "198.51.100.77"}}}}
        })
    }

    /// The same with members as the API and EventBridge name them.
    fn uncapitalised(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let lower = |name: &str| name[..1].to_ascii_lowercase() + &name[1..];
                let members = members.iter();
                Value::Object(
                    members
                        .map(|(name, value)| (lower(name), uncapitalised(value)))
                        .collect(),
                )
            }
            other => other.clone(),
        }
    }

    #[test]
    fn a_guardduty_finding_names_key_principal_and_time_in_either_case() {
        let read = finding(&guardduty()).unwrap();
        assert_eq!(
            named(&read),
            ["ASIAWO645SY5JF6HUBQ3", "AROAWO645SY5DRESTX3M:restore-4711"]
        );
        let times = [read.first_seen, read.last_seen].map(|time| time.unwrap().to_string());
        assert_eq!(times, ["2026-11-20T09:20:00Z", "2026-11-20T09:30:00Z"]);
        assert!(
            read.facts
                .contains(&("Call", "rds.amazonaws.com DeleteDBInstance".to_owned()))
        );
        assert!(read.facts.contains(&("From", "198.51.100.77".to_owned())));
        assert_eq!(finding(&uncapitalised(&guardduty())), Some(read));
    }

    #[test]
    fn a_security_hub_finding_names_them_in_its_resources() {
        let hub = json!({
            "SchemaVersion": "2018-10-08", "Id": "f2", "ProductArn": "arn:aws:securityhub:eu-central-1::product/aws/guardduty",
            "ProductName": "GuardDuty", "AwsAccountId": "444455556666", "Types": ["TTPs/UnauthorizedAccess"], "Title": "A title",
            "CreatedAt": "2026-11-20T10:00:00Z", "FirstObservedAt": "2026-11-20T09:00:00Z",
            "ProductFields": {"aws/guardduty/service/eventFirstSeen": "2026-11-20T09:20:00.000Z"},
            "Resources": [
                {"Type": "AwsIamRole", "Id": "arn:aws:iam::444455556666:role/ledger-restore"},
                {"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:ASIAWO645SY5JF6HUBQ3", "Details": {"AwsIamAccessKey": {
                    "PrincipalId": "AROAWO645SY5DRESTX3M:restore-4711", "PrincipalType": "AssumedRole"}}},
                {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::bucket"}
            ]
        });
        let read = finding(&hub).unwrap();
        let expected = [
            "ASIAWO645SY5JF6HUBQ3",
            "arn:aws:iam::444455556666:role/ledger-restore",
            "AROAWO645SY5DRESTX3M:restore-4711",
        ];
        assert_eq!(named(&read), expected);
        assert_eq!(read.first_seen.unwrap().to_string(), "2026-11-20T09:20:00Z");
        assert_eq!(read.last_seen, None);
        assert_eq!(read.kind, "TTPs/UnauthorizedAccess");
    }

    #[test]
    fn root_is_named_by_its_account() {
        let mut root = guardduty();
        root["Resource"]["AccessKeyDetails"] =
            json!({"PrincipalId": "444455556666", "UserType": "Root"});
        assert_eq!(
            named(&finding(&root).unwrap()),
            ["arn:aws:iam::444455556666:root"]
        );
    }

    #[test]
    fn a_finding_may_name_nothing_and_other_objects_are_none() {
        let mut sample = guardduty();
        sample["Resource"] = json!({"AccessKeyDetails": {"AccessKeyId": "GeneratedFindingAccessKeyId"}, "InstanceDetails": null});
        assert_eq!(finding(&sample).unwrap().subjects, []);
        for other in [
            json!({}),
            json!({"Type": "x", "Resource": {}}),
            json!({"Resource": 1, "Service": [], "Type": {}}),
        ] {
            assert_eq!(finding(&other), None, "{other}");
        }
    }
}
