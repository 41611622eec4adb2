//! HDFS whose services and clients prove who they are.

use std::path::PathBuf;

use crate::builder::Builder;
use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::overlaid;
use crate::services::{Kdc, NAME_NODE};

const DATA_NODE: &str = "dn/localhost";
const JOURNAL_NODE: &str = "jn/localhost";
const WEB: &str = "HTTP/localhost";
/// Hive's metastore and HiveServer2.
pub(crate) const HIVE: &str = "hive/localhost";

/// The superuser's ticket cache, for Hadoop's own commands.
pub(crate) fn superusers_cache(folder: &Folder) -> PathBuf {
    folder.conf().join("superuser.tickets")
}

/// Starts a KDC for what this describes, and makes it use it.
pub(crate) fn secure(builder: &mut Builder, folder: &Folder) -> Result<Kdc> {
    let kdc = Kdc::start_new(folder)?;
    let keytab = |name| Ok(kdc.add_service(name)?.display().to_string());
    let (name_node, data_node, journal_node) = (kdc.add_service(NAME_NODE)?, keytab(DATA_NODE)?, keytab(JOURNAL_NODE)?);
    let (web_keytab, hive) = (keytab(WEB)?, keytab(HIVE)?);
    kdc.ticket(NAME_NODE, &name_node, &superusers_cache(folder))?;
    let everyones = settings([
        ("hadoop.security.authentication", "kerberos".to_owned()),
        ("hadoop.security.authorization", "true".to_owned()),
        ("hadoop.rpc.protection", "authentication".to_owned()),
        ("dfs.data.transfer.protection", "authentication".to_owned()),
        ("dfs.namenode.kerberos.principal", kdc.principal(NAME_NODE)),
        ("dfs.datanode.kerberos.principal", kdc.principal(DATA_NODE)),
        ("dfs.journalnode.kerberos.principal", kdc.principal(JOURNAL_NODE)),
    ]);
    let web = settings([
        ("dfs.web.authentication.kerberos.principal", kdc.principal(WEB)),
        ("dfs.web.authentication.kerberos.keytab", web_keytab.clone()),
        ("dfs.block.access.token.enable", "true".to_owned()),
    ]);
    let of_name_node = settings([
        ("dfs.namenode.keytab.file", name_node.display().to_string()),
        // Hive's metastore makes sure of directories in the name of who asks it.
        ("hadoop.proxyuser.hive.hosts", "*".to_owned()),
        ("hadoop.proxyuser.hive.groups", "*".to_owned()),
    ]);
    let of_data_node = settings([
        ("dfs.datanode.keytab.file", data_node),
        // Else it wants ports that only root may open, or HTTPS.
        ("ignore.secure.ports.for.testing", "true".to_owned()),
    ]);
    let of_journal_node = settings([
        ("dfs.journalnode.keytab.file", journal_node),
        ("dfs.journalnode.kerberos.internal.spnego.principal", kdc.principal(WEB)),
    ]);
    let all = |own: &[&Settings]| own.iter().fold(everyones.clone(), |all, own| overlaid(all, own));
    builder.name_node = all(&[&web, &of_name_node, &builder.name_node]);
    builder.data_node = all(&[&web, &of_data_node, &builder.data_node]);
    builder.journal_node = all(&[&web, &of_journal_node]);
    builder.client = all(&[&builder.client]);
    builder.key_server = settings([
        ("hadoop.kms.authentication.type", "kerberos".to_owned()),
        ("hadoop.kms.authentication.kerberos.principal", kdc.principal(WEB)),
        ("hadoop.kms.authentication.kerberos.keytab", web_keytab),
    ]);
    let of_hive = settings([
        ("metastore.sasl.enabled", "true".to_owned()),
        ("metastore.kerberos.principal", kdc.principal(HIVE)),
        ("metastore.kerberos.keytab.file", hive.clone()),
        ("hive.server2.authentication.kerberos.principal", kdc.principal(HIVE)),
        ("hive.server2.authentication.kerberos.keytab", hive),
        // It gets tokens for what runs a query, also where that is itself.
        ("yarn.resourcemanager.principal", kdc.principal(HIVE)),
    ]);
    builder.hive_settings = overlaid(of_hive, &builder.hive_settings);
    builder.environment = overlaid(kdc.environment().clone(), &builder.environment);
    Ok(kdc)
}
