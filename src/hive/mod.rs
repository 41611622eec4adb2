//! Hive's metastore, kept up with the tables: a table is created, its new columns and partitions are added, in the
//! background and beside the commits, which know nothing of it.

pub(crate) mod client;
pub(crate) mod keeper;
pub(crate) mod sasl;
pub(crate) mod table;
pub(crate) mod thrift;
pub(crate) mod tls;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::hdfs::HdfsSettings;
use client::Address;
use tls::Tls;

/// Which metastore is kept up, and where in it the tables are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HiveSettings {
    /// Metastores of one Hive, tried in turn.
    pub(crate) addresses: Vec<Address>,
    /// How they are encrypted; none when they are not.
    pub(crate) tls: Option<Tls>,
    /// Who a metastore with Kerberos is, `service/host@REALM`; none for one without.
    pub(crate) principal: Option<String>,
    /// The database that the tables are in, in lower case.
    pub(crate) database: String,
}

/// The name that a table gets in Hive, from that of its directory: in lower case, and with `_` for every character but
/// letters, digits and `_`.
pub(crate) fn table_name(directory: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    directory.chars().map(plain).collect()
}

/// What is wrong when two tables get one name in Hive.
pub(crate) fn one_name_for_two(first: &str, second: &str, name: &str) -> String {
    format!(
        "topics {first} and {second} get the same table `{name}` in Hive, which knows lower case only and, of other characters, `_`; \
         set tableNamePattern so that they differ, or give one of them a sink of its own with another hiveDatabase"
    )
}

/// The file system's URL, such as `hdfs://namenode:8020`, for the locations of tables: the one in `directory`, or
/// `fs.defaultFS` where the HDFS client finds it.
pub(crate) fn file_system(settings: &HdfsSettings) -> Result<String> {
    let found = settings.file_system().map_err(|error| {
        let needs = "configuration key `hiveMetastoreUris` needs the file system's URL for the tables' locations";
        Error::new(ErrorKind::Config, format_args!("{needs}: {error}"))
    })?;
    Ok(found.url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_name_in_hive_is_in_lower_case_and_has_no_other_signs() {
        assert_eq!(table_name("page_visit"), "page_visit");
        assert_eq!(table_name("Page.Visit-2"), "page_visit_2");
        assert_eq!(table_name("+D0+96"), "_d0_96");
    }

    #[test]
    fn the_file_system_is_that_of_the_directory_or_of_core_site_xml() {
        let folder = tempfile::tempdir().unwrap();
        let config_dir = Some(folder.path().to_str().unwrap().to_owned());
        let mut settings = HdfsSettings::new(config_dir, Duration::from_secs(1));
        assert!(file_system(&settings).unwrap_err().message.contains("no fs.defaultFS"));
        let text = "<?xml version=\"1.0\"?><configuration><!-- fs.defaultFS --><property><name>x</name><value>y</value></property>
            <property><name>fs.defaultFS</name><value> hdfs://nn:9000/ </value></property></configuration>";
        std::fs::write(folder.path().join("core-site.xml"), text).unwrap();
        assert_eq!(file_system(&settings).unwrap(), "hdfs://nn:9000");
        for (url, expected) in [
            ("hdfs://other:8020", "hdfs://other:8020"),
            // That of the default file system: Hive may have another one.
            ("hdfs://", "hdfs://nn:9000"),
        ] {
            settings.url = Some(url.to_owned());
            assert_eq!(file_system(&settings).unwrap(), expected);
        }
    }
}
