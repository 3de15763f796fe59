//! Progress on long work, on stderr and for a terminal alone.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use investigate::Progress;

use crate::terminal;

const TICK: Duration = Duration::from_millis(100);
const TEMPLATE: &str = "{spinner} reading {bytes} of {total_bytes}  {msg}  {elapsed}";

/// Shows the counters until it is dropped.
pub(crate) struct Shown {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    pub(crate) fn start(progress: Arc<Progress>) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let seen = std::io::stderr().is_terminal() && !terminal::dumb();
        let thread = seen.then(|| {
            let done = done.clone();
            std::thread::spawn(move || show(&progress, &done))
        });
        Self { done, thread }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.total.load(Ordering::Relaxed));
        bar.set_position(progress.bytes.load(Ordering::Relaxed));
        bar.set_message(format!(
            "{} files, {} events",
            progress.items.load(Ordering::Relaxed),
            progress.events.load(Ordering::Relaxed)
        ));
        bar.tick();
        std::thread::sleep(TICK);
    }
    bar.finish_and_clear();
}
