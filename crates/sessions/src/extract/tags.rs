//! The group Tags: session tags and which of them pass on.

use trailback_cloudtrail::Fields;

use crate::issuance::{TagFacts, TagMap, Text};

/// What stands for a key or a value that is there and is not shown: CloudTrail withholds it, it looks like a session token, or
/// is no text. STS takes no brackets in tags, so no tag says so itself.
const WITHHELD: &str = "(withheld)";

/// Reads the tags of a request.
///
/// AssumeRole and GetFederationToken log `tags` as a list of keys and values, the calls of federated users log
/// `principalTags` as an object. Either shape is read under either name.
pub(super) fn read(request: Fields<'_>) -> TagFacts {
    let mut tags = TagFacts::default();
    add_tags(request.value("principalTags"), &mut tags.session_tags);
    add_tags(request.value("tags"), &mut tags.session_tags);
    add_tags(
        request.value("incomingTransitiveTags"),
        &mut tags.inherited_tags,
    );
    let keys = request.list("transitiveTagKeys");
    tags.transitive_tag_keys = sorted_texts(keys.filter_map(tag_key));
    tags
}

fn add_tags(tags: Fields<'_>, map: &mut TagMap) {
    for (key, value) in tags.elements().filter_map(key_and_value) {
        map.insert(key.into(), value);
    }
    for (key, value) in tags.pairs() {
        map.insert(key.into(), tag_value(value));
    }
}

/// One tag of a list. A capital `Value` that is a text goes before `value`.
fn key_and_value(tag: Fields<'_>) -> Option<(&str, Text)> {
    let (mut key, mut capital_key) = (None, None);
    let (mut value, mut capital_value) = (Fields::default(), Fields::default());
    for (name, member) in tag.entries() {
        match name {
            "key" => key = tag_key(member),
            "Key" => capital_key = tag_key(member),
            "value" => value = member,
            "Value" => capital_value = member,
            _ => {}
        }
    }
    if capital_value.as_text().is_some() {
        value = capital_value;
    }
    Some((key.or(capital_key)?, tag_value(value)))
}

fn tag_key(key: Fields<'_>) -> Option<&str> {
    key.as_text().or(key.is_withheld().then_some(WITHHELD))
}

/// The value of a tag may be empty, and samples write numbers as numbers.
fn tag_value(value: Fields<'_>) -> Text {
    match (value.as_text(), value.as_int()) {
        (Some(text), _) => text.into(),
        (None, Some(number)) => number.to_string().into(),
        (None, None) if value.is_absent() || value.is_empty_text() => "".into(),
        (None, None) => WITHHELD.into(),
    }
}

/// Texts, sorted and unique.
pub(super) fn sorted_texts<'r>(texts: impl Iterator<Item = &'r str>) -> Vec<Text> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().map(Text::from).collect()
}
