//! What is to be simulated.

/// The size and the habits of a simulated organisation. The same plan gives the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Decides every random choice.
    pub seed: u64,
    /// How many issuing calls and witnesses to make: rows of truth. The last story may add a few.
    pub calls: u64,
    /// The share of those calls among all records; the rest is noise of other services. Above 0, at most 1.
    pub sts_share: f64,
    /// The first second of the logs, in seconds since 1970.
    pub start: i64,
    /// How long the logs last, in seconds. Stories need some hours: role juggling takes about three.
    pub duration: i64,
    /// Accounts of the organisation, the management account included. At least 3.
    pub accounts: usize,
    /// Regions in use, us-east-1 included. At least 2, at most 8.
    pub regions: usize,
    /// IAM users per account. At least 2.
    pub users: usize,
    /// The share of records that are delivered once more, in another log object.
    pub duplicates: f64,
    /// The share of records that are delivered minutes to a day late.
    pub late: f64,
    /// Minutes from one delivery of an account and region to the next.
    pub delivery_minutes: i64,
    /// The share of uses of sessions that are told with their truth.
    pub uses_told: f64,
}

impl Default for Plan {
    /// A day of a company with a dozen accounts: 10,000 calls among 200,000 records.
    fn default() -> Self {
        Self {
            seed: 1,
            calls: 10_000,
            sts_share: 0.05,
            start: 1_794_787_200,
            duration: 86_400,
            accounts: 12,
            regions: 4,
            users: 5,
            duplicates: 0.02,
            late: 0.01,
            delivery_minutes: 5,
            uses_told: 0.02,
        }
    }
}

impl Plan {
    /// Half a day of a few accounts, with every scenario: 2,000 calls among 10,000 records. For tests.
    pub fn small(seed: u64) -> Self {
        Self {
            seed,
            calls: 2_000,
            sts_share: 0.2,
            duration: 43_200,
            accounts: 5,
            regions: 3,
            users: 3,
            duplicates: 0.05,
            late: 0.03,
            uses_told: 0.2,
            ..Self::default()
        }
    }

    /// Three days of a large organisation: 100,000 calls among 2,000,000 records.
    pub fn organisation(seed: u64) -> Self {
        Self {
            seed,
            calls: 100_000,
            duration: 3 * 86_400,
            accounts: 40,
            regions: 6,
            users: 8,
            ..Self::default()
        }
    }

    /// The first second after the logs.
    pub fn end(&self) -> i64 {
        self.start + self.duration
    }

    /// The plan with every value inside the bounds that its field names.
    pub(crate) fn bounded(&self) -> Self {
        Self {
            sts_share: self.sts_share.clamp(1e-6, 1.0),
            duration: self.duration.max(60),
            accounts: self.accounts.clamp(3, 10_000),
            regions: self.regions.clamp(2, crate::organisation::REGIONS.len()),
            users: self.users.clamp(2, 1_000),
            delivery_minutes: self.delivery_minutes.clamp(1, 60),
            ..self.clone()
        }
    }
}
