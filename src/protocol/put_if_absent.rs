//! Put if absent: how what is decided once for all owners is written.

use bytes::Bytes;

use crate::protocol::layout::parent;
use crate::storage::{Overwrite, Storage, StorageErrorKind, StorageResult, write_whole};

/// Writes bytes under a temporary name and renames it into place unless something is there already. Whoever was
/// first: the caller reads back what counts. Nothing is left under the temporary name, which is nobody else's: while HDFS
/// refuses writes, each attempt would leave a file until the next start.
pub(crate) async fn put_if_absent<S: Storage>(
    storage: &S,
    temporary: &str,
    path: &str,
    bytes: Bytes,
) -> StorageResult<()> {
    storage.mkdirs(parent(path)).await?;
    let put = async {
        write_whole(storage, temporary, bytes).await?;
        storage.rename(temporary, path, Overwrite::Never).await
    };
    let Err(error) = put.await else { return Ok(()) };
    // A rename that is still under way finds no source after this.
    let deleted = storage.delete(temporary).await;
    if error.kind == StorageErrorKind::AlreadyExists { deleted.map(drop) } else { Err(error) }
}
