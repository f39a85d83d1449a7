//! Finds log objects in buckets: the backfill of an account, or of a whole organisation.
//!
//! A trail writes to `[prefix/]AWSLogs/[o-…/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`. So the accounts and regions are
//! found by listing folders, and what was delivered on a day by listing that day of each: no object outside of the
//! period is ever met, and days come one after the other, whatever the number of accounts. What is listed ahead is a
//! page for each of a few folders, and which days each region has; nothing grows with the number of objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use trailback_cloudtrail::object_key::is_account_id;
use trailback_tables::partition::Day;

use super::DeliveryDays;
use crate::catalog::each_day;
use crate::store::StoreError;
use crate::store::s3::{ListedLogObject, ListingPage, S3, S3Location};

/// How many folders are listed at once, and of each region so many months. S3 takes thousands of requests a second; 16 keep listings well ahead of reading.
const LISTINGS_AT_ONCE: usize = 16;

/// How many folders may lie between the given one and `AWSLogs`: Control Tower has one, the organisation's ID, and a prefix
/// may have several parts. Each folder on the way costs a request.
const FOLDERS_ABOVE_AWSLOGS_MAX: u32 = 5;

/// How far down any folder is looked into; below, not those of numbers and values (`2026/`, `dt=2026-11-20/`), of which other data
/// has very many.
const ANY_FOLDERS_MAX: u32 = 2;

/// Which of a trail's objects are listed: each kind has folders of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Log objects.
    LogObjects,
    /// The digests that vouch for them.
    Digests,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Kind::LogObjects => "CloudTrail",
            Kind::Digests => "CloudTrail-Digest",
        }
    }
}

/// Lists what was delivered below a place of a bucket, day after day, and on each day in the order of the keys.
///
/// Objects whose folders do not tell the day (because the place is no trail's, or lies deeper) come last, in the order
/// of their keys. Where `AWSLogs` folders are found, what lies outside of them is not looked at.
///
/// # Errors
///
/// When there is nothing at all, or folders cannot be listed. Later failures come with the objects, and end them.
pub(super) async fn delivered(
    s3: &S3,
    location: &S3Location,
    days: DeliveryDays,
    kind: Kind,
) -> Result<BoxStream<'static, Result<ListedLogObject, StoreError>>, StoreError> {
    let bucket: Arc<str> = location.bucket.as_str().into();
    let any = s3
        .list(&bucket, &location.prefix_or_key, None, None)
        .await?;
    if any.objects.is_empty() {
        return Err(StoreError::NotFound {
            location: location.to_string(),
        });
    }
    let folders = Folders {
        s3,
        bucket: &bucket,
        days,
        kind,
    };
    let found = folders.below(&location.prefix_or_key).await?;
    let s3 = s3.clone();
    let begin = move |part| Listing::begin(s3.clone(), Arc::clone(&bucket), part);
    let listings = stream::iter(found.in_order(days)).map(begin);
    let listings = listings.buffered(LISTINGS_AT_ONCE);
    Ok(listings.map_ok(Listing::objects).try_flatten().boxed())
}

/// A prefix to list to its end.
#[derive(Clone, Debug)]
struct Part {
    prefix: String,
    /// Of which days objects are wanted. The folder of a day is wanted whole: names may tell the next day around midnight,
    /// and an object must not fall between two periods.
    days: DeliveryDays,
}

/// What lies below a place.
#[derive(Debug, Default)]
struct Found {
    /// Regions of trails, each with the days on which something was delivered.
    regions: Vec<Region>,
    /// Prefixes without the folders of a trail.
    flat: BTreeSet<String>,
}

#[derive(Debug)]
struct Region {
    /// `…/CloudTrail/REGION/`.
    prefix: String,
    /// The days of the period on which something was delivered; `None` where the period has a beginning and an end, and
    /// each of its days is looked at.
    days: Option<BTreeSet<Day>>,
}

impl Found {
    /// What to list: day after day, on each day region after region, at the end what has no folders of days.
    fn in_order(self, days: DeliveryDays) -> impl Iterator<Item = Part> + Send {
        let Found { mut regions, flat } = self;
        regions.sort_by(|left, right| left.prefix.cmp(&right.prefix));
        let of_days = days_of(&regions, days).into_iter().flat_map(move |day| {
            let path = day.to_string().replace('-', "/");
            let of_day = regions.iter().filter(|region| region.may_have(day));
            let part = |region: &Region| Part {
                prefix: format!("{}{path}/", region.prefix),
                days: DeliveryDays::default(),
            };
            of_day.map(part).collect::<Vec<_>>()
        });
        of_days.chain(flat.into_iter().map(move |prefix| Part { prefix, days }))
    }
}

