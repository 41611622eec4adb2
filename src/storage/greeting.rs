//! The first word to HDFS: whether a NameNode takes this client for who it is to be. What it says then is told at once, and in
//! words; calls that are tried again (hdfs-native 0.14.8: for minutes) would hide it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hdfs_native::{Client, HdfsError};
use tokio::time::timeout;

use crate::storage::connection::Connection;
use crate::storage::identity::refusal;
use crate::storage::words::told;

/// What a call says that was given up because a KDC is silent.
pub(super) const SILENT_KDC: &str =
    "does a KDC of Kerberos, one of those that krb5.conf names, take connections and not answer?";

impl Connection {
    /// Asks all NameNodes until one answers, each once. Whatever else is wrong with HDFS is for later calls to say.
    ///
    /// # Errors
    /// In words: the client cannot prove who it is, or the NameNode does not take that.
    pub(super) async fn greet(&self, limit: Duration) -> Result<(), String> {
        let clients = self.of_each_name_node().await.map_err(|error| told(&error))?;
        let mut asked: FuturesUnordered<_> = clients.iter().map(|client| self.look_at(client, "/")).collect();
        let greeted = timeout(limit, async {
            while let Some(answer) = asked.next().await {
                match answer {
                    Ok(_) => return Ok(()),
                    Err(error) => {
                        if let Some(words) = self.refused(&error) {
                            return Err(words);
                        }
                    }
                }
            }
            Ok(())
        });
        let greeted = greeted.await;
        // What was not answered is given up.
        drop(asked);
        match greeted {
            Ok(answered) => answered,
            Err(_) if self.waits_for_kdc().await => {
                Err(format!("no answer within {} s; {SILENT_KDC}", limit.as_secs_f64()))
            }
            Err(_) => Ok(()),
        }
    }

    async fn of_each_name_node(&self) -> Result<Vec<Arc<Client>>, HdfsError> {
        let file_system = self.file_system()?;
        let mut clients = Vec::new();
        for (name_service, ids) in &file_system.name_services {
            for id in ids {
                clients.push(self.alone(&file_system, name_service, id).await?);
            }
        }
        if clients.is_empty() {
            clients.push(self.asking_once(file_system.url.clone(), file_system.settings).await?);
        }
        Ok(clients)
    }

    /// In words, when an error is about who the client is.
    fn refused(&self, error: &HdfsError) -> Option<String> {
        match error {
            HdfsError::FatalRPCError(..) => Some(format!("the NameNode refuses the connection: {}", told(error))),
            HdfsError::IOError(cut) if cut.kind() == ErrorKind::ConnectionAborted && !self.is_secured() => Some(
                "the NameNode took the connection and closed it without a word, as one does that wants Kerberos; \
                 hadoop.security.authentication in the Hadoop client's folder is not kerberos"
                    .to_owned(),
            ),
            _ => refusal(error),
        }
    }
}
