//! Lambda as a function sees it: the Runtime API on loopback, and the real binary as a process that asks it for work.
//!
//! What Lambda does to a function is done here too: one invocation at a time, a deadline after which the process is
//! killed, a new process for the next invocation where the old one died.
//!
//! Source: AWS, "Using the Lambda runtime API for custom runtimes".

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

const VERSION: &str = "/2018-06-01/runtime/";

/// How a function answered an invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It responded.
    Response(Value),
    /// It reported an error.
    Error(ReportedError),
    /// Its process ended without an answer.
    Died(ExitStatus),
    /// It was killed at its deadline.
    TimedOut,
}

/// What a function says of its failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedError {
    /// The kind.
    pub error_type: String,
    /// The words.
    pub error_message: String,
}

/// One invocation on its way to the process.
struct Invocation {
    request_id: String,
    deadline: SystemTime,
    payload: Bytes,
}

/// What the server and the tests share.
#[derive(Default)]
struct Shared {
    /// Who waits for which answer, by request ID.
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    /// Told when the process asks for its first invocation, and for every later one.
    is_ready: Notify,
}

/// A Runtime API.
struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    invocations: mpsc::Sender<Invocation>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    async fn start() -> RuntimeApi {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("no free port");
        let address = listener.local_addr().expect("a bound port");
        let shared = Arc::new(Shared::default());
        let (invocations, next) = mpsc::channel(1);
        let server = Server {
            shared: Arc::clone(&shared),
            next: Arc::new(tokio::sync::Mutex::new(next)),
        };
        RuntimeApi {
            address,
            shared,
            invocations,
            server: tokio::spawn(server.serve(listener)),
        }
    }
}

/// Answers the requests of the function.
#[derive(Clone)]
struct Server {
    shared: Arc<Shared>,
    next: Arc<tokio::sync::Mutex<mpsc::Receiver<Invocation>>>,
}