impl Region {
    fn may_have(&self, day: Day) -> bool {
        self.days.as_ref().is_none_or(|days| days.contains(&day))
    }
}

/// All days of the period on which some region may have something.
fn days_of(regions: &[Region], days: DeliveryDays) -> BTreeSet<Day> {
    match days.range() {
        Some(range) if !regions.is_empty() => each_day(&range).collect(),
        _ => regions
            .iter()
            .filter_map(|region| region.days.as_ref())
            .flatten()
            .copied()
            .collect(),
    }
}

/// Where a folder stands in a trail's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Not below `AWSLogs`.
    Above,
    /// `AWSLogs/`, or an organisation below it: accounts follow.
    Accounts,
    /// An account: the kinds of logs follow.
    Account,
    /// `CloudTrail/`: regions follow.
    Regions,
    /// A region: years follow.
    Region,
    /// A year, a month, a day, or none of a trail's folders.
    Other,
}

impl Level {
    fn of(folder: &str) -> Level {
        let mut parts = folder
            .trim_end_matches('/')
            .split('/')
            .skip_while(|part| *part != "AWSLogs");
        if parts.next().is_none() {
            return Level::Above;
        }
        let parts: Vec<&str> = parts.skip_while(|part| part.starts_with("o-")).collect();
        match *parts {
            [] => Level::Accounts,
            [account] if is_account_id(account) => Level::Account,
            [account, kind] if is_account_id(account) && is_kind(kind) => Level::Regions,
            [account, kind, _] if is_account_id(account) && is_kind(kind) => Level::Region,
            _ => Level::Other,
        }
    }
}

fn is_kind(part: &str) -> bool {
    part == Kind::LogObjects.folder() || part == Kind::Digests.folder()
}

/// Whether a folder is named by a number, or by a column and its value.
fn is_value(folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let name = folder.rsplit('/').next().unwrap_or_default();
    name.contains('=') || name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Looks for a trail's folders.
struct Folders<'a> {
    s3: &'a S3,
    bucket: &'a str,
    days: DeliveryDays,
    kind: Kind,
}

