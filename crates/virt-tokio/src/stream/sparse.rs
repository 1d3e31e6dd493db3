//! Files with holes, from and to streams with holes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use tokio::task::{JoinHandle, spawn_blocking};

use super::writer::PIECE;
use super::{Download, StreamChunk, Upload};

impl Download {
    /// Writes all data to an empty file, and leaves out the holes. Returns the number of bytes, holes included.
    ///
    /// The daemon sends holes only if it was asked to. The file is written from its start, and its cursor stays where it
    /// is. A device is taken, too; the zeros of a hole are then not written to it.
    ///
    /// Not cancel-safe: if the future is dropped, part of the data is written.
    ///
    /// # Errors
    ///
    /// Those of the file; a [`CallError`](crate::CallError), wrapped, as in [`AsyncRead`](tokio::io::AsyncRead).
    pub async fn copy_sparse(&mut self, file: &File) -> io::Result<u64> {
        let file = Arc::new(file.try_clone()?);
        let mut position: u64 = 0;
        // The next chunk is received while one is written.
        let mut writing: Option<JoinHandle<io::Result<()>>> = None;
        while let Some(chunk) = self.chunk().await? {
            match chunk {
                StreamChunk::Data(data) => {
                    let length = data.len() as u64;
                    let at = position;
                    if let Some(writing) = writing.take() {
                        writing.await??;
                    }
                    let file = Arc::clone(&file);
                    writing = Some(spawn_blocking(move || file.write_all_at(&data, at)));
                    position += length;
                }
                StreamChunk::Hole(length) => {
                    position = position.saturating_add(u64::try_from(length).unwrap_or(0));
                }
            }
        }
        if let Some(writing) = writing {
            writing.await??;
        }
        blocking(&file, move |file| {
            let metadata = file.metadata()?;
            // A hole at the end.
            if metadata.is_file() && metadata.len() < position {
                file.set_len(position)?;
            }
            Ok(position)
        })
        .await
    }
}

impl Upload {
    /// Sends a file from its start to its end, and its holes as holes. Returns the number of bytes, holes included.
    ///
    /// The daemon has to have been asked for a sparse stream. Call `shutdown` afterwards, as after `tokio::io::copy`. The
    /// cursor of the file is moved. Where the system does not tell holes, there are none.
    ///
    /// Not cancel-safe: if the future is dropped, part of the file is sent.
    ///
    /// # Errors
    ///
    /// Those of the file, which must not shrink meanwhile; a [`CallError`](crate::CallError), wrapped, as in
    /// [`AsyncWrite`](tokio::io::AsyncWrite).
    pub async fn copy_sparse(&mut self, file: &File) -> io::Result<u64> {
        let file = Arc::new(file.try_clone()?);
        let end = blocking(&file, length).await?;
        let mut position = 0;
        while position < end {
            let (start, stop) = blocking(&file, move |file| extent(file, position, end)).await?;
            self.write_hole(start - position).await?;
            position = start;
            while position < stop {
                let piece = blocking(&file, move |file| read(file, position, stop)).await?;
                position += piece.len() as u64;
                self.write_piece(piece).await?;
            }
        }
        tokio::io::AsyncWriteExt::flush(self).await?;
        Ok(end)
    }
}

/// Runs an action on a file where it may block.
async fn blocking<R: Send + 'static>(
    file: &Arc<File>,
    action: impl FnOnce(&File) -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    let file = Arc::clone(file);
    spawn_blocking(move || action(&file)).await?
}

/// Returns the length of a file or device.
fn length(file: &File) -> io::Result<u64> {
    Ok(rustix::fs::seek(file, rustix::fs::SeekFrom::End(0))?)
}

/// Returns the bounds of the next data at or after a position; they are empty at the end of the file.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple"
))]
fn extent(file: &File, position: u64, end: u64) -> io::Result<(u64, u64)> {
    use rustix::fs::{SeekFrom, seek};
    let start = match seek(file, SeekFrom::Data(position)) {
        Ok(start) => start.clamp(position, end),
        Err(Errno::NXIO) => return Ok((end, end)),
        // Not told by this file system.
        Err(Errno::INVAL) => return Ok((position, end)),
        Err(error) => return Err(error.into()),
    };
    let stop = match seek(file, SeekFrom::Hole(start)) {
        Ok(stop) => stop,
        // The data has gone meanwhile: it is read as zeros.
        Err(Errno::NXIO | Errno::INVAL) => end,
        Err(error) => return Err(error.into()),
    };
    Ok((start, stop.clamp(start, end)))
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple"
)))]
fn extent(_: &File, position: u64, end: u64) -> io::Result<(u64, u64)> {
    Ok((position, end))
}

/// Reads a piece of a file.
fn read(file: &File, position: u64, stop: u64) -> io::Result<Bytes> {
    let left = usize::try_from(stop - position).unwrap_or(PIECE);
    let mut piece = vec![0; left.min(PIECE)];
    file.read_exact_at(&mut piece, position)?;
    Ok(piece.into())
}
