//! Topic names and their parts.

use std::fmt;

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
    pub(crate) partition: Option<u32>,
}

/// A text that is not a topic's name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a topic's name; one looks like persistent://tenant/namespace/topic")]
pub struct InvalidTopic(String);

impl TopicName {
    /// Whether its messages are stored, at positions that last.
    pub(crate) fn is_persistent(&self) -> bool {
        self.domain == "persistent"
    }

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
            let (local, partition) = match partition_of(local) {
                Some((topic, index)) => (topic, Some(index)),
                None => (local, None),
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
}

/// The topic and the partition that a name is of. Pulsar counts partitions in its own way, as a Java `int` without leading
/// zeros (`TopicName.getPartitionIndex`): `orders-partition-01` is a topic that only looks like one.
fn partition_of(local: &str) -> Option<(&str, u32)> {
    let (topic, digits) = local.rsplit_once("-partition-").filter(|(topic, _)| !topic.is_empty())?;
    let index: i32 = digits.parse().ok()?;
    (index >= 0 && index.to_string() == digits).then(|| (topic, index.unsigned_abs()))
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
        for own in [
            "x-partition-01",
            "x-partition-",
            "x-partition--1",
            "x-partition-+1",
            "x-partition-99999999999",
            "-partition-1",
        ] {
            let name = TopicName::parse(&format!("persistent://t/n/{own}")).unwrap();
            assert_eq!((name.local.as_str(), name.partition), (own, None));
        }
        assert_eq!(TopicName::parse("page").unwrap().to_string(), "persistent://public/default/page");
        assert_eq!(TopicName::parse("t/n/page").unwrap().to_string(), "persistent://t/n/page");
        for wrong in ["", "persistent://t/page", "persistent://t//page", "persistent://t/n/"] {
            assert!(TopicName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
