//! The progress bar: how far, how fast, how long still. Only on a terminal.

use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trailback_pipeline::progress::{Amount, Progress, Step};

const BYTES: &str = "{msg} [{bar:30}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
const ITEMS: &str = "{msg} [{bar:30}] {human_pos} of {human_len} hours, {per_sec}, {eta} left";

/// A bar on standard error, which hides itself where that is no terminal.
pub(crate) fn bar() -> Arc<dyn Progress> {
    Arc::new(Bar {
        current: Mutex::new(None),
    })
}

/// One bar at a time, because one step runs at a time.
struct Bar {
    current: Mutex<Option<(Step, ProgressBar)>>,
}

impl Bar {
    fn with_current(&self, act: impl FnOnce(&mut Option<(Step, ProgressBar)>)) {
        act(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn with_bar_of(&self, step: Step, act: impl FnOnce(&ProgressBar)) {
        self.with_current(|current| {
            if let Some((at_work, bar)) = current
                && *at_work == step
            {
                act(bar);
            }
        });
    }
}

/// What the bar of a step counts.
fn drawn(step: Step, amount: Amount) -> u64 {
    match step {
        Step::Extract => amount.bytes,
        Step::Link => amount.items,
    }
}

impl Progress for Bar {
    fn begins(&self, step: Step, total: Amount) {
        let (length, template, message) = match step {
            Step::Extract => (total.bytes, BYTES, "reading"),
            Step::Link => (total.items, ITEMS, "linking"),
        };
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        // A template that indicatif does not take leaves its plain bar.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(message);
        self.with_current(|current| *current = Some((step, bar)));
    }

    fn finds(&self, step: Step, more: Amount) {
        self.with_bar_of(step, |bar| bar.inc_length(drawn(step, more)));
    }

    fn advances(&self, step: Step, by: Amount) {
        self.with_bar_of(step, |bar| bar.inc(drawn(step, by)));
    }

    fn ends(&self, _step: Step) {
        self.with_current(|current| {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
        });
    }
}