impl Server {
    async fn serve(self, listener: TcpListener) {
        while let Ok((connection, _)) = listener.accept().await {
            let server = self.clone();
            let answer = service_fn(move |request| server.clone().answer(request));
            tokio::spawn(async move {
                // A function that is killed breaks its connection: nothing to tell.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(connection), answer)
                    .await;
            });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().strip_prefix(VERSION).unwrap_or("");
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let response = match (request.method(), &parts[..]) {
            (&Method::GET, ["invocation", "next"]) => self.next_invocation().await,
            (&Method::POST, ["invocation", request_id, "response"]) => {
                let body = body_of(request).await;
                let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
                self.take(request_id, Answer::Response(answer))
            }
            (&Method::POST, ["invocation", request_id, "error"]) => {
                let body = body_of(request).await;
                let error = serde_json::from_slice(&body).unwrap_or_default();
                self.take(request_id, Answer::Error(error))
            }
            _ => with_status(StatusCode::NOT_FOUND),
        };
        Ok(response)
    }

    /// Holds the request until there is work, as Lambda does.
    async fn next_invocation(&self) -> Response<Full<Bytes>> {
        self.shared.is_ready.notify_one();
        let Some(invocation) = self.next.lock().await.recv().await else {
            return with_status(StatusCode::GONE);
        };
        let deadline = invocation.deadline.duration_since(UNIX_EPOCH);
        let deadline_ms = deadline.unwrap_or_default().as_millis();
        Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &invocation.request_id)
            .header("Lambda-Runtime-Deadline-Ms", deadline_ms.to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN)
            .header(
                "Lambda-Runtime-Trace-Id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            )
            .body(Full::new(invocation.payload))
            .unwrap_or_else(|_| with_status(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn take(&self, request_id: &str, answer: Answer) -> Response<Full<Bytes>> {
        let mut waiting = self
            .shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(request_id) {
            Some(waiting) => {
                // Whoever asked may have given up in the meantime.
                let _ = waiting.send(answer);
                with_status(StatusCode::ACCEPTED)
            }
            None => with_status(StatusCode::BAD_REQUEST),
        }
    }
}

const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:trailback-test";

async fn body_of(request: Request<Incoming>) -> Bytes {
    match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    }
}

fn with_status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}")));
    *response.status_mut() = status;
    response
}

/// A function: its binary, and how it is set.
pub struct Function {
    binary: String,
    environment: Vec<(String, String)>,
    running: Option<Running>,
    invoked: u64,
    lines: Arc<Mutex<Vec<String>>>,
}

/// A process that waits for work.
struct Running {
    api: RuntimeApi,
    process: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Function {
    /// A function of a binary (`env!("CARGO_BIN_EXE_…")`) with these environment variables, and no others but those
    /// that Lambda sets itself. Its process starts with the first invocation.
    pub fn new(binary: &str, environment: &[(&str, &str)]) -> Function {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Function {
            binary: binary.to_owned(),
            environment: environment.iter().map(own).collect(),
            running: None,
            invoked: 0,
            lines: Arc::default(),
        }
    }

    /// Starts the process and waits until it asks for its first invocation; tells whether it got that far, or how it
    /// ended.
    ///
    /// # Errors
    ///
    /// The exit status of a process that ended instead.
    pub async fn start(&mut self) -> Result<(), ExitStatus> {
        if self.running.is_some() {
            return Ok(());
        }
        let mut running = self.spawn().await;
        let is_ready = tokio::select! {
            () = running.api.shared.is_ready.notified() => Ok(()),
            ended = running.process.wait() => Err(ended.expect("a process that can be waited for")),
        };
        match is_ready {
            Ok(()) => self.running = Some(running),
            Err(_) => running.hear_to_the_end().await,
        }
        is_ready
    }

    async fn spawn(&self) -> Running {
        let api = RuntimeApi::start().await;
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "trailback-test")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("the binary is built and can be run");
        let stdout = process.stdout.take().map(|stdout| self.hear(stdout));
        let stderr = process.stderr.take().map(|stderr| self.hear(stderr));
        Running {
            api,
            process,
            readers: stdout.into_iter().chain(stderr).collect(),
        }
    }

    fn hear(&self, output: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let heard = Arc::clone(&self.lines);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        })
    }

    /// Invokes the function, as Lambda with such a timeout does.
    pub async fn invoke(&mut self, payload: &Value, timeout: Duration) -> Answer {
        if let Err(status) = self.start().await {
            return Answer::Died(status);
        }
        let Some(running) = &mut self.running else {
            unreachable!("it was started");
        };
        self.invoked += 1;
        let request_id = format!("8476a536-e9f4-11e8-9739-{:012}", self.invoked);
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&running.api.shared);
        let waiting = || {
            shared
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        waiting().insert(request_id.clone(), answer);
        let invocation = Invocation {
            request_id: request_id.clone(),
            deadline: now() + timeout,
            payload: Bytes::from(payload.to_string()),
        };
        let sent = running.api.invocations.send(invocation).await;
        sent.expect("the server runs as long as the process");
        let answer = tokio::select! {
            biased;
            Ok(answer) = answered => answer,
            ended = running.process.wait() => {
                Answer::Died(ended.expect("a process that can be waited for"))
            }
            () = tokio::time::sleep(timeout) => Answer::TimedOut,
        };
        waiting().remove(&request_id);
        if matches!(answer, Answer::Died(_) | Answer::TimedOut) {
            self.stop().await;
        }
        answer
    }

    /// Ends the process; the next invocation starts another one.
    pub async fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself.
            let _ = running.process.kill().await;
            running.hear_to_the_end().await;
        }
    }

    /// The ID of the process, while there is one.
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref()?.process.id()
    }

    /// Everything that the function wrote since this was asked for last: its log lines and its metrics.
    pub fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Running {
    async fn hear_to_the_end(&mut self) {
        for reader in self.readers.drain(..) {
            // A reader does not fail: it ends with its pipe.
            let _ = reader.await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline is a moment of the world's clock, as Lambda tells it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
