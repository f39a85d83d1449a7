//! Which rows a scan is to find, told in columns.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashSet;
use trailback_sessions::arn::{self, Arn, Principal};
use trailback_sessions::{MatchFacts, Origin, Session, Subject, Text, Timestamp, Wanted};

use crate::columns::{self, Bloom, Column, ColumnType, Value};
use crate::error::TableError;

/// A condition on rows. Built from the constructors below, combined with [`Filter::and`] and [`Filter::or`].
#[derive(Clone, Debug)]
pub struct Filter(pub(crate) Condition);

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Every row.
    Always,
    /// The text, or any text of the list, is one of these.
    TextIn {
        column: &'static Column,
        values: Arc<HashSet<Text>>,
    },
    /// The text begins so.
    TextPrefix {
        column: &'static Column,
        prefix: Text,
    },
    /// One of the list is this pair: its key in any case, its value as it is.
    Pair {
        column: &'static Column,
        pair: Pair,
    },
    /// The column is true, false or null as asked for.
    Flag {
        column: &'static Column,
        flag: Flag,
    },
    /// `since <= event_time < until`.
    Time {
        since: Timestamp,
        until: Timestamp,
    },
    /// What a linker matches by.
    Matching(Matcher),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// What a column of true, false and null may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    False,
    Unknown,
    /// False or unknown.
    NotTrue,
}

impl Flag {
    /// Whether a value passes.
    pub(crate) fn passes(self, value: Option<bool>) -> bool {
        match self {
            Self::False => value == Some(false),
            Self::Unknown => value.is_none(),
            Self::NotTrue => value != Some(true),
        }
    }
}

/// A tag that is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// In lower case: AWS tells no tag keys apart by their case (rule L8).
    key: String,
    value: Text,
}

impl Pair {
    /// Whether a text is the pair as `key=value`. Either part may hold a `=`, so another tag may look the same.
    pub(crate) fn is(&self, text: &str) -> bool {
        let key = text.strip_suffix(&*self.value);
        key.and_then(|key| key.strip_suffix('='))
            .is_some_and(|key| {
                key.eq_ignore_ascii_case(&self.key) || key.to_lowercase() == self.key
            })
    }
}

/// Decides by the columns of [`MatchFacts`].
#[derive(Clone)]
pub(crate) struct Matcher(pub(crate) Arc<MatchFn>);

