//! The group Tags: session tags and which of them pass on.

use trailback_cloudtrail::Fields;

use crate::issuance::{TagFacts, TagMap, Text};

/// Reads the tags of a request.
///
/// AssumeRole and GetFederationToken log `tags` as a list of keys and values, the calls of federated users log
/// `principalTags` as an object. Either shape is read under either name.
pub(super) fn read(request: Fields<'_>) -> TagFacts {
    let mut session_tags = tag_map(request, "principalTags");
    session_tags.extend(tag_map(request, "tags"));
    TagFacts {
        session_tags,
        inherited_tags: tag_map(request, "incomingTransitiveTags"),
        transitive_tag_keys: sorted_texts(
            request
                .list("transitiveTagKeys")
                .filter_map(|key| key.as_text()),
        ),
    }
}

fn tag_map(request: Fields<'_>, name: &str) -> TagMap {
    let mut tags = TagMap::new();
    for tag in request.list(name) {
        if let Some(key) = tag.text("key").or_else(|| tag.text("Key")) {
            let name = if tag.text("Value").is_some() {
                "Value"
            } else {
                "value"
            };
            tags.insert(key.into(), tag_value(tag, name));
        }
    }
    let object = request.object(name);
    for (key, _) in object.entries() {
        tags.insert(key.into(), tag_value(object, key));
    }
    tags
}

/// The value of a tag may be empty, and samples write numbers as numbers.
fn tag_value(holder: Fields<'_>, name: &str) -> Text {
    match (holder.text(name), holder.int(name)) {
        (Some(value), _) => value.into(),
        (None, Some(number)) => number.to_string().into(),
        (None, None) => "".into(),
    }
}

/// Texts, sorted and unique.
pub(super) fn sorted_texts<'r>(texts: impl Iterator<Item = &'r str>) -> Vec<Text> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().map(Text::from).collect()
}
