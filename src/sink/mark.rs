//! Mark: what is committed, for whoever reads a topic before the source does.

use tokio::time::timeout;
use tracing::Instrument;

use crate::config::tables::Tables;
use crate::error::{Error, ErrorKind, Result};
use crate::position::Position;
use crate::protocol::failure::Failure;
use crate::protocol::load::load;
use crate::sink::Sink;
use crate::storage::Storage;

impl<S: Storage> Sink<S> {
    /// Up to where a topic or partition is committed, as its table says now; none where nothing is, and where records have no
    /// order.
    pub(crate) fn mark(&self, topic: &str) -> Result<Option<Position>> {
        if !self.shared.ordered {
            return Ok(None);
        }
        // Whether another topic has that table is looked at when it is registered.
        let (name, layout) = self.layout(&mut Tables::default(), topic)?;
        let (limit, identity) = (self.config.open_timeout, self.identity(&name.to_string()));
        let loading = async { timeout(limit, load(&self.shared.storage, &layout, &identity)).await };
        let loading = loading.instrument(self.span.clone());
        let away = || Error::new(ErrorKind::Storage, format_args!("the mark of {topic} is not known after {limit:?}"));
        match self.tasks.block_on(loading).map_err(|_| away())? {
            Ok(newest) => Ok(newest.and_then(|manifest| manifest.last)),
            Err(Failure::Fatal(error)) => Err(error),
            Err(Failure::Again(error)) => Err(Error::new(ErrorKind::Storage, error)),
        }
    }
}