type MatchFn = dyn Fn(&MatchFacts<'_>) -> bool + Send + Sync;

impl Filter {
    /// Every row.
    #[must_use]
    pub fn all() -> Self {
        Self(Condition::Always)
    }

    /// Rows whose column is one of these texts, or whose list has one of them.
    ///
    /// # Errors
    /// When there is no column of that name that holds texts.
    pub fn text_in<T: Into<Text>>(
        column: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Self, TableError> {
        let of_texts =
            |column: &&Column| matches!(column.column_type(), ColumnType::Text | ColumnType::Texts);
        let found = columns::named(column).filter(of_texts);
        let column = found.ok_or_else(|| TableError::NoSuchColumn {
            name: column.to_owned(),
        })?;
        let values = Arc::new(values.into_iter().map(Into::into).collect());
        Ok(Self(Condition::TextIn { column, values }))
    }

    /// Rows that one of these event IDs tells of: the row's own or one merged into it.
    pub fn event_ids<T: Into<Text>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::known_text_in("event_ids", ids)
    }

    /// Rows of calls with one of these `sharedEventID`s. Nothing but the time tells which files have them.
    pub fn shared_event_ids<T: Into<Text>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::known_text_in("shared_event_id", ids)
    }

    /// Rows that handed out one of these access key IDs.
    pub fn issued_keys<T: Into<Text>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::known_text_in("access_key_id", ids)
    }

    /// Rows whose call was made with one of these access key IDs.
    pub fn caller_keys<T: Into<Text>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::known_text_in("caller_access_key_id", ids)
    }

    /// The children of these issuances, and the rows of which one of these is a candidate for the parent.
    pub fn parents<T: Into<Text>>(event_ids: impl IntoIterator<Item = T>) -> Self {
        let event_ids: Vec<Text> = event_ids.into_iter().map(Into::into).collect();
        let columns = ["parent_event_id", "link_candidates"];
        Self::any(columns.map(|column| Self::known_text_in(column, event_ids.iter().cloned())))
    }

    /// Rows whose origin has this ARN, name or principal ID.
    #[must_use]
    pub fn origin(text: &str) -> Self {
        let columns = ["origin_arn", "origin_name", "origin_principal_id"];
        Self::any(columns.map(|column| Self::known_text_in(column, [text])))
    }

    /// Rows whose chain starts with this identity, by its type and the most telling name it has; others of that name pass too.
    /// Files are sorted by type and ARN, so that few row groups are looked at. One without any name has only its own chain.
    #[must_use]
    pub fn same_origin(origin: &Origin) -> Self {
        let names = [
            ("origin_arn", &origin.arn),
            ("origin_principal_id", &origin.principal_id),
            ("origin_name", &origin.name),
        ];
        let named = names
            .into_iter()
            .find_map(|(column, name)| Some((column, name.clone()?)));
        let (column, name) = named.unwrap_or(("origin_event_id", origin.event_id.clone()));
        let of_type = Self::known_text_in("origin_type", [origin.origin_type.name()]);
        of_type.and(Self::known_text_in(column, [name]))
    }

    /// Rows with a session policy: an inline one, or managed ones.
    #[must_use]
    pub fn with_policy() -> Self {
        // A text that is there begins with nothing.
        let column = columns::named("session_scope_sha256");
        column.map_or(Self::any([]), |column| {
            let prefix = Text::new();
            Self(Condition::TextPrefix { column, prefix })
        })
    }

    /// Rows whose role has this ARN or name.
    #[must_use]
    pub fn role(text: &str) -> Self {
        match arn::start_of_session_arns(text) {
            Some(_) => Self::role_arn(text),
            None => Self::any(
                ["role_arn", "role_name"].map(|column| Self::known_text_in(column, [text])),
            ),
        }
    }

    /// Rows that may have this session tag in force, its key in any case: all that have it, and those of another tag that is
    /// written the same (`a=b` with the value `c`, and `a` with `b=c`).
    #[must_use]
    pub fn tag(key: &str, value: &str) -> Self {
        let pair = Pair {
            key: key.to_lowercase(),
            value: value.into(),
        };
        let column = columns::named("effective_tag_pairs");
        column.map_or(Self::any([]), |column| {
            Self(Condition::Pair { column, pair })
        })
    }

    /// Rows with this hash of the inline session policy (canonical or as sent), or of the whole session scope.
    #[must_use]
    pub fn policy(sha256: &str) -> Self {
        let columns = [
            "session_policy_sha256",
            "session_policy_raw_sha256",
            "session_scope_sha256",
        ];
        Self::any(columns.map(|column| Self::known_text_in(column, [sha256])))
    }

    /// Rows without MFA at the origin, on the call and in the caller's session. What was presented between, their chain tells.
    #[must_use]
    pub fn no_mfa() -> Self {
        Self::mfa_at_origin(Flag::False)
    }

    /// Rows of chains of whose MFA the logs say nothing: not whether the origin had one, and none was shown on the call or
    /// in the caller's session.
    #[must_use]
    pub fn mfa_unknown() -> Self {
        Self::mfa_at_origin(Flag::Unknown)
    }

    fn mfa_at_origin(origin: Flag) -> Self {
        let flag = |(name, flag)| {
            let column = columns::named(name);
            column.map_or(Condition::Always, |column| Condition::Flag { column, flag })
        };
        let flags = [
            ("origin_mfa", origin),
            ("session_mfa", Flag::NotTrue),
            ("caller_mfa", Flag::NotTrue),
        ];
        Self(Condition::And(flags.map(flag).into()))
    }

    /// Rows recorded at `since` or later and before `until`.
    #[must_use]
    pub fn recorded(since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self(Condition::Time {
            since: since.unwrap_or(Timestamp(i64::MIN)),
            until: until.unwrap_or(Timestamp(i64::MAX)),
        })
    }

    /// Rows that a linker wants, by the columns it matches by.
    #[must_use]
    pub fn matching(wants: impl Fn(&MatchFacts<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Condition::Matching(Matcher(Arc::new(wants))))
    }

    /// Rows that a linker wants.
    #[must_use]
    pub fn wanted(wanted: Arc<Wanted>) -> Self {
        Self::matching(move |row| wanted.wants(row))
    }

    /// Rows that may be about a subject: all that [`Subject::matches`] has, but for the calls made with a key
    /// ([`Filter::caller_keys`]).
    #[must_use]
    pub fn for_subject(subject: &Subject) -> Self {
        let is = |column, text: &Text| Self::known_text_in(column, [Text::clone(text)]);
        match subject {
            Subject::AccessKeyId(id) => is("access_key_id", id).or(is("origin_access_key_id", id)),
            Subject::SessionArn(arn) => is("session_arn", arn).or(is("origin_arn", arn)),
            Subject::PrincipalId(id) => {
                let itself = is("session_principal_id", id).or(is("origin_principal_id", id));
                // A bare `AROA…` stands for every session of its role.
                if id.contains(':') {
                    itself
                } else {
                    let of_role = |column| Self::beginning(column, format!("{id}:"));
                    itself
                        .or(of_role("session_principal_id"))
                        .or(of_role("origin_principal_id"))
                }
            }
            Subject::RoleArn(arn) => {
                let itself = Self::role_arn(arn);
                match arn::start_of_session_arns(arn) {
                    Some(sessions) => itself.or(Self::beginning("origin_arn", sessions)),
                    None => itself,
                }
            }
            Subject::UserArn(arn) => is("origin_arn", arn).or(is("session_arn", arn)),
            Subject::EventId(id) => is("event_ids", id).or(is("replaces_event_id", id)),
        }
    }

    /// Sessions of the role of this ARN. A role's path is not in every record: account and name decide.
    fn role_arn(arn: &str) -> Self {
        let itself = Self::known_text_in("role_arn", [arn]);
        let parsed = Arn::parse(arn);
        match parsed
            .as_ref()
            .and_then(|arn| Some((arn.account_id, arn.principal()?)))
        {
            Some((account_id, Principal::Role { name })) => {
                let named = Self::known_text_in("role_name", [name]);
                let of_account = Self::known_text_in("role_account_id", [account_id]);
                itself.or(named.and(of_account))
            }
            _ => itself,
        }
    }

    fn beginning(column: &'static str, prefix: impl Into<Text>) -> Self {
        columns::named(column).map_or(Self::any([]), |column| {
            let prefix = prefix.into();
            Self(Condition::TextPrefix { column, prefix })
        })
    }

    /// The same in parts, of which a row passes at least one: what Bloom filters decide, and the rest. In one scan the rest
    /// would have every data object of a year read for what is in one of them.
    #[must_use]
    pub fn apart(self) -> Vec<Self> {
        let mut alternatives = Vec::new();
        self.0.into_alternatives(&mut alternatives);
        let (decided, rest): (Vec<_>, Vec<_>) = alternatives
            .into_iter()
            .partition(Condition::has_bloom_filters);
        [decided, rest]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| Self(Condition::Or(part)))
            .collect()
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Condition::Always, condition) | (condition, Condition::Always) => Self(condition),
            (Condition::And(mut all), condition) => {
                all.push(condition);
                Self(Condition::And(all))
            }
            (condition, other) => Self(Condition::And(vec![condition, other])),
        }
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Condition::Or(vec![self.0, other.0]))
    }

    /// At least one of these.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        Self(Condition::Or(
            filters.into_iter().map(|filter| filter.0).collect(),
        ))
    }

    /// Whether a row passes.
    #[must_use]
    pub fn matches(&self, row: &Session) -> bool {
        self.0.matches(row)
    }

    /// For columns that this file names itself; a test holds that they exist.
    fn known_text_in<T: Into<Text>>(
        column: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::text_in(column, values).unwrap_or_else(|_| Self::any([]))
    }
}

