//! Frames of Pulsar's binary protocol: the size of the rest, the size of the command, the command, and perhaps a payload.

use std::io;

use prost::Message;
use pulsar::proto::BaseCommand;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The size of a size.
const SIZE: usize = 4;
/// Commands that are looked into are smaller. A token is some hundred bytes, in rare cases thousands.
const INSPECTED: usize = 1 << 16;

/// The next frame as it is, or the beginning of a large one, with how many bytes of it are still to come; none at the end.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut size = [0; SIZE];
    match from.read_exact(&mut size).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let rest = u32::from_be_bytes(size) as usize;
    let now = rest.min(INSPECTED);
    let mut frame = vec![0; SIZE + now];
    frame[..SIZE].copy_from_slice(&size);
    from.read_exact(&mut frame[SIZE..]).await?;
    Ok(Some((frame, (rest - now) as u64)))
}

/// The command of a frame without payload, if it is of one of these types. The type is the first field of each command.
pub(super) fn command_of(frame: &[u8], types: &[i32]) -> Option<BaseCommand> {
    let command = frame.get(2 * SIZE..)?;
    let is_one = matches!(command, [0x08, kind, ..] if types.contains(&i32::from(*kind)));
    is_one.then(|| BaseCommand::decode(command).ok()).flatten()
}

/// A frame of this command.
pub(super) fn of(command: &BaseCommand) -> Vec<u8> {
    let body = command.encode_to_vec();
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    [&size(body.len() + SIZE)[..], &size(body.len()), &body].concat()
}

/// Writes a command at once.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), command: &BaseCommand) -> io::Result<()> {
    to.write_all(&of(command)).await?;
    to.flush().await
}
