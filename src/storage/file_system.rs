//! Which file system a client reaches, and by which NameNodes: from the Hadoop client's settings, as Hadoop's own client takes
//! them, or an error that names what is not supported.

use std::collections::BTreeMap;

use crate::storage::hadoop::{AUTHENTICATION, HadoopSettings};

const DEFAULT_FS: &str = "fs.defaultFS";
/// The class that serves `hdfs://`; another one may lead paths elsewhere, as that of an overloaded viewfs does.
const HDFS_CLASS: &str = "fs.hdfs.impl";
const PLAIN_HDFS_CLASS: &str = "org.apache.hadoop.hdfs.DistributedFileSystem";
const MOUNT_TABLE: &str = "fs.viewfs.mounttable";
/// Where keys of encryption zones are.
const KEYS: &str = "hadoop.security.key.provider.path";
const NAME_NODES: &str = "dfs.ha.namenodes";
const ADDRESS: &str = "dfs.namenode.rpc-address";
const PROVIDER: &str = "dfs.client.failover.proxy.provider";
const RANDOM_ORDER: &str = "dfs.client.failover.random.order";
const PLAIN_PROVIDER: &str = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider";
/// Of a NameNode whose URL has no port.
const DEFAULT_PORT: u16 = 8020;

/// The file system of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSystem {
    /// `hdfs://host:port`, `hdfs://` and a name service, or `viewfs://` and a mount table.
    pub(crate) url: String,
    /// What hdfs-native is given, whatever it finds in the folder itself: it trims nothing, knows no variables, and takes no port
    /// for granted.
    pub(crate) settings: BTreeMap<String, String>,
    /// The ids of the NameNodes of each name service that it may reach.
    pub(crate) name_services: BTreeMap<String, Vec<String>>,
}

impl FileSystem {
    /// The file system of this URL, as `hdfs://host:port` or `hdfs://` for the default one, or the default one.
    ///
    /// # Errors
    /// In words: what is missing, or not supported, and what to do.
    pub(crate) fn of(hadoop: &HadoopSettings, url: Option<&str>) -> Result<Self, String> {
        let mut found = FileSystem { url: String::new(), settings: hadoop.all()?, name_services: BTreeMap::new() };
        // Hadoop takes it in any case, and hdfs-native would take SIMPLE for Kerberos.
        found.settings.entry(AUTHENTICATION.to_owned()).and_modify(|value| value.make_ascii_lowercase());
        let (scheme, authority) = address(hadoop, url)?;
        found.url = match scheme {
            Scheme::ViewFs => {
                found.add_mounts(hadoop, &authority)?;
                format!("viewfs://{authority}")
            }
            Scheme::Hdfs => {
                if let Some(class) = hadoop.get(HDFS_CLASS)?.filter(|class| class != PLAIN_HDFS_CLASS) {
                    return Err(format!(
                        "{HDFS_CLASS} is {class}, which may lead paths elsewhere and is not supported; name the file system itself, with \
                         directory: \"hdfs://…/path\" and a folder without {HDFS_CLASS}"
                    ));
                }
                found.add_hdfs(hadoop, &authority)?
            }
        };
        Ok(found)
    }

    /// Takes note of a NameNode or a name service; its URL in full.
    fn add_hdfs(&mut self, hadoop: &HadoopSettings, authority: &str) -> Result<String, String> {
        let host = authority.split(':').next().unwrap_or_default();
        refuse_observers(hadoop, host)?;
        if host != authority {
            return Ok(format!("hdfs://{authority}"));
        }
        let ids = hadoop.list(&format!("{NAME_NODES}.{host}"))?;
        if ids.is_empty() {
            return Ok(format!("hdfs://{host}:{DEFAULT_PORT}"));
        }
        let mut reachable = Vec::new();
        for id in ids {
            if hadoop.get(&format!("{ADDRESS}.{host}.{id}"))?.is_some() {
                reachable.push(id);
            }
        }
        if reachable.is_empty() {
            return Err(format!(
                "{NAME_NODES}.{host} in {} names NameNodes, and none has an address; set {ADDRESS}.{host}.<NameNode>",
                hadoop.place()
            ));
        }
        // The one setting for all name services, which Hadoop's client knows, too.
        let at_random = match hadoop.get(&format!("{RANDOM_ORDER}.{host}"))? {
            Some(own) => own,
            None => hadoop.get(RANDOM_ORDER)?.unwrap_or_default(),
        };
        if at_random.eq_ignore_ascii_case("true") {
            let first = rand::random_range(0..reachable.len());
            reachable.rotate_left(first);
        }
        // The order is decided here from now on.
        self.settings.insert(format!("{RANDOM_ORDER}.{host}"), "false".to_owned());
        self.name_services.insert(host.to_owned(), reachable);
        Ok(format!("hdfs://{host}"))
    }

