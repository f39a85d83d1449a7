//! How S3 is reached: credentials, region, TLS, and how long to wait and repeat.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use trailback_sessions::Timestamp;

/// How to reach S3. What is `None` is found where the AWS command line finds it.
#[derive(Clone, Debug, Default)]
pub struct S3Settings {
    /// The region of the buckets.
    pub region: Option<String>,
    /// Another implementation of S3: `http://127.0.0.1:4566`.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path instead of the host name, as some other implementations want it.
    pub path_style: bool,
    /// The KMS key that encrypts what is written (SSE-KMS): its ID, ARN or alias. `None` leaves it to the bucket.
    pub kms_key_id: Option<String>,
    /// Credentials, in place of those that are found. Never shown.
    pub credentials: Option<Credentials>,
    /// How long to wait and repeat.
    pub patience: Patience,
}

/// How long requests may take, and how often they are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands. In a region that takes milliseconds, around the world a second; a host that is silent
    /// for longer is behind a closed security group or a wrong address, which waiting does not mend.
    pub connect: Duration,
    /// Until an answer begins. S3 answers within tens of milliseconds, a listing past many delete markers within
    /// seconds. A write has longer, by its size.
    pub attempt: Duration,
    /// For all attempts of a request together: well below the timeouts of the functions, so that they can still report.
    pub operation: Duration,
    /// How often a request is sent at most. With the pauses below, throttling (503 `SlowDown`) is borne for some 20
    /// seconds; S3 takes longer to split a busy prefix, but then the queue, or the next run, goes on.
    pub attempts: u32,
    /// The pause before the second attempt, on average half of it; it doubles with every attempt.
    pub first_pause: Duration,
    /// How long a body may be silent. Slower bodies than a byte a second are as good as dead.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(20),
            operation: Duration::from_secs(90),
            attempts: 8,
            first_pause: Duration::from_millis(100),
            silence: Duration::from_secs(20),
        }
    }
}

/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The slowest line on which a write is waited for, in bytes per second: two megabits, a poor mobile network.
const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 250_000;

impl Patience {
    /// For requests without a body. There is no separate read timeout: it would run while a body is sent, too.
    fn to_read(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    /// For a write of so many bytes, which an attempt spends on the line before the answer can begin.
    pub(super) fn to_write(self, bytes: usize) -> TimeoutConfig {
        let sending = Duration::from_secs(bytes as u64 / SLOWEST_UPLOAD_BYTES_PER_SECOND);
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt + sending)
            .operation_timeout(self.operation + sending * 2)
            .build()
    }
}

/// Makes the client.
pub(super) async fn client(settings: &S3Settings) -> Client {
    let mut found = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = &settings.region {
        found = found.region(Region::new(region.clone()));
    }
    if let Some(credentials) = &settings.credentials {
        found = found.credentials_provider(credentials.clone());
    }
    if let Some(endpoint) = &settings.endpoint {
        found = found.endpoint_url(endpoint);
    }
    let found = found.load().await;
    let patience = settings.patience;
    let retries = RetryConfig::standard()
        .with_max_attempts(patience.attempts)
        .with_initial_backoff(patience.first_pause)
        .with_max_backoff(PAUSE_MAX);
    let silence = StalledStreamProtectionConfig::enabled().grace_period(patience.silence);
    let config = aws_sdk_s3::config::Builder::from(&found)
        .force_path_style(settings.path_style)
        .retry_config(retries)
        // The SDK's budget of retries is there so that a fleet does not bury a service that is ill. Here attempts and
        // requests in flight are bounded already, and a budget shared by all would fail requests that could wait.
        .retry_partition(
            RetryPartition::custom("s3")
                .token_bucket(TokenBucket::unlimited())
                .build(),
        )
        .timeout_config(patience.to_read())
        .stalled_stream_protection(silence.build());
    Client::from_conf(config.build())
}

/// HTTP over rustls with ring, through the proxy that the environment names, if any.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder();
        connector
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl))
            .set_proxy_config(Some(ProxyConfig::from_env()));
        connector
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build()
    })
}

/// Listens for the date of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct DateOfAnswer(Arc<OnceLock<Timestamp>>);

impl DateOfAnswer {
    /// The date, once there was an answer that has one.
    pub(super) fn told(&self) -> Option<Timestamp> {
        self.0.get().copied()
    }
}

impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            self.0.set(super::timestamp(Some(&date))).ok();
        }
        Ok(())
    }
}
