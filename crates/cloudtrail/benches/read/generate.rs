//! One log object as a busy account's trail writes it: the same shapes over and over with other names, numbers and IDs.

use std::fmt::Write;

/// An object of about `bytes`, in which so many of a thousand records are STS's.
pub(crate) fn log_object(bytes: usize, sts_in_thousand: u64) -> Vec<u8> {
    let mut writer = RecordWriter {
        dice: Dice(2026),
        json: String::with_capacity(bytes + (1 << 16)),
    };
    writer.json.push_str("{\"Records\":[");
    while writer.json.len() < bytes {
        let is_sts = writer.dice.below(1000) < sts_in_thousand;
        if is_sts {
            writer.assume_role()
        } else {
            writer.other_call()
        }
        writer.json.push(',');
    }
    writer.json.pop();
    writer.json.push_str("]}");
    writer.json.into_bytes()
}

/// SplitMix64: the same dice for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count)
            .map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize]))
            .collect()
    }

    fn id(&mut self, prefix: &str) -> String {
        format!(
            "{prefix}{}",
            self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
        )
    }

    fn hex(&mut self, count: usize) -> String {
        self.letters(b"0123456789abcdef", count)
    }

    fn guid(&mut self) -> String {
        let (high, low) = (self.roll(), self.roll());
        let (one, two, three) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        format!(
            "{one:08x}-{two:04x}-4{three:03x}-a{:03x}-{:012x}",
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }

    fn account(&mut self) -> u64 {
        111_122_223_333 + 9_876_543 * self.below(12)
    }

    fn time(&mut self) -> String {
        format!("2026-11-20T05:{:02}:{:02}Z", self.below(10), self.below(60))
    }
}

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "eu-central-1"];

const ROLES: [&str; 8] = [
    "app-backend-prod",
    "EKSNodeGroupRole",
    "ci-deploy",
    "AWSReservedSSO_AdministratorAccess_6c63ce732f555555",
    "data-pipeline-worker",
    "OrganizationAccountAccessRole",
    "lambda-thumbnailer",
    "AWSServiceRoleForAutoScaling",
];

const AGENTS: [&str; 7] = [
    "aws-sdk-java/2.29.14 Linux/6.1.115-126.197.amzn2023.x86_64 OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS Java/21.0.5 \
     kotlin/1.9.25 vendor/Amazon.com_Inc. md/internal exec-env/AWS_ECS_FARGATE cfg/retry-mode/standard",
    "Boto3/1.35.63 md/Botocore#1.35.63 ua/2.0 os/linux#6.1.112 md/arch#x86_64 lang/python#3.12.7 \
     md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.35.63",
    "aws-cli/2.21.3 md/awscrt#0.22.0 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.6 md/pyimpl#CPython \
     cfg/retry-mode#standard md/installer#source md/prompt#off md/command#ec2.describe-instances",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0 \
     aws-sdk-go-v2/1.32.5 os/linux lang/go#1.22.7 md/GOOS#linux md/GOARCH#amd64 api/iam#1.38.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
    "autoscaling.amazonaws.com",
    "AWS Internal",
];

struct RecordWriter {
    dice: Dice,
    json: String,
}

/// Formatting into a string cannot fail.
macro_rules! put {
    ($writer:expr, $($argument:tt)*) => {
        write!($writer.json, $($argument)*).expect("a string takes everything")
    };
}

impl RecordWriter {
    fn other_call(&mut self) {
        match self.dice.below(100) {
            0..18 => self.s3_object(),
            18..34 => self.kms(),
            34..58 => self.describe(),
            58..60 => self.run_instances(),
            60..63 => self.put_role_policy(),
            63..75 => self.create_log_stream(),
            75..82 => self.refused(),
            82..86 => self.service_event(),
            _ => self.get_parameter(),
        }
    }

