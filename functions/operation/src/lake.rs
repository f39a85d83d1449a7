//! The lake that a function works on: where it lies and how S3 is reached.

use tokio::sync::OnceCell;
use trailback_pipeline::lake::{Access, Lake, LakeError, is_own_key};
use trailback_pipeline::store::s3::{Patience, S3, S3Location, S3Settings};

use crate::invocation::Failure;
use crate::settings::{Reading, Setting, yes_or_no};

/// Where the lake lies.
pub const LAKE: Setting = Setting {
    name: "TRAILBACK_LAKE",
    expected: "a place like `s3://bucket/prefix`",
    default: None,
    meaning: "where the lake lies; must be set",
};

/// Which stack this is.
pub const STACK: Setting = Setting {
    name: "TRAILBACK_STACK",
    expected: "the name of a stack",
    default: None,
    meaning: "the stack that the function belongs to: it claims the lake, and a lake that another one has claimed is \
              refused; unset: neither",
};

/// With which key it is encrypted.
pub const KMS_KEY_ID: Setting = Setting {
    name: "TRAILBACK_KMS_KEY_ID",
    expected: "ID, ARN or alias of a KMS key",
    default: None,
    meaning: "the key that encrypts what is written; unset: as the bucket is set",
};

/// How a bucket is named in requests.
pub const S3_PATH_STYLE: Setting = Setting {
    name: "TRAILBACK_S3_PATH_STYLE",
    expected: "`true` or `false`",
    default: Some("false"),
    meaning: "whether the bucket stands in the path of a request, as some other implementations of S3 want it",
};

/// How often a request is repeated.
pub const S3_ATTEMPTS: Setting = Setting {
    name: "TRAILBACK_S3_ATTEMPTS",
    expected: "a number from 1 to 20",
    default: Some("8"),
    meaning: "how often a request to S3 is sent at most; the pauses between bear some 20 seconds of throttling",
};

/// The settings of this room, in the order of the documentation.
pub const SETTINGS: [&Setting; 5] = [&LAKE, &STACK, &KMS_KEY_ID, &S3_PATH_STYLE, &S3_ATTEMPTS];

/// Where the lake lies and how S3 is reached.
#[derive(Clone, Debug)]
pub struct LakeSettings {
    /// The lake.
    pub location: S3Location,
    /// The stack, if it is to have the lake for itself.
    pub stack: Option<String>,
    /// S3. Region, endpoint and credentials come from where the AWS command line has them.
    pub s3: S3Settings,
}

impl LakeSettings {
    /// Reads them; `None` where some are wrong, which [`Reading::finish`] tells.
    pub fn read(reading: &mut Reading<'_>) -> Option<LakeSettings> {
        let location = reading.required(&LAKE, |text| text.parse().ok());
        let stack = reading.optional(&STACK, |text| Some(text.to_owned()));
        let kms_key_id = reading.optional(&KMS_KEY_ID, |text| Some(text.to_owned()));
        let path_style = reading.optional(&S3_PATH_STYLE, yes_or_no);
        let attempts = reading.optional(&S3_ATTEMPTS, |text| {
            text.parse()
                .ok()
                .filter(|attempts| (1..=20).contains(attempts))
        });
        Some(LakeSettings {
            location: location?,
            stack,
            s3: S3Settings {
                path_style: path_style?,
                kms_key_id,
                patience: Patience {
                    attempts: attempts?,
                    ..Patience::default()
                },
                ..S3Settings::default()
            },
        })
    }
}

/// The lake, opened when it is first needed: an invocation that finds it closed fails, the next one tries again.
pub struct LakeDoor {
    /// The connection, for log objects too.
    pub s3: S3,
    location: S3Location,
    stack: Option<String>,
    opened: OnceCell<Lake>,
}

impl LakeDoor {
    /// Connects; nothing is asked of S3 yet.
    pub async fn connect(settings: LakeSettings) -> LakeDoor {
        LakeDoor {
            s3: S3::connect(settings.s3).await,
            location: settings.location,
            stack: settings.stack,
            opened: OnceCell::new(),
        }
    }

    /// The lake.
    ///
    /// # Errors
    ///
    /// When it is none, belongs to another stack, or cannot be reached.
    pub async fn lake(&self) -> Result<&Lake, Failure> {
        let open = || async {
            let lake = Lake::in_s3(&self.location, &self.s3, Access::Write).await?;
            if let Some(stack) = &self.stack {
                lake.claim_for(stack).await?;
            }
            Ok::<_, LakeError>(lake)
        };
        let opened = self.opened.get_or_try_init(open).await;
        opened.map_err(|failure| Failure::because("LakeUnusable", &failure))
    }

    /// Whether an object is one of the lake's own. What others write below its prefix is not, and must be read: the lake
    /// itself says whether it can live there.
    pub fn holds(&self, bucket: &str, object_key: &str) -> bool {
        let prefix = self.location.prefix_or_key.trim_matches('/');
        let below = object_key.strip_prefix(prefix);
        let own_key = match prefix {
            "" => below,
            _ => below.and_then(|below| below.strip_prefix('/')),
        };
        bucket == self.location.bucket && own_key.is_some_and(is_own_key)
    }
}