    /// Takes note of all that a mount table leads to.
    fn add_mounts(&mut self, hadoop: &HadoopSettings, table: &str) -> Result<(), String> {
        let begin = format!("{MOUNT_TABLE}.{table}.");
        let mut has_fallback = false;
        for name in hadoop.names(&begin) {
            let kind = &name[begin.len()..];
            if !kind.starts_with("link") {
                continue;
            }
            has_fallback |= kind == "linkFallback";
            if kind != "linkFallback" && !kind.starts_with("link./") {
                return Err(format!("{name} is a mount that is not supported: only link./path and linkFallback are"));
            }
            let target = hadoop.get(name)?.unwrap_or_default();
            let parts = target.strip_prefix("hdfs://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
            let Some((authority, path)) = parts.filter(|(authority, _)| !authority.is_empty()) else {
                return Err(format!("{name} is `{target}`, and only mounts of hdfs://host/path are supported"));
            };
            let url = self.add_hdfs(hadoop, authority)?;
            self.settings.insert(name.to_owned(), format!("{url}/{path}"));
        }
        if has_fallback {
            return Ok(());
        }
        Err(format!(
            "the mount table viewfs://{table} in {} has no {begin}linkFallback, without which it is not supported; add one, or name the \
             file system itself with directory: \"hdfs://…/path\"",
            hadoop.place()
        ))
    }

    /// What hdfs-native is to use, with the NameNodes of each name service in this order.
    pub(crate) fn settings_with(&self, order: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
        let mut settings = self.settings.clone();
        for (name_service, ids) in order {
            settings.insert(format!("{NAME_NODES}.{name_service}"), ids.join(","));
        }
        // A key store that is none of a key management server's is for other programs; hdfs-native (0.14.8) refuses it.
        if settings.get(KEYS).is_some_and(|keys| !keys.starts_with("kms://")) {
            settings.insert(KEYS.to_owned(), String::new());
        }
        settings
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Hdfs,
    ViewFs,
}

/// The scheme and the authority of a URL, or of the default file system where it has none.
fn address(hadoop: &HadoopSettings, url: Option<&str>) -> Result<(Scheme, String), String> {
    let default = || {
        hadoop.get(DEFAULT_FS)?.ok_or_else(|| {
            format!("{} has no {DEFAULT_FS}; set it there, or directory: \"hdfs://host:port/path\"", hadoop.place())
        })
    };
    let given = url.map(parse).transpose()?;
    match given {
        Some((scheme, authority)) if !authority.is_empty() => Ok((scheme, authority)),
        given => {
            let text = default()?;
            let (scheme, authority) = parse(&text).map_err(|error| format!("{DEFAULT_FS}: {error}"))?;
            if authority.is_empty() || given.is_some_and(|(given, _)| given != scheme) {
                return Err(format!(
                    "{DEFAULT_FS} in {} is `{text}`, which does not say where `{}` is; name the file system in both, as hdfs://host:port",
                    hadoop.place(),
                    url.unwrap_or(&text)
                ));
            }
            Ok((scheme, authority))
        }
    }
}

fn parse(url: &str) -> Result<(Scheme, String), String> {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let authority = rest.split('/').next().unwrap_or_default().to_owned();
        match scheme {
            "hdfs" => Some((Scheme::Hdfs, authority)),
            "viewfs" => Some((Scheme::ViewFs, authority)),
            _ => None,
        }
    });
    parts.ok_or_else(|| format!("`{url}` is neither hdfs://… nor viewfs://…"))
}