    fn head(&mut self, service: &str, call: &str) {
        put!(self, "{{\"eventVersion\":\"1.11\",\"userIdentity\":");
        match self.dice.below(10) {
            0 => self.iam_user(),
            1 => put!(
                self,
                "{{\"type\":\"AWSService\",\"invokedBy\":\"{service}\"}}"
            ),
            _ => self.role_session(),
        }
        let (time, region) = (self.dice.time(), self.dice.one_of(&REGIONS));
        let (agent, host) = (self.dice.one_of(&AGENTS), self.dice.below(65536));
        put!(
            self,
            ",\"eventTime\":\"{time}\",\"eventSource\":\"{service}\",\"eventName\":\"{call}\",\
             \"awsRegion\":\"{region}\",\"sourceIPAddress\":\"10.17.{}.{}\",\"userAgent\":\"{agent}\"",
            host >> 8,
            host & 255
        );
    }

    fn iam_user(&mut self) {
        let (account, user) = (
            self.dice.account(),
            self.dice.one_of(&["jenkins", "backup", "alice"]),
        );
        put!(
            self,
            "{{\"type\":\"IAMUser\",\"principalId\":\"AIDAQ7EXAMPLE{account}\",\"arn\":\
             \"arn:aws:iam::{account}:user/{user}\",\"accountId\":\"{account}\",\"accessKeyId\":\
             \"AKIAQ7EX{account}\",\"userName\":\"{user}\"}}"
        );
    }

    fn role_session(&mut self) {
        let (account, role) = (self.dice.account(), self.dice.one_of(&ROLES));
        let (session, key, time) = (self.dice.hex(12), self.dice.id("ASIA"), self.dice.time());
        put!(
            self,
            "{{\"type\":\"AssumedRole\",\"principalId\":\"AROAQ7EXAMPLE{0}{account}:i-0{session}\",\"arn\":\
             \"arn:aws:sts::{account}:assumed-role/{role}/i-0{session}\",\"accountId\":\"{account}\",\
             \"accessKeyId\":\"{key}\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\
             \"AROAQ7EXAMPLE{0}{account}\",\"arn\":\"arn:aws:iam::{account}:role/{role}\",\"accountId\":\
             \"{account}\",\"userName\":\"{role}\"}},\"attributes\":{{\"creationDate\":\"{time}\",\
             \"mfaAuthenticated\":\"false\"}},\"ec2RoleDelivery\":\"2.0\"}}}}",
            role.len()
        );
    }

    fn tail(&mut self, read_only: bool) {
        let (request, event, account) = (self.dice.guid(), self.dice.guid(), self.dice.account());
        put!(
            self,
            ",\"requestID\":\"{request}\",\"eventID\":\"{event}\",\"readOnly\":{read_only},\"eventType\":\
             \"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"{account}\",\"eventCategory\":\
             \"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\
             \"clientProvidedHostHeader\":\"ec2.eu-west-1.amazonaws.com\"}}}}"
        );
    }

    fn s3_object(&mut self) {
        let call = self
            .dice
            .one_of(&["GetObject", "PutObject", "HeadObject", "ListObjects"]);
        self.head("s3.amazonaws.com", call);
        let (bucket, object, id) = (self.dice.below(40), self.dice.guid(), self.dice.hex(76));
        let (bytes_in, bytes_out) = (self.dice.below(5000), self.dice.below(5_000_000));
        put!(
            self,
            ",\"requestParameters\":{{\"bucketName\":\"corp-data-{bucket}\",\"Host\":\
             \"corp-data-{bucket}.s3.eu-west-1.amazonaws.com\",\"key\":\"landing/2026/11/20/{object}.parquet\"}},\
             \"responseElements\":{{\"x-amz-server-side-encryption\":\"aws:kms\"}},\"additionalEventData\":\
             {{\"SignatureVersion\":\"SigV4\",\"CipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"bytesTransferredIn\":\
             {bytes_in},\"AuthenticationMethod\":\"AuthHeader\",\"x-amz-id-2\":\"{id}\",\"bytesTransferredOut\":\
             {bytes_out}}},\"resources\":[{{\"type\":\"AWS::S3::Object\",\"ARN\":\
             \"arn:aws:s3:::corp-data-{bucket}/landing/2026/11/20/{object}.parquet\"}},{{\"accountId\":\
             \"111122223333\",\"type\":\"AWS::S3::Bucket\",\"ARN\":\"arn:aws:s3:::corp-data-{bucket}\"}}]"
        );
        self.tail(true);
    }

