//! Records of other services: most of any trail, some of them made to look like issuing calls.

use std::fmt::Write;
use std::rc::Rc;

use crate::Text;
use crate::caller::Caller;
use crate::dice::Dice;
use crate::json;
use crate::organisation::User;
use crate::record::Record;
use crate::truth::UseTruth;
use crate::world::World;

/// One call of a service: what it is asked and what it answers.
#[derive(Default)]
struct ServiceCall {
    source: &'static str,
    name: &'static str,
    read_only: bool,
    request: Option<String>,
    response: Option<String>,
    additional: Option<String>,
    error: Option<(&'static str, &'static str)>,
}

impl ServiceCall {
    fn reads(source: &'static str, name: &'static str, request: String) -> Self {
        Self {
            source,
            name,
            read_only: true,
            request: Some(request),
            ..Self::default()
        }
    }

    fn writes(source: &'static str, name: &'static str, request: String, response: String) -> Self {
        Self {
            source,
            name,
            request: Some(request),
            response: Some(response),
            ..Self::default()
        }
    }
}

/// Who makes noise: a caller whose `userIdentity` is written once.
pub(crate) struct Voice {
    identity: String,
    account_id: Text,
    region: &'static str,
    address: Text,
    agent: Text,
    from_console: bool,
    expires_at: i64,
}

const COMMAND_LINE: &str = "aws-cli/2.31.9 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard";

impl Voice {
    pub(crate) fn of_caller(
        caller: &Caller,
        access_key_id: Option<&str>,
        region: &'static str,
    ) -> Option<Self> {
        Some(Self {
            identity: caller.identity.to_json(access_key_id),
            account_id: caller.identity.account_id.clone()?,
            region,
            address: caller.address.clone(),
            agent: caller.agent.clone(),
            from_console: caller.from_console,
            expires_at: caller.expires_at,
        })
    }

    fn of_user(user: &User, region: &'static str) -> Self {
        Self {
            identity: crate::caller::Identity::of_user(user).to_json(Some(&user.access_key_id)),
            account_id: user.account.id.clone(),
            region,
            address: user.address.clone(),
            agent: COMMAND_LINE.into(),
            from_console: false,
            expires_at: i64::MAX,
        }
    }
}

impl World {
    /// Makes `count` records of other services within the minute that begins at `minute`.
    pub(crate) fn make_noise(&mut self, minute: i64, count: u64) {
        for _ in 0..count {
            let time = minute + self.dice.below(60) as i64;
            let voice = self.any_voice(time);
            self.make_sound(&voice, time);
        }
        self.tally.other_records += count;
    }

    /// Somebody who is active, or an IAM user with a long-term key.
    fn any_voice(&mut self, time: i64) -> Rc<Voice> {
        if !self.voices.is_empty() && self.dice.chance(0.9) {
            let position = self.dice.below(self.voices.len() as u64) as usize;
            let voice = self.voices[position].clone();
            if voice.expires_at > time {
                return voice;
            }
        }
        let (user, region) = (self.any_user(), self.any_region());
        let voice = Rc::new(Voice::of_user(&user, region));
        self.remember_voice(voice.clone());
        voice
    }

    fn make_sound(&mut self, voice: &Voice, time: i64) {
        if self.dice.below(200) == 0 {
            return self.service_event(voice, time);
        }
        let call = any_call(&mut self.dice, &voice.account_id);
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        write_call(&mut self.dice, voice, &call, time, &mut json);
        self.send(&voice.account_id, voice.region, time, &json);
        self.scratch = json;
    }

