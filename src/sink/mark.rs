//! Mark: what is committed, for whoever reads a topic before the source does.

use tokio::time::timeout;
use tracing::Instrument;

use crate::error::{Error, ErrorKind, Result};
use crate::position::Position;
use crate::protocol::failure::Failure;
use crate::protocol::load::load;
use crate::sink::Sink;
use crate::storage::Storage;
use crate::topic::TopicName;

impl<S: Storage> Sink<S> {
    /// Up to where a source partition is committed, as its table says now; none where nothing is, and where records have no
    /// order.
    pub(crate) fn mark(&self, id: u32) -> Result<Option<Position>> {
        if !self.shared.ordered {
            return Ok(None);
        }
        let (topic, layout) = {
            let all = self.source_partitions();
            let handle = all.handles.get(id as usize);
            let handle =
                handle.ok_or_else(|| Error::bug(format_args!("source partition {id} was never registered")))?;
            (handle.topic.clone(), handle.layout.clone())
        };
        let name = TopicName::parse(&topic).map_err(Error::bug)?;
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
