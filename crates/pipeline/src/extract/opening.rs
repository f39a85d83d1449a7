//! Opens log objects ahead of those who read them, so that parsing does not wait for the network.
//!
//! ```text
//! log objects ──► opener ──► line, in order ──► reader threads
//!                   │ one download each              │
//!                   └──────── pieces ────────────────┘
//! ```
//!
//! Memory is bounded twice: so many objects are open at once, and each may have so many bytes waiting. The bound is each
//! object's own, because objects far ahead that filled a common one would leave nothing to the one that is read now.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::ExtractOptions;
use super::content::{Arrival, Arrivals, Content, Download};
use crate::log_objects::{LogObject, LogObjects, Place, SourcePlace};
use crate::progress::{Amount, Progress, Step};
use crate::store::folder::explain;
use crate::store::{ObjectMeta, StoreError};

/// How often a download that broke off is taken up again without a byte more. The store's client has its own retries
/// for each attempt to open.
const RESUMES_MAX: u32 = 3;

/// How long a download rests before it is taken up again, the first time; then twice as long each time.
const REST: Duration = Duration::from_millis(100);

/// More bytes of one object than ever wait; a semaphore counts no further than 32 bits in one step.
const BYTES_EACH_MAX: usize = 1 << 30;

/// How many files a thread takes at once, and up to how many bytes: handing one over costs more than reading a small one.
const BATCH_FILES: usize = 32;
const BATCH_BYTES: u64 = 256 * 1024;

/// Log objects that one thread reads, one after the other: some files, or one object that comes over a network.
pub(super) type Batch = Vec<Opened>;

/// A log object whose turn to be read has come.
pub(super) struct Opened {
    pub(super) log_object: LogObject,
    /// Its place among all, counted from 0.
    pub(super) place: u64,
    /// What its store knows of it, once it was opened; nothing of a file.
    meta: Option<ObjectMeta>,
    arrivals: Option<Arrivals>,
    downloads: Arc<Downloads>,
    /// Another one may be opened when this one is dropped.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Opened {
    /// Its bytes, from the first on. Blocks until they come. Asked once more, the object is fetched once more, and is an
    /// error if it has changed.
    pub(super) fn content(&mut self) -> Result<Content, StoreError> {
        match &self.log_object.place {
            Place::File(path) => {
                let location = || path.display().to_string();
                let file = File::open(path).map_err(|cause| explain("open", location(), cause))?;
                Ok(Content::File(file))
            }
            Place::Source(place) => {
                let arrivals = self.arrivals.take();
                let arrivals = arrivals.unwrap_or_else(|| self.downloads.begin(place, &self.meta));
                let (meta, download) = Download::begin(arrivals)?;
                self.meta = Some(meta);
                Ok(Content::Download(download))
            }
            Place::Unreachable(reason) => Err(StoreError::Unavailable {
                location: self.log_object.name.to_string(),
                action: "reach",
                cause: io::Error::other(&**reason),
            }),
        }
    }

    /// What its store knows of it, once it was opened; nothing of a file.
    pub(super) fn meta(&self) -> Option<&ObjectMeta> {
        self.meta.as_ref()
    }
}

/// Where opened objects wait, in order.
pub(super) struct Line {
    waiting: Mutex<Receiver<Batch>>,
    deadline: Option<Instant>,
}