impl Condition {
    fn matches(&self, row: &Session) -> bool {
        match self {
            Self::Always => true,
            Self::TextIn { column, values } => match column.value(row) {
                Value::Text(text) => values.contains(text),
                Value::Texts(texts) => texts
                    .into_iter()
                    .flatten()
                    .any(|text| values.contains(text)),
                Value::Pairs(pairs) => pairs.iter().any(|pair| values.contains(pair.as_str())),
                _ => false,
            },
            Self::TextPrefix { column, prefix } => {
                matches!(column.value(row), Value::Text(text) if text.starts_with(&**prefix))
            }
            Self::Pair { column, pair } => match column.value(row) {
                Value::Texts(texts) => texts.into_iter().flatten().any(|text| pair.is(text)),
                Value::Pairs(pairs) => pairs.iter().any(|text| pair.is(text)),
                _ => false,
            },
            Self::Flag { column, flag } => flag.passes(match column.value(row) {
                Value::Bool(value) => Some(value),
                _ => None,
            }),
            Self::Time { since, until } => {
                (*since..*until).contains(&row.issuance.record.event_time)
            }
            Self::Matching(matcher) => matcher.0(&MatchFacts::of(row)),
            Self::And(all) => all.iter().all(|condition| condition.matches(row)),
            Self::Or(any) => any.iter().any(|condition| condition.matches(row)),
        }
    }

