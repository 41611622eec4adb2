//! Topic names: their parts, and the table that a topic gets.

use std::fmt;

use crate::layout::{InvalidName, TableLayout};

/// The parts of a topic's full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicName {
    /// `persistent` or `non-persistent`.
    pub domain: String,
    /// Its tenant.
    pub tenant: String,
    /// Its namespace, without the tenant.
    pub namespace: String,
    /// Its own name, without partition.
    pub local: String,
    /// Its partition; none for a topic without partitions.
    pub partition: Option<u32>,
}

/// A text that is not a topic's name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a topic's name; one looks like persistent://tenant/namespace/topic")]
pub struct InvalidTopic(String);

impl TopicName {
    /// Parses a name as Pulsar does: `topic` and `tenant/namespace/topic` are short forms.
    pub fn parse(name: &str) -> Result<Self, InvalidTopic> {
        let parsed = || {
            let (domain, rest) = name.split_once("://").unwrap_or(("persistent", name));
            let mut parts = rest.splitn(3, '/');
            let (tenant, namespace, local) = match (parts.next()?, parts.next(), parts.next()) {
                (local, None, None) => ("public", "default", local),
                (tenant, Some(namespace), Some(local)) => (tenant, namespace, local),
                _ => return None,
            };
            let (local, partition) = match local.rsplit_once("-partition-") {
                Some((topic, index)) if !topic.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                    (topic, Some(index.parse().ok()?))
                }
                _ => (local, None),
            };
            let whole = [domain, tenant, namespace, local].iter().all(|part| !part.is_empty());
            whole.then(|| TopicName {
                domain: domain.to_owned(),
                tenant: tenant.to_owned(),
                namespace: namespace.to_owned(),
                local: local.to_owned(),
                partition,
            })
        };
        parsed().ok_or_else(|| InvalidTopic(name.to_owned()))
    }

    /// The topic's table under a directory. The pattern has `{tenant}`, `{namespace}` and `{topic}` in it.
    pub fn table(&self, directory: &str, pattern: &str) -> Result<TableLayout, InvalidName> {
        let name = pattern
            .replace("{tenant}", &self.tenant)
            .replace("{namespace}", &self.namespace)
            .replace("{topic}", &self.local);
        TableLayout::new(directory, &name)
    }
}

impl fmt::Display for TopicName {
    /// The full name without partition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}/{}", self.domain, self.tenant, self.namespace, self.local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_partition_and_in_short() {
        let name = TopicName::parse("persistent://t/n/page-partition-12").unwrap();
        assert_eq!((name.to_string().as_str(), name.partition), ("persistent://t/n/page", Some(12)));
        let name = TopicName::parse("persistent://t/n/a-partition-b/c").unwrap();
        assert_eq!((name.local.as_str(), name.partition), ("a-partition-b/c", None));
        assert_eq!(TopicName::parse("page").unwrap().to_string(), "persistent://public/default/page");
        assert_eq!(TopicName::parse("t/n/page").unwrap().to_string(), "persistent://t/n/page");
        for wrong in ["", "persistent://t/page", "persistent://t//page", "persistent://t/n/"] {
            assert!(TopicName::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_table_is_named_by_the_pattern() {
        let name = TopicName::parse("persistent://t/n/page.visit").unwrap();
        assert_eq!(name.table("/d", "{tenant}_{namespace}_{topic}").unwrap().root(), "/d/t_n_page.visit");
    }
}
