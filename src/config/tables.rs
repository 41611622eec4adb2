//! Which table a topic gets, and that no two get one.

use std::collections::BTreeMap;

use crate::hive::{one_name_for_two, table_name};
use crate::protocol::layout::{InvalidName, TableLayout};
use crate::topic::TopicName;

/// The tables of a sink's topics, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// The topic of each table, without partition.
    by_table: BTreeMap<String, String>,
    /// The topic of each table in Hive.
    by_hive_table: BTreeMap<String, String>,
}

impl Tables {
    /// The table of a topic. The pattern has `{tenant}`, `{namespace}` and `{topic}` in it.
    ///
    /// # Errors
    /// In words: HDFS takes no such name, another topic has that table, or, where Hive is told of them, that name in Hive.
    pub(crate) fn claim(
        &mut self,
        topic: &TopicName,
        directory: &str,
        pattern: &str,
        in_hive: bool,
    ) -> Result<TableLayout, String> {
        let table = table_of(topic, directory, pattern)
            .map_err(|error| format!("topic {topic} cannot have a table: {error}"))?;
        let whole_topic = topic.to_string();
        let owner = self.by_table.entry(table.root().to_owned()).or_insert_with(|| whole_topic.clone());
        if *owner != whole_topic {
            return Err(format!(
                "topics {owner} and {whole_topic} get the same table {}; set tableNamePattern so that they differ, for example \
                 tableNamePattern: \"{{namespace}}_{{topic}}\"",
                table.root()
            ));
        }
        if in_hive {
            let name = table_name(table.name());
            let owner = self.by_hive_table.entry(name.clone()).or_insert_with(|| whole_topic.clone());
            if *owner != whole_topic {
                return Err(one_name_for_two(owner, &whole_topic, &name));
            }
        }
        Ok(table)
    }
}

fn table_of(topic: &TopicName, directory: &str, pattern: &str) -> Result<TableLayout, InvalidName> {
    let name = pattern
        .replace("{tenant}", &topic.tenant)
        .replace("{namespace}", &topic.namespace)
        .replace("{topic}", &topic.local);
    TableLayout::new(directory, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_by_the_pattern() {
        let name = TopicName::parse("persistent://t/n/page.visit").unwrap();
        let table = Tables::default().claim(&name, "/d", "{tenant}_{namespace}_{topic}", false).unwrap();
        assert_eq!(table.root(), "/d/t_n_page.visit");
    }

    #[test]
    fn a_name_that_is_too_long_for_hdfs_is_a_tables_all_the_same() {
        let name = TopicName::parse(&format!("persistent://t/n/{}", "ж".repeat(45))).unwrap();
        let table = Tables::default().claim(&name, "/d", "{topic}", false).unwrap();
        assert!(table.root().starts_with("/d/+D0+B6") && table.root().contains("+md5-"), "{}", table.root());
    }
}
