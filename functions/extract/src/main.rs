//! Extracts log objects as CloudTrail delivers them.

mod handler;
mod notification;
mod outcomes;
mod settings;
mod work;

use std::process::ExitCode;

use handler::Handler;
use settings::Settings;
use trailback_operation::{invocation, logs};

/// Faster than the system's: see `Cargo.toml`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(wrong) => return logs::refuse(&wrong),
    };
    logs::start(settings.log_level);
    let handler = Handler::new(settings).await;
    invocation::serve(|invocation| handler.handle(invocation)).await
}