    fn kms(&mut self) {
        let call = self
            .dice
            .one_of(&["Decrypt", "GenerateDataKey", "DescribeKey"]);
        self.head("kms.amazonaws.com", call);
        let (key, bucket, account) = (
            self.dice.below(30),
            self.dice.below(40),
            self.dice.account(),
        );
        put!(
            self,
            ",\"requestParameters\":{{\"encryptionContext\":{{\"aws:s3:arn\":\"arn:aws:s3:::corp-data-{bucket}\"}},\
             \"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}},\"responseElements\":null,\"resources\":[{{\
             \"accountId\":\"{account}\",\"type\":\"AWS::KMS::Key\",\"ARN\":\
             \"arn:aws:kms:eu-west-1:{account}:key/0f5a1e{key:02}-7d7e-4c43-9a88-2f6d0e1b77aa\"}}]"
        );
        self.tail(true);
    }

    fn describe(&mut self) {
        let service = self.dice.one_of(&[
            "ec2",
            "elasticloadbalancing",
            "autoscaling",
            "ecs",
            "rds",
            "monitoring",
        ]);
        let call = self.dice.one_of(&[
            "DescribeInstances",
            "DescribeTags",
            "DescribeTargetHealth",
            "ListMetrics",
        ]);
        self.head(&format!("{service}.amazonaws.com"), call);
        put!(self, ",\"requestParameters\":{{\"filterSet\":{{\"items\":[");
        for item in 0..=self.dice.below(4) {
            let comma = if item == 0 { "" } else { "," };
            let value = self.dice.hex(17);
            put!(
                self,
                "{comma}{{\"name\":\"instance-id\",\"valueSet\":{{\"items\":[{{\"value\":\"i-{value}\"}}]}}}}"
            );
        }
        put!(self, "]}}}},\"responseElements\":null");
        self.tail(true);
    }

    fn run_instances(&mut self) {
        self.head("ec2.amazonaws.com", "RunInstances");
        put!(
            self,
            ",\"requestParameters\":{{\"minCount\":1,\"maxCount\":4}},\"responseElements\":{{\"instancesSet\":{{\"items\":["
        );
        for item in 0..=self.dice.below(4) {
            let comma = if item == 0 { "" } else { "," };
            let (instance, image, host) =
                (self.dice.hex(17), self.dice.hex(17), self.dice.below(256));
            put!(
                self,
                "{comma}{{\"instanceId\":\"i-{instance}\",\"imageId\":\"ami-{image}\",\"instanceState\":{{\"code\":0,\
                 \"name\":\"pending\"}},\"privateDnsName\":\"ip-10-0-1-{host}.eu-west-1.compute.internal\",\
                 \"amiLaunchIndex\":{item},\"productCodes\":{{}},\"instanceType\":\"m7g.large\",\"placement\":{{\
                 \"availabilityZone\":\"eu-west-1b\",\"tenancy\":\"default\"}},\"monitoring\":{{\"state\":\"disabled\"}},\
                 \"groupSet\":{{\"items\":[{{\"groupId\":\"sg-{image}\",\"groupName\":\"default\"}}]}},\"tagSet\":{{\
                 \"items\":[{{\"key\":\"Name\",\"value\":\"worker-{host}\"}},{{\"key\":\"team\",\"value\":\"data\"}}]}}}}"
            );
        }
        put!(self, "]}}}}");
        self.tail(false);
    }

    fn put_role_policy(&mut self) {
        self.head("iam.amazonaws.com", "PutRolePolicy");
        let (role, bucket) = (self.dice.one_of(&ROLES), self.dice.below(40));
        put!(
            self,
            ",\"requestParameters\":{{\"roleName\":\"{role}\",\"policyName\":\"inline\",\"policyDocument\":\
             \"{{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\
             [\\\"s3:GetObject\\\",\\\"s3:PutObject\\\"],\\\"Resource\\\":\\\"arn:aws:s3:::corp-data-{bucket}/*\\\"\
             }}]}}\"}},\"responseElements\":null"
        );
        self.tail(false);
    }