impl Line {
    /// Waits for the next objects and takes them; `None` when there are no more, or no more time. `on_taken` is called before
    /// anybody takes others: so what it tells is told in order.
    pub(super) fn next<T>(&self, on_taken: impl FnOnce() -> Option<T>) -> Option<(Batch, T)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = waiting.blocking_recv()?;
        if is_past(self.deadline) {
            waiting.close();
            return None;
        }
        let told = on_taken()?;
        Some((batch, told))
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// Starts opening. The task ends with the reason why no more log objects could be found.
pub(super) fn open_ahead(
    log_objects: LogObjects,
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> (Arc<Line>, JoinHandle<Result<(), StoreError>>) {
    let objects_at_once = options.objects_at_once.max(1);
    let (line, waiting) = mpsc::channel(objects_at_once);
    let opener = Opener {
        turns: Arc::new(Semaphore::new(objects_at_once)),
        downloads: Arc::new(Downloads {
            runtime: Handle::current(),
            bytes_each: (options.bytes_ahead / objects_at_once).clamp(1, BYTES_EACH_MAX),
        }),
        line,
        batch: Vec::new(),
        batch_bytes: 0,
        deadline: options.deadline,
        progress: Arc::clone(progress),
    };
    let line = Line {
        waiting: Mutex::new(waiting),
        deadline: options.deadline,
    };
    (Arc::new(line), tokio::spawn(opener.open_all(log_objects)))
}

struct Opener {
    turns: Arc<Semaphore>,
    downloads: Arc<Downloads>,
    line: mpsc::Sender<Batch>,
    /// Files that wait for others, and their bytes.
    batch: Batch,
    batch_bytes: u64,
    deadline: Option<Instant>,
    progress: Arc<dyn Progress>,
}

impl Opener {
    async fn open_all(mut self, mut log_objects: LogObjects) -> Result<(), StoreError> {
        let opened = self.open_each(&mut log_objects).await;
        // Also where no more could be found: those found before are read.
        self.send_batch().await;
        opened
    }

    async fn open_each(&mut self, log_objects: &mut LogObjects) -> Result<(), StoreError> {
        let is_on_the_way = log_objects.total.is_none();
        self.progress
            .begins(Step::Extract, log_objects.total.unwrap_or_default());
        let mut place = 0;
        while let Some(log_object) = log_objects.stream.next().await {
            let log_object = log_object?;
            if is_on_the_way {
                let bytes = log_object.size_bytes.unwrap_or_default();
                self.progress
                    .finds(Step::Extract, Amount { items: 1, bytes });
            }
            if is_past(self.deadline) || !self.open(log_object, place).await {
                break;
            }
            place += 1;
        }
        Ok(())
    }

    /// Opens one object; false when nobody reads any more.
    async fn open(&mut self, log_object: LogObject, place: u64) -> bool {
        let (mut turn, mut arrivals) = (None, None);
        if let (Place::Source(place), None) = (&log_object.place, log_object.skipped) {
            // Nothing waits for an object that waits for its turn.
            if !self.send_batch().await {
                return false;
            }
            turn = Arc::clone(&self.turns).acquire_owned().await.ok();
            arrivals = Some(self.downloads.begin(place, &None));
        }
        let is_alone = arrivals.is_some();
        self.batch_bytes += log_object.size_bytes.unwrap_or_default();
        self.batch.push(Opened {
            log_object,
            place,
            meta: None,
            arrivals,
            downloads: Arc::clone(&self.downloads),
            _turn: turn,
        });
        let is_full = self.batch.len() >= BATCH_FILES || self.batch_bytes >= BATCH_BYTES;
        if is_alone || is_full {
            return self.send_batch().await;
        }
        true
    }

    /// Sends the files that wait, if there are any; false when nobody reads any more.
    async fn send_batch(&mut self) -> bool {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        batch.is_empty() || self.line.send(batch).await.is_ok()
    }
}

/// Starts downloads.
struct Downloads {
    runtime: Handle,
    /// How much of each may wait.
    bytes_each: usize,
}

impl Downloads {
    /// Starts one; of an object that was opened before, only if it is still the same.
    fn begin(&self, place: &SourcePlace, known: &Option<ObjectMeta>) -> Arrivals {
        let (to_reader, arrivals) = mpsc::unbounded_channel();
        let pump = Pump {
            place: place.clone(),
            known: known.clone(),
            room: Arc::new(Semaphore::new(self.bytes_each)),
            bytes_each: self.bytes_each,
            to_reader,
        };
        self.runtime.spawn(pump.run());
        arrivals
    }
}

/// Fetches one object, piece by piece, and takes the download up again where it broke off.
struct Pump {
    place: SourcePlace,
    known: Option<ObjectMeta>,
    room: Arc<Semaphore>,
    bytes_each: usize,
    to_reader: UnboundedSender<Result<Arrival, StoreError>>,
}

impl Pump {
    async fn run(self) {
        let last = match self.fetch().await {
            Ok(()) => Ok(Arrival::End),
            Err(failure) => Err(failure),
        };
        // Nobody to tell is no harm: then nobody reads any more.
        let _ = self.to_reader.send(last);
    }

    async fn fetch(&self) -> Result<(), StoreError> {
        let (meta, mut content) = match &self.known {
            None => {
                let opened = self.place.open().await?;
                (opened.meta, opened.content)
            }
            Some(meta) => (meta.clone(), self.place.open_from(0, &meta.etag).await?),
        };
        let (size_bytes, etag) = (meta.size_bytes, meta.etag.clone());
        let opened = Arrival::Opened(Box::new(meta));
        if self.to_reader.send(Ok(opened)).is_err() {
            return Ok(());
        }
        let (mut at, mut resumes) = (0, 0);
        loop {
            let broke = match content.next().await {
                Some(Ok(piece)) => {
                    at += piece.len() as u64;
                    resumes = 0;
                    if !self.hand_on(piece).await {
                        return Ok(());
                    }
                    continue;
                }
                None if at == size_bytes => return Ok(()),
                None => self.torn(at, size_bytes),
                // Everything has come, and something is wrong with it: more of it would not help.
                Some(Err(failure)) if at >= size_bytes => return Err(failure),
                Some(Err(failure)) => failure,
            };
            if resumes == RESUMES_MAX || at > size_bytes {
                return Err(broke);
            }
            tokio::time::sleep(REST * 2_u32.pow(resumes)).await;
            resumes += 1;
            content = match self.place.open_from(at, &etag).await {
                Err(failure @ StoreError::Unavailable { .. }) => {
                    stream::iter([Err(failure)]).boxed()
                }
                again => again?,
            };
        }
    }

    /// Waits for room and hands a piece on; false when nobody reads any more.
    async fn hand_on(&self, piece: Bytes) -> bool {
        let bytes = piece.len().min(self.bytes_each);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        match Arc::clone(&self.room).acquire_many_owned(bytes).await {
            Ok(permit) => self
                .to_reader
                .send(Ok(Arrival::Piece(piece, permit)))
                .is_ok(),
            Err(_) => false,
        }
    }

    fn torn(&self, at: u64, size_bytes: u64) -> StoreError {
        StoreError::Unavailable {
            location: self.place.location(),
            action: "read",
            cause: io::Error::other(format!("{at} of {size_bytes} bytes came")),
        }
    }
}
