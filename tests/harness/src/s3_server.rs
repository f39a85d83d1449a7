//! An S3 server on loopback: S3's protocol over HTTP, objects in memory, and faults on demand.
//!
//! It answers requests in path style, signed with [`ACCESS_KEY_ID`]. Conditional writes are atomic. It runs on threads
//! of its own, so that blocking tests and other processes can use it, and ends when it is dropped.
//!
//! ```
//! use trailback_harness::s3_server::{Fault, S3Server};
//!
//! let server = S3Server::start();
//! server.create_bucket("trail");
//! server.put("trail", "AWSLogs/1.json.gz", b"content");
//! // The first two puts of whatever key are throttled.
//! server.set_plan(|request| {
//!     (request.operation == "PutObject" && request.nth_of_operation < 2).then_some(Fault::Throttled)
//! });
//! assert_eq!(server.count("PutObject"), 0);
//! ```

mod faults;
mod operations;
mod shelf;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use tokio::sync::oneshot;

pub use faults::{Fault, Request};
pub use shelf::StoredObject;

use faults::{CutConnection, Plan, Step};
use operations::Operations;
use shelf::Shelf;

/// The access key that the server knows.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// Its secret, AWS's own example.
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The region that clients are told to use; the server takes any.
pub const REGION: &str = "eu-central-1";

/// How the server behaves.
#[derive(Clone, Copy, Debug)]
pub struct S3ServerOptions {
    /// Whether every put makes a new `ETag`, as with SSE-KMS; else equal content has an equal one.
    pub has_opaque_etags: bool,
    /// Whether buckets keep all versions of their objects.
    pub is_versioned: bool,
    /// How many objects and prefixes one page of a listing holds at most.
    pub page_objects: usize,
}

impl Default for S3ServerOptions {
    fn default() -> S3ServerOptions {
        S3ServerOptions {
            has_opaque_etags: false,
            is_versioned: false,
            page_objects: 1000,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    room: Arc<Room>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the server's threads and its owner share.
#[derive(Debug)]
struct Room {
    options: S3ServerOptions,
    shelf: Mutex<Shelf>,
    plan: Mutex<Plan>,
}

impl Room {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl S3Server {
    /// Starts a server without buckets.
    ///
    /// # Panics
    ///
    /// When no port of the loopback can be had.
    pub fn start() -> S3Server {
        S3Server::start_with(S3ServerOptions::default())
    }

    /// Starts a server that behaves as told.
    ///
    /// # Panics
    ///
    /// As [`S3Server::start`].
    pub fn start_with(options: S3ServerOptions) -> S3Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
        listener
            .set_nonblocking(true)
            .expect("a listener that tokio takes");
        let address = listener.local_addr().expect("an address");
        let room = Arc::new(Room {
            options,
            shelf: Mutex::default(),
            plan: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&room);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
            // Requests that hang on purpose would never end.
            runtime.shutdown_background();
        });
        S3Server {
            address,
            room,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment in which the AWS SDKs of a child process find this server.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Makes a bucket; one that is there stays.
    pub fn create_bucket(&self, bucket: &str) {
        self.room.shelf().create_bucket(bucket);
    }

    /// Puts an object past the protocol, in a bucket that is made where needed. Gives its `ETag`.
    pub fn put(&self, bucket: &str, key: &str, content: &[u8]) -> String {
        self.put_with(bucket, key, content, [])
    }

    /// As [`S3Server::put`], with metadata.
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        content: &[u8],
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> String {
        let mut shelf = self.room.shelf();
        shelf.create_bucket(bucket);
        let mut object = StoredObject::of(Bytes::copy_from_slice(content));
        object.metadata.extend(metadata);
        shelf.put(bucket, key, object, &self.room.options)
    }

    /// Deletes an object past the protocol.
    pub fn delete(&self, bucket: &str, key: &str) {
        self.room.shelf().delete(bucket, key, &self.room.options);
    }

    /// The current objects of a bucket, by key, to compare whole lakes.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, StoredObject> {
        self.room.shelf().objects(bucket)
    }

    /// From now on the server's clock runs ahead by so much more.
    pub fn advance_clock(&self, by: Duration) {
        self.room.shelf().ahead += by;
    }

    /// Decides, for every request from now on, whether and how it fails. Counts start anew.
    pub fn set_plan(&self, plan: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        *self.room.plan() = Plan::new(Box::new(plan));
    }

    /// From now on nothing fails. Counts start anew.
    pub fn clear_plan(&self) {
        *self.room.plan() = Plan::default();
    }

    /// Every request since the plan was set or cleared, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.room.plan().requests().to_vec()
    }

    /// How many requests of an operation (`GetObject`, `ListObjectsV2`, …) came since the plan was set or cleared.
    pub fn count(&self, operation: &str) -> usize {
        let plan = self.room.plan();
        let is_such = |request: &&Request| request.operation == operation;
        plan.requests().iter().filter(is_such).count()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, room: Arc<Room>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("within a runtime");
    let mut builder = S3ServiceBuilder::new(Operations(Arc::clone(&room)));
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    let protocol = builder.build();
    while let Ok((connection, _)) = listener.accept().await {
        // A conversation is several small writes; waiting to join them would cost tens of milliseconds each.
        connection.set_nodelay(true).ok();
        let (protocol, room) = (protocol.clone(), Arc::clone(&room));
        let answering =
            service_fn(move |request| answer(protocol.clone(), Arc::clone(&room), request));
        // It ends with an error when a fault cuts the connection.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), answering));
    }
}

/// Answers one request, or lets it fail as planned. An error cuts the connection.
async fn answer(
    protocol: S3Service,
    room: Arc<Room>,
    request: hyper::Request<Incoming>,
) -> Result<HttpResponse, CutConnection> {
    let fault = room.plan().note(&request);
    // Taken in whole first: a client that is still sending would not hear an early refusal.
    let request = faults::take_in(request).await?;
    let serve = || protocol.call(request);
    let mut response = match fault {
        None => serve().await.map_err(|_| CutConnection)?,
        Some(fault) => match fault.step() {
            Step::Cut => return Err(CutConnection),
            Step::Hang => std::future::pending().await,
            Step::Refuse => faults::refusal(&fault)?,
            Step::Serve => {
                let response = serve().await.map_err(|_| CutConnection)?;
                fault.spoil(response).await?
            }
        },
    };
    // Told by the server's own clock, as the times of its objects are.
    response
        .headers_mut()
        .insert(DATE, http_date(room.shelf().now()));
    Ok(response)
}

fn http_date(time: SystemTime) -> HeaderValue {
    let mut text = Vec::new();
    let written = Timestamp::from(time).format(TimestampFormat::HttpDate, &mut text);
    written.ok();
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Frames a body that s3s understands.
fn whole(content: Bytes) -> Body {
    Body::from(content)
}
