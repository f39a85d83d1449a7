//! Which tags are in force in a session, and which of them the logs tell.

use crate::Text;
use crate::caller::Inheritance;
use crate::truth::{Facts, Tags};

/// The tags of a session, as its issuing record and those before it tell.
pub(crate) struct EffectiveTags {
    pub(super) all: Tags,
    pub(super) known: bool,
    pub(super) transitive_keys: Vec<Text>,
    pub(crate) passed_on: Inheritance,
}

impl EffectiveTags {
    /// Rule L8.
    pub(crate) fn of(caller: &Inheritance, facts: &Facts) -> Self {
        let (inherited, known) = match &facts.inherited_tags {
            Some(logged) => (logged, true),
            None => (&caller.seen, caller.known),
        };
        let known = known && !facts.tags_untold;
        let with_own = |inherited: &Tags| {
            let mut all = inherited.clone();
            all.extend(facts.session_tags.clone());
            all
        };
        let own_transitive = |all: &Tags, inherited: &Tags| -> Tags {
            let passes =
                |key: &Text| inherited.contains_key(key) || facts.transitive_tag_keys.contains(key);
            let passing = all.iter().filter(|(key, _)| passes(key));
            passing
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        // A console session is the session it was made from, and a witness tells of a call made with it: all tags stay
        // in force, the same ones pass on.
        let same_session =
            matches!(facts.session_type, "Console" | "Witness") && facts.inherited_tags.is_none();
        let all = with_own(if same_session {
            &caller.in_force
        } else {
            inherited
        });
        let seen = own_transitive(&all, inherited);
        let mut transitive_keys: Vec<Text> = inherited.keys().cloned().collect();
        transitive_keys.extend(facts.transitive_tag_keys.iter().cloned());
        transitive_keys.sort();
        transitive_keys.dedup();
        Self {
            passed_on: Inheritance {
                actual: own_transitive(&with_own(&caller.actual), &caller.actual),
                seen,
                in_force: all.clone(),
                known,
            },
            all,
            known,
            transitive_keys,
        }
    }
}