/// An observer NameNode may answer with a state of the past, in which the newest manifest is missing. All classes that read from
/// observers, by themselves or through routers, have it in their name.
fn refuse_observers(hadoop: &HadoopSettings, host: &str) -> Result<(), String> {
    let name = format!("{PROVIDER}.{host}");
    match hadoop.get(&name)? {
        Some(class) if class.rsplit('.').next().unwrap_or_default().contains("ObserverRead") => Err(format!(
            "{name} in {} is {class}, and what it reads from observer NameNodes can be stale; set it to {PLAIN_PROVIDER}",
            hadoop.place()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::storage::hadoop::tests::{property, settings};

    fn of(properties: &[(&str, &str)], url: Option<&str>) -> Result<FileSystem, String> {
        let text: String = properties.iter().map(|(name, value)| property(name, value)).collect();
        FileSystem::of(&settings(&text), url)
    }

    fn name_services(found: &FileSystem) -> Vec<(&str, String)> {
        found.name_services.iter().map(|(name, ids)| (name.as_str(), ids.join(" "))).collect()
    }

    const TWO: [(&str, &str); 3] = [
        ("dfs.ha.namenodes.ns", "\n      nn1,\n      nn2\n    "),
        ("dfs.namenode.rpc-address.ns.nn1", " a:8020 "),
        ("dfs.namenode.rpc-address.ns.nn2", "${host2}:8020"),
    ];

    fn with_two(more: &[(&str, &str)], url: Option<&str>) -> Result<FileSystem, String> {
        of(&[&TWO[..], &[("host2", "b")], more].concat(), url)
    }

    #[test]
    fn name_nodes_may_be_named_with_blanks_line_breaks_and_variables() {
        let found = with_two(&[("fs.defaultFS", " hdfs://ns/ ")], None).unwrap();
        assert_eq!((found.url.as_str(), name_services(&found)), ("hdfs://ns", vec![("ns", "nn1 nn2".to_owned())]));
        let reversed = BTreeMap::from([("ns".to_owned(), vec!["nn2".to_owned(), "nn1".to_owned()])]);
        let given = found.settings_with(&reversed);
        assert_eq!(given["dfs.ha.namenodes.ns"], "nn2,nn1");
        assert_eq!(given["dfs.namenode.rpc-address.ns.nn1"], "a:8020");
        assert_eq!(given["dfs.namenode.rpc-address.ns.nn2"], "b:8020");
    }

    #[test]
    fn a_name_node_without_an_address_is_left_out_as_by_hadoop_and_none_with_one_is_refused() {
        let found = of(&[TWO[0], TWO[1]], Some("hdfs://ns")).unwrap();
        assert_eq!(name_services(&found), [("ns", "nn1".to_owned())]);
        let error = of(&TWO[..1], Some("hdfs://ns")).unwrap_err();
        assert!(error.contains("set dfs.namenode.rpc-address.ns.<NameNode>"), "{error}");
        let error = of(&TWO, Some("hdfs://ns")).unwrap_err();
        assert!(error.contains("dfs.namenode.rpc-address.ns.nn2") && error.contains("${host2}"), "{error}");
    }

    #[test]
    fn a_random_order_is_random_and_hdfs_native_makes_none_of_its_own() {
        for name in ["dfs.client.failover.random.order", "dfs.client.failover.random.order.ns"] {
            let firsts: BTreeSet<_> = (0..100)
                .map(|_| {
                    let found = with_two(&[(name, "TRUE")], Some("hdfs://ns")).unwrap();
                    assert_eq!(found.settings["dfs.client.failover.random.order.ns"], "false");
                    found.name_services["ns"][0].clone()
                })
                .collect();
            assert_eq!(firsts.len(), 2, "{name}");
        }
    }

    #[test]
    fn the_file_system_is_that_of_the_directory_or_the_default_one_and_has_hadoops_port() {
        let default = [("fs.defaultFS", "hdfs://nn:9000/some/path")];
        for (url, expected) in [
            (None, "hdfs://nn:9000"),
            (Some("hdfs://"), "hdfs://nn:9000"),
            (Some("hdfs://other"), "hdfs://other:8020"),
            (Some("hdfs://other:1"), "hdfs://other:1"),
        ] {
            assert_eq!(of(&default, url).unwrap().url, expected, "{url:?}");
        }
        let error = of(&default, Some("viewfs://")).unwrap_err();
        assert!(error.contains("fs.defaultFS") && error.contains("`viewfs://`"), "{error}");
        assert!(of(&[], None).unwrap_err().contains("has no fs.defaultFS"));
        assert!(of(&[("fs.defaultFS", "file:///")], None).unwrap_err().contains("`file:///` is neither"));
        assert!(of(&[("fs.defaultFS", "hdfs:///")], None).unwrap_err().contains("does not say where"));
    }

    #[test]
    fn reads_from_observers_are_refused_for_the_name_service_that_is_reached_and_no_other() {
        let name = "dfs.client.failover.proxy.provider.ns";
        for class in [
            "ObserverReadProxyProvider",
            "ObserverReadProxyProviderWithIPFailover",
            "RouterObserverReadProxyProvider",
            "RouterObserverReadConfiguredFailoverProxyProvider",
        ] {
            let class = format!("\n org.apache.hadoop.hdfs.server.namenode.ha.{class}\n");
            for url in ["hdfs://ns", "hdfs://ns:8020"] {
                let error = with_two(&[(name, &class)], Some(url)).unwrap_err();
                assert!(error.contains(class.trim()) && error.contains("can be stale"), "{error}");
            }
            with_two(&[(name, &class)], Some("hdfs://other")).unwrap();
        }
        for class in [PLAIN_PROVIDER, "org.apache.hadoop.hdfs.server.namenode.ha.RequestHedgingProxyProvider"] {
            with_two(&[(name, class)], Some("hdfs://ns")).unwrap();
        }
    }

    #[test]
    fn a_mount_table_reaches_the_name_services_of_its_mounts_and_needs_a_fallback() {
        let link = ("fs.viewfs.mounttable.c.link./events", "hdfs://ns/data/events");
        let fallback = ("fs.viewfs.mounttable.c.linkFallback", "hdfs://other/");
        let found = with_two(&[link, fallback], Some("viewfs://c")).unwrap();
        assert_eq!((found.url.as_str(), name_services(&found)), ("viewfs://c", vec![("ns", "nn1 nn2".to_owned())]));
        assert_eq!(found.settings[link.0], "hdfs://ns/data/events");
        assert_eq!(found.settings[fallback.0], "hdfs://other:8020/");

        let error = with_two(&[link], Some("viewfs://c")).unwrap_err();
        assert!(error.contains("no fs.viewfs.mounttable.c.linkFallback"), "{error}");
        for (name, target, says) in [
            ("fs.viewfs.mounttable.c.linkMergeSlash", "hdfs://ns/", "linkMergeSlash is a mount that is not supported"),
            ("fs.viewfs.mounttable.c.linkRegex.x", "hdfs://ns/", "linkRegex.x is a mount that is not supported"),
            ("fs.viewfs.mounttable.c.link./local", "file:///tmp", "only mounts of hdfs://host/path"),
        ] {
            let error = with_two(&[link, fallback, (name, target)], Some("viewfs://c")).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn whether_clients_prove_who_they_are_may_be_written_in_any_case() {
        for (written, read) in [("SIMPLE", "simple"), (" Kerberos ", "kerberos")] {
            assert_eq!(of(&[(AUTHENTICATION, written)], Some("hdfs://nn:1")).unwrap().settings[AUTHENTICATION], read);
        }
        assert!(!of(&[], Some("hdfs://nn:1")).unwrap().settings.contains_key(AUTHENTICATION));
    }

    #[test]
    fn keys_that_are_in_no_key_management_server_are_left_to_other_programs() {
        for (written, read) in [("kms://http@kms:9600/kms", "kms://http@kms:9600/kms"), ("jceks://file/keys", "")] {
            let found = of(&[(KEYS, written)], Some("hdfs://nn:1")).unwrap();
            assert_eq!(found.settings_with(&BTreeMap::new())[KEYS], read);
        }
        let without = of(&[], Some("hdfs://nn:1")).unwrap();
        assert!(!without.settings_with(&BTreeMap::new()).contains_key(KEYS));
    }

    #[test]
    fn a_class_that_leads_hdfs_paths_elsewhere_is_refused() {
        let class = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme";
        let error = of(&[(HDFS_CLASS, class)], Some("hdfs://nn:1")).unwrap_err();
        assert!(error.contains("fs.hdfs.impl") && error.contains(class), "{error}");
        of(&[(HDFS_CLASS, PLAIN_HDFS_CLASS)], Some("hdfs://nn:1")).unwrap();
    }
}