impl Folders<'_> {
    /// What lies below a place as it was typed: with or without its `/`, or one object.
    async fn below(&self, typed: &str) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let folder = if typed.is_empty() || typed.ends_with('/') {
            typed.to_owned()
        } else {
            let page = self.s3.list(self.bucket, typed, Some('/'), None).await?;
            if page.objects.iter().any(|object| object.key == typed) {
                found.flat.insert(typed.to_owned());
                return Ok(found);
            }
            format!("{typed}/")
        };
        let trails = self.trails(folder).await?;
        found.flat.extend(
            trails
                .iter()
                .filter(|folder| Level::of(folder) != Level::Region)
                .cloned(),
        );
        let regions = trails
            .into_iter()
            .filter(|folder| Level::of(folder) == Level::Region);
        found.regions = self.each(regions, |prefix| self.region(prefix)).await?;
        Ok(found)
    }

    /// Descends to the regions of all trails; folders that are none of a trail's stay as they are.
    async fn trails(&self, folder: String) -> Result<Vec<String>, StoreError> {
        let mut open = match Level::of(&folder) {
            Level::Above => self.aws_logs_below(folder.clone()).await?,
            _ => vec![folder.clone()],
        };
        if open.is_empty() {
            return Ok(vec![folder]);
        }
        let mut ends = Vec::new();
        while !open.is_empty() {
            let descended = self.each(open, |folder| self.descend(folder)).await?;
            open = Vec::new();
            for step in descended {
                match step {
                    Step::Into(folders) => open.extend(folders),
                    Step::End(folder) => ends.push(folder),
                }
            }
        }
        Ok(ends)
    }

    /// The `AWSLogs` folders at most [`FOLDERS_ABOVE_AWSLOGS_MAX`] below a folder: several trails may share a bucket, one
    /// of them without a prefix.
    async fn aws_logs_below(&self, folder: String) -> Result<Vec<String>, StoreError> {
        let (mut open, mut found) = (vec![folder], Vec::new());
        for depth in 0..=FOLDERS_ABOVE_AWSLOGS_MAX {
            let list = |folder: String| async move { self.s3.folders(self.bucket, &folder).await };
            let of_folders = self.each(open, list).await?;
            open = Vec::new();
            for child in of_folders.into_iter().flatten() {
                match Level::of(&child) {
                    Level::Above if depth >= ANY_FOLDERS_MAX && is_value(&child) => {}
                    Level::Above => open.push(child),
                    _ => found.push(child),
                }
            }
        }
        Ok(found)
    }

    async fn descend(&self, folder: String) -> Result<Step, StoreError> {
        match Level::of(&folder) {
            Level::Region | Level::Other => Ok(Step::End(folder)),
            Level::Account => {
                let of_kind = format!("{folder}{}/", self.kind.folder());
                Ok(Step::Into(vec![of_kind]))
            }
            Level::Above | Level::Accounts | Level::Regions => {
                let mut children = self.s3.folders(self.bucket, &folder).await?;
                children.retain(|child| Level::of(child) != Level::Other);
                Ok(Step::Into(children))
            }
        }
    }

    async fn region(&self, prefix: String) -> Result<Region, StoreError> {
        let days = match self.days.range() {
            Some(_) => None,
            None => Some(self.days_below(&prefix).await?),
        };
        Ok(Region { prefix, days })
    }

    /// The days of the period that have a folder in a region. Listing the folders of a month costs one request, listing its
    /// days one each, and of the newest month most are still to come.
    async fn days_below(&self, region: &str) -> Result<BTreeSet<Day>, StoreError> {
        let folders = |folder: String| async move { self.s3.folders(self.bucket, &folder).await };
        let years = folders(region.to_owned()).await?;
        let months = self.each(years, folders).await?.into_iter().flatten();
        let first_of = |month: &String| day_below(region, &format!("{month}01/"));
        let may_have = |month: &String| {
            // No month has more than 31 days.
            first_of(month).is_some_and(|first| self.days.meets(first, first.plus(30)))
        };
        let days = self.each(months.filter(may_have), folders).await?;
        let days = days.iter().flatten();
        let days = days.filter_map(|folder| day_below(region, folder));
        Ok(days.filter(|day| self.days.contains(*day)).collect())
    }

    /// Does something for each of many folders, some at once, and gives the results in their order.
    async fn each<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        folders: impl IntoIterator<Item = String>,
        work: impl FnMut(String) -> F,
    ) -> Result<Vec<T>, StoreError> {
        stream::iter(folders)
            .map(work)
            .buffered(LISTINGS_AT_ONCE)
            .try_collect()
            .await
    }
}

/// The day whose folder, `2026/11/20/`, lies in that of a region.
fn day_below(region: &str, folder: &str) -> Option<Day> {
    let path = folder.strip_prefix(region)?.trim_end_matches('/');
    path.replace('/', "-").parse().ok()
}

/// Where to go from a folder.
enum Step {
    Into(Vec<String>),
    End(String),
}

/// A prefix whose first page is there.
struct Listing {
    s3: S3,
    bucket: Arc<str>,
    part: Part,
    page: ListingPage,
}

impl Listing {
    async fn begin(s3: S3, bucket: Arc<str>, part: Part) -> Result<Listing, StoreError> {
        let page = s3.list(&bucket, &part.prefix, None, None).await?;
        Ok(Listing {
            s3,
            bucket,
            part,
            page,
        })
    }

    /// All its objects. The pages after the first are fetched when they are needed.
    fn objects(self) -> BoxStream<'static, Result<ListedLogObject, StoreError>> {
        let days = self.part.days;
        let pages = stream::try_unfold(Some(self), |listing| async move {
            let Some(mut listing) = listing else {
                return Ok(None);
            };
            let page = std::mem::take(&mut listing.page);
            let rest = match page.next {
                None => None,
                next => {
                    let prefix = &listing.part.prefix;
                    listing.page = listing.s3.list(&listing.bucket, prefix, None, next).await?;
                    Some(listing)
                }
            };
            Ok::<_, StoreError>(Some((stream::iter(page.objects.into_iter().map(Ok)), rest)))
        });
        let is_wanted =
            move |listed: &ListedLogObject| std::future::ready(days.may_hold(&listed.key));
        pages.try_flatten().try_filter(is_wanted).boxed()
    }
}

#[cfg(test)]
mod tests;
