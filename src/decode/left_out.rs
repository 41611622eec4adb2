//! Members of JSON payloads that are no field of the schema. They are left out, and counted: a class whose names differ between
//! its schema and its JSON (`@JsonProperty`) would make a column NULL in silence.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Names beyond these are counted under none: a producer can make up any number.
const MOST_NAMES: usize = 100;
/// Longer names are counted by so many characters at their beginning: a name can be as long as a payload.
const LONGEST_NAME: usize = 100;

/// How often each member was left out.
#[derive(Debug, Default)]
pub(crate) struct LeftOut(Mutex<BTreeMap<Box<str>, u64>>);

impl LeftOut {
    /// One more of this name; the first one is told.
    pub(super) fn count(&self, name: &str) {
        let name = name.char_indices().nth(LONGEST_NAME).map_or(name, |(end, _)| &name[..end]);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(name) {
            *count += 1;
        } else if counts.len() < MOST_NAMES {
            counts.insert(name.into(), 1);
            drop(counts);
            tracing::warn!(
                "member `{name}` of JSON records is no field of their schema, so it is left out; a field under another name is \
                 NULL. Such members are counted in json_member_left_out_{name}_total"
            );
        }
    }

    /// The counts by name.
    pub(crate) fn counts(&self) -> BTreeMap<Box<str>, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What was counted is no part of what a schema is.
impl PartialEq for LeftOut {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for LeftOut {
    fn clone(&self) -> Self {
        LeftOut::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_and_number_take_little_memory() {
        let left_out = LeftOut::default();
        let long = "ж".repeat(1_000_000);
        left_out.count(&long);
        left_out.count(&format!("{long}, too"));
        (0..1_000).for_each(|number| left_out.count(&number.to_string()));
        let counts = left_out.counts();
        assert_eq!((counts.len(), counts["ж".repeat(LONGEST_NAME).as_str()]), (MOST_NAMES, 2));
    }
}
