//! The bytes of a log object as the parser reads them: a file, or the pieces that a download brings.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Buf;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::progress::{Amount, Progress, Step};
use crate::store::{ObjectMeta, StoreError};

/// What a download brings: first what is known of the object, then its bytes.
pub(super) enum Arrival {
    Opened(Box<ObjectMeta>),
    /// A piece, with the right to wait in memory.
    Piece(Bytes, OwnedSemaphorePermit),
    /// The object's end.
    End,
}

/// Where a download arrives. An error is the last that comes.
pub(super) type Arrivals = UnboundedReceiver<Result<Arrival, StoreError>>;

/// An open log object.
pub(super) enum Content {
    File(File),
    Download(Download),
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Content::File(file) => file.read(buffer),
            Content::Download(download) => download.read(buffer),
        }
    }
}

/// The pieces of a download, one behind the other. Reading blocks until the next one is there.
pub(super) struct Download {
    arrivals: Arrivals,
    piece: Bytes,
    in_memory: Option<OwnedSemaphorePermit>,
    ended: bool,
}

impl Download {
    /// Waits until the object is open.
    pub(super) fn begin(mut arrivals: Arrivals) -> Result<(ObjectMeta, Download), StoreError> {
        loop {
            match arrivals.blocking_recv() {
                Some(Ok(Arrival::Opened(meta))) => {
                    let download = Download {
                        arrivals,
                        piece: Bytes::new(),
                        in_memory: None,
                        ended: false,
                    };
                    return Ok((*meta, download));
                }
                Some(Ok(_)) => {}
                Some(Err(failure)) => return Err(failure),
                None => return Err(stopped()),
            }
        }
    }

    /// Waits for the next piece; false at the object's end.
    fn next_piece(&mut self) -> io::Result<bool> {
        // What was read no longer takes memory.
        self.in_memory = None;
        match self.arrivals.blocking_recv() {
            Some(Ok(Arrival::Piece(piece, in_memory))) => {
                self.piece = piece;
                self.in_memory = Some(in_memory);
                Ok(true)
            }
            Some(Ok(Arrival::Opened(_))) => Ok(true),
            Some(Ok(Arrival::End)) => {
                self.ended = true;
                Ok(false)
            }
            Some(Err(failure)) => Err(io::Error::other(failure)),
            None => Err(io::Error::other(stopped())),
        }
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            if !self.next_piece()? {
                break;
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// The runtime is shutting down, or the download panicked.
fn stopped() -> StoreError {
    StoreError::Unavailable {
        location: "a log object".to_owned(),
        action: "read",
        cause: io::Error::other("its download stopped"),
    }
}

/// Content that tells how far it was read.
pub(super) struct Counted<'a> {
    pub(super) content: Content,
    pub(super) progress: &'a Arc<dyn Progress>,
    pub(super) bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        let bytes = count as u64;
        self.bytes += bytes;
        self.progress
            .advances(Step::Extract, Amount { items: 0, bytes });
        Ok(count)
    }
}