    fn into_alternatives(self, alternatives: &mut Vec<Self>) {
        match self {
            Self::Or(any) => any
                .into_iter()
                .for_each(|one| one.into_alternatives(alternatives)),
            other => alternatives.push(other),
        }
    }

    /// Whether Bloom filters tell of most files that none of their rows passes.
    fn has_bloom_filters(&self) -> bool {
        match self {
            Self::TextIn { column, .. } => column.bloom != Bloom::Nothing,
            Self::And(all) => all.iter().any(Self::has_bloom_filters),
            Self::Or(any) => any.iter().all(Self::has_bloom_filters),
            _ => false,
        }
    }

    /// The conditions that must hold each on its own.
    pub(crate) fn conjuncts(&self) -> Vec<Self> {
        match self {
            Self::Always => Vec::new(),
            Self::And(all) => all.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other.clone()],
        }
    }

    /// The names of the columns it looks at.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        match self {
            Self::Always => Vec::new(),
            Self::TextIn { column, .. }
            | Self::TextPrefix { column, .. }
            | Self::Pair { column, .. }
            | Self::Flag { column, .. } => vec![column.name],
            Self::Time { .. } => vec!["event_time"],
            Self::Matching(_) => MATCH_COLUMNS.to_vec(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::columns).collect(),
        }
    }
}