    fn create_log_stream(&mut self) {
        self.head("logs.amazonaws.com", "CreateLogStream");
        let (stream, function) = (self.dice.hex(32), self.dice.below(60));
        put!(
            self,
            ",\"requestParameters\":{{\"logStreamName\":\"2026/11/20/[$LATEST]{stream}\",\"logGroupName\":\
             \"/aws/lambda/function-{function}\"}},\"responseElements\":null,\"apiVersion\":\"20140328\""
        );
        self.tail(false);
    }

    fn refused(&mut self) {
        self.head("organizations.amazonaws.com", "DescribeOrganization");
        let (account, role) = (self.dice.account(), self.dice.one_of(&ROLES));
        put!(
            self,
            ",\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User: arn:aws:sts::{account}:assumed-role/{role}/x \
             is not authorized to perform: organizations:DescribeOrganization because no identity-based policy \
             allows the organizations:DescribeOrganization action\",\"requestParameters\":null,\
             \"responseElements\":null"
        );
        self.tail(true);
    }

    fn service_event(&mut self) {
        let (account, time, event) = (self.dice.account(), self.dice.time(), self.dice.guid());
        put!(
            self,
            "{{\"eventVersion\":\"1.08\",\"userIdentity\":{{\"accountId\":\"{account}\",\"invokedBy\":\
             \"secretsmanager.amazonaws.com\"}},\"eventTime\":\"{time}\",\"eventSource\":\
             \"secretsmanager.amazonaws.com\",\"eventName\":\"RotationStarted\",\"awsRegion\":\"eu-west-1\",\
             \"sourceIPAddress\":\"secretsmanager.amazonaws.com\",\"userAgent\":\"secretsmanager.amazonaws.com\",\
             \"requestParameters\":null,\"responseElements\":null,\"additionalEventData\":{{\"SecretId\":\
             \"arn:aws:secretsmanager:eu-west-1:{account}:secret:db\"}},\"eventID\":\"{event}\",\"readOnly\":false,\
             \"eventType\":\"AwsServiceEvent\",\"recipientAccountId\":\"{account}\"}}"
        );
    }

    fn get_parameter(&mut self) {
        let service =
            self.dice
                .one_of(&["ssm", "secretsmanager", "dynamodb", "sqs", "lambda", "glue"]);
        self.head(&format!("{service}.amazonaws.com"), "GetParameter");
        let name = self.dice.below(500);
        put!(
            self,
            ",\"requestParameters\":{{\"name\":\"/app/prod/setting-{name}\",\"withDecryption\":true}},\
             \"responseElements\":null"
        );
        self.tail(true);
    }

    fn assume_role(&mut self) {
        self.head("sts.amazonaws.com", "AssumeRole");
        let (account, role) = (self.dice.account(), self.dice.one_of(&ROLES));
        let (session, id, key) = (
            self.dice.hex(12),
            self.dice.id("AROA"),
            self.dice.id("ASIA"),
        );
        let token = self.dice.letters(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            700,
        );
        put!(
            self,
            ",\"requestParameters\":{{\"roleArn\":\"arn:aws:iam::{account}:role/{role}\",\"roleSessionName\":\
             \"{session}\",\"durationSeconds\":3600,\"externalId\":\"x-{account}\",\"tags\":[{{\"key\":\"team\",\
             \"value\":\"data\"}},{{\"key\":\"stage\",\"value\":\"prod\"}}]}},\"responseElements\":{{\"credentials\":\
             {{\"accessKeyId\":\"{key}\",\"sessionToken\":\"IQoJb3JpZ2luX2VjE{token}\",\"expiration\":\
             \"Nov 20, 2026, 6:05:09 AM\"}},\"assumedRoleUser\":{{\"assumedRoleId\":\"{id}:{session}\",\"arn\":\
             \"arn:aws:sts::{account}:assumed-role/{role}/{session}\"}},\"packedPolicySize\":12}},\"resources\":[{{\
             \"accountId\":\"{account}\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"arn:aws:iam::{account}:role/{role}\"}}]"
        );
        self.tail(true);
    }
}