    /// A service tells of itself: `userIdentity` has no type.
    fn service_event(&mut self, voice: &Voice, time: i64) {
        let identity = json::object(|members| {
            members.text("accountId", &voice.account_id);
            members.text("invokedBy", "kms.amazonaws.com");
        });
        let event_id = self.dice.guid();
        let details = format!(r#"{{"keyId":"{}"}}"#, self.dice.guid());
        let mut json = String::new();
        Record {
            version: "1.08",
            identity: &identity,
            time,
            source: "kms.amazonaws.com",
            name: "RotateKey",
            region: voice.region,
            address: "kms.amazonaws.com",
            agent: Some("kms.amazonaws.com"),
            event_id: &event_id,
            read_only: false,
            event_type: "AwsServiceEvent",
            recipient: &voice.account_id,
            service_details: Some(&details),
            ..Record::default()
        }
        .write(&mut json);
        self.send(&voice.account_id, voice.region, time, &json);
    }

    /// A call of another service with a session, whose truth may be told.
    pub(crate) fn use_session(
        &mut self,
        scenario: &'static str,
        caller: &Caller,
        region: &'static str,
    ) {
        let key = self.key_of(caller);
        let Some(mut voice) = Voice::of_caller(caller, key.as_deref(), region) else {
            return;
        };
        if let Some(identity) = caller.in_use.as_ref().filter(|_| self.dice.chance(0.5)) {
            voice.identity = identity.to_json(key.as_deref());
        }
        let call = any_call(&mut self.dice, &voice.account_id);
        let mut json = String::with_capacity(2_048);
        let event_id = write_call(&mut self.dice, &voice, &call, self.now, &mut json);
        let sent = self.send(&voice.account_id, region, self.now, &json);
        self.tally.other_records += u64::from(sent);
        if sent && self.dice.chance(self.plan.uses_told) {
            let session = caller.identity.session.as_ref();
            let mfa = session.map(|session| session.mfa);
            let mfa = mfa.filter(|mfa| caller.identity.tells_mfa(*mfa));
            let link = caller.standing.of_call(&event_id, key, mfa);
            self.tally.uses_told += 1;
            self.uses.push(UseTruth {
                record: json,
                event_id,
                scenario,
                link,
            });
        }
        self.remember_voice(Rc::new(voice));
    }
}

/// Appends the record and returns its event ID.
fn write_call(
    dice: &mut Dice,
    voice: &Voice,
    call: &ServiceCall,
    time: i64,
    json: &mut String,
) -> Text {
    let (event_id, request_id) = (dice.guid(), dice.guid());
    let service = call.source.trim_end_matches(".amazonaws.com");
    let mut host = String::with_capacity(48);
    // Writing to a string cannot fail.
    let _ = write!(host, "{service}.{}.amazonaws.com", voice.region);
    Record {
        version: "1.11",
        identity: &voice.identity,
        time,
        source: call.source,
        name: call.name,
        region: voice.region,
        address: &voice.address,
        agent: Some(&voice.agent),
        error: call.error,
        request: call.request.as_deref(),
        response: call.response.as_deref(),
        additional: call.additional.as_deref(),
        request_id: Some(&request_id),
        event_id: &event_id,
        read_only: call.read_only,
        recipient: &voice.account_id,
        tls_host: (!voice.from_console).then_some(&host),
        from_console: voice.from_console,
        ..Record::default()
    }
    .write(json);
    event_id
}

fn any_call(dice: &mut Dice, account_id: &str) -> ServiceCall {
    match dice.below(100) {
        0..22 => storage(dice, account_id),
        22..38 => compute(dice),
        38..52 => keys(dice, account_id),
        52..60 => logs(dice),
        60..68 => tables(dice, account_id),
        68..76 => secrets(dice),
        76..84 => queues(dice, account_id),
        84..90 => permissions(dice),
        90..95 => who_am_i(dice),
        _ => decoy(dice, account_id),
    }
}

fn storage(dice: &mut Dice, account_id: &str) -> ServiceCall {
    let bucket = dice.pick(&["lake-curated", "web-assets", "invoices", "app-logs-archive"]);
    let request = format!(
        r#"{{"bucketName":"{bucket}-{account_id}","Host":"{bucket}-{account_id}.s3.eu-west-1.amazonaws.com","key":"dt=2026-11-{:02}/part-{}.parquet"}}"#,
        dice.between(1, 30),
        dice.hex(12)
    );
    let mut token = String::new();
    dice.push_base64(&mut token, 75);
    let additional = format!(
        r#"{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{token}=","bytesTransferredOut":{}}}"#,
        dice.below(1 << 24)
    );
    let name = dice.pick(&[
        "GetBucketLocation",
        "GetBucketAcl",
        "ListObjects",
        "GetObject",
        "HeadObject",
    ]);
    ServiceCall {
        additional: Some(additional),
        ..ServiceCall::reads("s3.amazonaws.com", name, request)
    }
}

fn compute(dice: &mut Dice) -> ServiceCall {
    let id = dice.hex(17);
    match dice.below(4) {
        0 => ServiceCall::writes(
            "ec2.amazonaws.com",
            "CreateTags",
            format!(
                r#"{{"resourcesSet":{{"items":[{{"resourceId":"i-{id}"}}]}},"tagSet":{{"items":[{{"key":"Name","value":"web-{}"}}]}}}}"#,
                &id[..4]
            ),
            format!(r#"{{"requestId":"{}","_return":true}}"#, dice.guid()),
        ),
        1 => ServiceCall {
            error: Some((
                "Client.UnauthorizedOperation",
                "You are not authorized to perform this operation.",
            )),
            ..ServiceCall::reads(
                "ec2.amazonaws.com",
                "DescribeSnapshots",
                r#"{"ownersSet":{"items":[{"owner":"self"}]},"snapshotSet":{}}"#.into(),
            )
        },
        2 => ServiceCall::reads(
            "ec2.amazonaws.com",
            "DescribeVolumes",
            format!(
                r#"{{"volumeSet":{{}},"filterSet":{{"items":[{{"name":"attachment.instance-id","valueSet":{{"items":[{{"value":"i-{id}"}}]}}}}]}}}}"#
            ),
        ),
        _ => ServiceCall::reads(
            "ec2.amazonaws.com",
            "DescribeInstances",
            format!(
                r#"{{"instancesSet":{{"items":[{{"instanceId":"i-{id}"}}]}},"filterSet":{{}}}}"#
            ),
        ),
    }
}

fn keys(dice: &mut Dice, account_id: &str) -> ServiceCall {
    let key = dice.guid();
    let name = dice.pick(&["Decrypt", "GenerateDataKey", "DescribeKey"]);
    let request = format!(
        r#"{{"keyId":"arn:aws:kms:eu-west-1:{account_id}:key/{key}","encryptionContext":{{"aws:s3:arn":"arn:aws:s3:::lake-curated-{account_id}/part-{}"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#,
        dice.hex(8)
    );
    ServiceCall::reads("kms.amazonaws.com", name, request)
}

fn logs(dice: &mut Dice) -> ServiceCall {
    let request = format!(
        r#"{{"logStreamName":"2026/11/{:02}/[$LATEST]{}","logGroupName":"/aws/lambda/orders-worker"}}"#,
        dice.between(1, 30),
        dice.hex(32)
    );
    ServiceCall {
        read_only: false,
        ..ServiceCall::reads("logs.amazonaws.com", "CreateLogStream", request)
    }
}

fn tables(dice: &mut Dice, account_id: &str) -> ServiceCall {
    let table = dice.pick(&["orders", "sessions", "carts"]);
    let request = format!(r#"{{"tableName":"{table}"}}"#);
    let response = format!(
        r#"{{"table":{{"tableName":"{table}","tableStatus":"ACTIVE","itemCount":{},"tableArn":"arn:aws:dynamodb:eu-west-1:{account_id}:table/{table}"}}}}"#,
        dice.below(1 << 30)
    );
    ServiceCall {
        read_only: true,
        ..ServiceCall::writes("dynamodb.amazonaws.com", "DescribeTable", request, response)
    }
}

fn secrets(dice: &mut Dice) -> ServiceCall {
    if dice.chance(0.5) {
        let request = format!(
            r#"{{"secretId":"prod/{}/db"}}"#,
            dice.pick(&["orders", "billing"])
        );
        ServiceCall::reads("secretsmanager.amazonaws.com", "GetSecretValue", request)
    } else {
        let request = format!(
            r#"{{"instanceId":"i-{}","agentVersion":"3.3.3050.0","agentName":"amazon-ssm-agent","platformType":"Linux"}}"#,
            dice.hex(17)
        );
        ServiceCall {
            read_only: false,
            ..ServiceCall::reads("ssm.amazonaws.com", "UpdateInstanceInformation", request)
        }
    }
}

fn queues(dice: &mut Dice, account_id: &str) -> ServiceCall {
    if dice.chance(0.5) {
        let request = format!(
            r#"{{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/{account_id}/orders","attributeNames":["ApproximateNumberOfMessages"]}}"#
        );
        ServiceCall::reads("sqs.amazonaws.com", "GetQueueAttributes", request)
    } else {
        let request = format!(
            r#"{{"nextToken":"{}","maxResults":100}}"#,
            dice.letters_and_digits(48)
        );
        ServiceCall::reads("monitoring.amazonaws.com", "DescribeAlarms", request)
    }
}

fn permissions(dice: &mut Dice) -> ServiceCall {
    match dice.below(3) {
        0 => ServiceCall::reads("iam.amazonaws.com", "GetRole", r#"{"roleName":"deploy"}"#.into()),
        1 => ServiceCall::reads("iam.amazonaws.com", "ListAttachedRolePolicies", r#"{"roleName":"audit","maxItems":100}"#.into()),
        _ => ServiceCall::reads("iam.amazonaws.com", "SimulatePrincipalPolicy", r#"{"policySourceArn":"arn:aws:iam::111122223333:role/deploy","actionNames":["sts:AssumeRole","sts:TagSession"]}"#.into()),
    }
}

/// STS and sign-in calls that hand out nothing.
fn who_am_i(dice: &mut Dice) -> ServiceCall {
    match dice.below(3) {
        0 => ServiceCall {
            read_only: false,
            additional: Some(r#"{"MfaType":"Virtual MFA"}"#.into()),
            response: Some(r#"{"CheckMfa":"Success"}"#.into()),
            ..ServiceCall::reads("signin.amazonaws.com", "CheckMfa", "null".into())
        },
        1 => ServiceCall {
            request: None,
            ..ServiceCall::reads("sts.amazonaws.com", "GetCallerIdentity", String::new())
        },
        _ => ServiceCall::reads(
            "sts.amazonaws.com",
            "DecodeAuthorizationMessage",
            r#"{"encodedMessage":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#.into(),
        ),
    }
}

/// Records that hold the words of an issuing call where they mean nothing.
fn decoy(dice: &mut Dice, account_id: &str) -> ServiceCall {
    let account = account_id.parse().unwrap_or(0);
    let key = dice.unique_id("ASIA", account);
    match dice.below(6) {
        // An issuing record as text inside a parameter.
        0 => ServiceCall::writes(
            "logs.amazonaws.com",
            "PutQueryDefinition",
            format!(r#"{{"name":"sessions","queryString":"filter eventSource = 'sts.amazonaws.com' | {{\"eventSource\":\"sts.amazonaws.com\",\"eventName\":\"AssumeRole\",\"responseElements\":{{\"credentials\":{{\"accessKeyId\":\"{key}\"}}}}}}"}}"#),
            r#"{"queryDefinitionId":"0b1c"}"#.into(),
        ),
        // The same as a nested object.
        1 => ServiceCall::writes(
            "events.amazonaws.com",
            "PutRule",
            format!(r#"{{"name":"on-assume-role","eventPattern":{{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","responseElements":{{"credentials":{{"accessKeyId":"{key}"}}}}}}}}"#),
            format!(r#"{{"ruleArn":"arn:aws:events:eu-west-1:{account_id}:rule/on-assume-role"}}"#),
        ),
        // Credentials one level too deep.
        2 => ServiceCall::writes(
            "config.amazonaws.com",
            "SelectResourceConfig",
            r#"{"expression":"SELECT credentials.accessKeyId WHERE eventSource = 'sts.amazonaws.com'"}"#.into(),
            format!(r#"{{"results":{{"credentials":{{"accessKeyId":"{key}"}}}}}}"#),
        ),
        // Credentials in the request.
        3 => ServiceCall::writes(
            "datasync.amazonaws.com",
            "CreateLocationObjectStorage",
            format!(r#"{{"serverHostname":"store.example.com","bucketName":"cold","credentials":{{"accessKeyId":"{key}","secretAccessKey":"HIDDEN_DUE_TO_SECURITY_REASONS"}}}}"#),
            format!(r#"{{"locationArn":"arn:aws:datasync:eu-west-1:{account_id}:location/loc-0"}}"#),
        ),
        // Credentials without a key.
        4 => ServiceCall::writes(
            "redshift.amazonaws.com",
            "GetClusterCredentials",
            r#"{"dbUser":"report","clusterIdentifier":"warehouse","autoCreate":false}"#.into(),
            r#"{"dbUser":"IAM:report","credentials":{"expiration":"Nov 16, 2026, 1:00:00 AM"}}"#.into(),
        ),
        // A long-term key, by another name.
        _ => ServiceCall::writes(
            "iam.amazonaws.com",
            "CreateAccessKey",
            r#"{"userName":"build-bot"}"#.into(),
            format!(r#"{{"accessKey":{{"accessKeyId":"{}","status":"Active","userName":"build-bot","createDate":"Nov 16, 2026, 12:04:11 AM"}}}}"#, dice.unique_id("AKIA", account)),
        ),
    }
}