/// The names of the columns of [`MatchFacts`].
pub(crate) const MATCH_COLUMNS: [&str; 7] = [
    "event_time",
    "access_key_id",
    "session_principal_id",
    "role_account_id",
    "role_name",
    "session_name",
    "replaces_event_id",
];

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matcher")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;
    use crate::encode_data_object;
    use crate::scan::{Columns, scan_bytes};

    #[test]
    fn every_column_a_filter_names_exists() {
        let filters = [
            Filter::event_ids(["x"]),
            Filter::issued_keys(["x"]),
            Filter::caller_keys(["x"]),
            Filter::shared_event_ids(["x"]),
            Filter::parents(["x"]),
            Filter::origin("x"),
            Filter::role("x"),
            Filter::tag("k", "v"),
            Filter::policy("x"),
            Filter::no_mfa(),
            Filter::same_origin(&Origin::default()),
            Filter::with_policy(),
            Filter::recorded(None, None),
            Filter::matching(|_| true),
        ];
        for filter in filters {
            let columns = filter.0.columns();
            assert!(!columns.is_empty(), "{filter:?}");
            for name in columns {
                assert!(columns::named(name).is_some(), "{name}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_subjects_filter_passes_what_the_subject_matches(
            mut rows in arbitrary::sessions(6),
            names in proptest::collection::vec(0_usize..7, 48),
        ) {
            let mut names = names.into_iter().cycle();
            let mut text = || Some(Text::from(SUBJECTS[names.next().unwrap_or(0)]));
            for row in &mut rows {
                let session = &mut row.issuance.session;
                session.access_key_id = text();
                session.session_principal_id = text();
                session.role_arn = text();
                session.session_arn = text();
                session.role_name = Some("r".into());
                session.role_account_id = Some("111122223333".into());
                row.issuance.record.replaces_event_id = text();
                row.issuance.caller.caller_access_key_id = text();
                let origin = Arc::make_mut(&mut row.origin);
                (origin.access_key_id, origin.principal_id, origin.arn) = (text(), text(), text());
            }
            let file = Bytes::from(encode_data_object(&rows).unwrap());
            for subject in SUBJECTS.into_iter().flat_map(subjects) {
                let filter = match &subject {
                    Subject::AccessKeyId(id) => Filter::for_subject(&subject).or(Filter::caller_keys([id.clone()])),
                    _ => Filter::for_subject(&subject),
                };
                let expected: Vec<_> = rows.iter().filter(|row| subject.matches(row)).cloned().collect();
                let is_about = |row: &Session| subject.matches(row);
                let passed: Vec<_> = rows.iter().filter(|row| filter.matches(row) && is_about(row)).cloned().collect();
                prop_assert_eq!(&passed, &expected, "{:?}", subject);
                let mut scanned = Vec::new();
                for part in filter.apart() {
                    scanned.extend(scan_bytes(&file, part, Columns::All).unwrap());
                }
                for row in &rows {
                    prop_assert_eq!(is_about(row), scanned.contains(row) && is_about(row), "{:?}", subject);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn all_of_an_origin_and_all_with_a_policy_pass_a_scan(rows in arbitrary::sessions(8)) {
            let file = Bytes::from(encode_data_object(&rows).unwrap());
            for origin in rows.iter().map(|row| &row.origin) {
                let passed = scan_bytes(&file, Filter::same_origin(origin), Columns::All).unwrap();
                let has_name = origin.arn.is_some() || origin.principal_id.is_some() || origin.name.is_some();
                let is_same = |row: &&Session| match has_name {
                    true => row.origin.is_same_identity(origin),
                    false => row.origin.event_id == origin.event_id && row.origin.origin_type == origin.origin_type,
                };
                for row in rows.iter().filter(is_same) {
                    prop_assert!(passed.contains(row), "{:?}", origin);
                }
                prop_assert!(passed.iter().all(|row| row.origin.origin_type == origin.origin_type));
            }
            let has_policy = |row: &&Session| row.issuance.policy.session_scope_sha256.is_some();
            let expected: Vec<_> = rows.iter().filter(has_policy).cloned().collect();
            prop_assert_eq!(scan_bytes(&file, Filter::with_policy(), Columns::All).unwrap(), expected);
        }
    }

    const SUBJECTS: [&str; 7] = [
        "arn:aws:sts::111122223333:assumed-role/r/s",
        "ASIA0001",
        "AROA1",
        "AROA1:a",
        "arn:aws:iam::111122223333:role/r",
        "arn:aws:iam::111122223333:role/path/r",
        "arn:aws:iam::111122223333:role/other",
    ];

    /// Every kind of subject of that text.
    fn subjects(text: &str) -> [Subject; 6] {
        use Subject::{AccessKeyId, EventId, PrincipalId, RoleArn, SessionArn, UserArn};
        [
            AccessKeyId,
            SessionArn,
            PrincipalId,
            RoleArn,
            UserArn,
            EventId,
        ]
        .map(|kind| kind(text.into()))
    }

    #[test]
    fn a_tags_key_is_one_in_any_case_and_its_value_is_not() {
        let tagged = |key: &str, value: &str| {
            let mut row = Session::default();
            row.effective_tags.insert(key.into(), value.into());
            row
        };
        let passes = |row: &Session| Filter::tag("Team", "Red=1").matches(row);
        assert!(passes(&tagged("team", "Red=1")) && passes(&tagged("TEAM", "Red=1")));
        assert!(!passes(&tagged("team", "red=1")) && !passes(&tagged("Teams", "Red=1")));
    }

    /// A key that nobody knows is looked up in a year of files: Bloom filters must be asked of all its columns.
    #[test]
    fn what_bloom_filters_decide_is_one_part_and_stands_apart() {
        let parts = |subject: Subject| Filter::for_subject(&subject).apart();
        let decided = |part: &Filter| part.0.has_bloom_filters();
        let key = parts(Subject::AccessKeyId("ASIA".into()));
        assert!(key.len() == 1 && key.iter().all(decided), "{key:?}");
        let role = parts(Subject::RoleArn("arn:aws:iam::111122223333:role/r".into()));
        assert!(
            role.len() == 2 && decided(&role[0]) && !decided(&role[1]),
            "{role:?}"
        );
    }

    #[test]
    fn a_filter_on_a_column_that_holds_no_text_is_refused() {
        for name in ["nothing", "event_time", "session_tags", "caller_mfa"] {
            let error = Filter::text_in(name, ["x"]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
