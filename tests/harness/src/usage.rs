//! What a process has used, for benchmarks. Linux only: it reads `/proc`.

use std::fs;
use std::time::Duration;

/// How many ticks the kernel counts a second: `USER_HZ`, which is 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The most memory it had at any time, in bytes.
    pub peak_bytes: u64,
    /// The time that all its threads have computed.
    pub cpu: Duration,
}

impl Usage {
    /// Of a running process; nothing where there is none.
    pub fn of(process_id: u32) -> Usage {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process_id}/{file}"));
        Usage {
            peak_bytes: peak_bytes(&read("status").unwrap_or_default()),
            cpu: cpu(&read("stat").unwrap_or_default()),
        }
    }
}

/// `VmHWM:    12345 kB`
fn peak_bytes(status: &str) -> u64 {
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// The 14th and 15th field; the name before them may hold spaces, but ends with the last parenthesis.
fn cpu(stat: &str) -> Duration {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_understood() {
        assert_eq!(
            peak_bytes("Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n"),
            2048 * 1024
        );
        let stat = "1 (a b) c) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 1000 200";
        assert_eq!(cpu(stat), Duration::from_secs(2));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Usage::of(std::process::id()).peak_bytes > 1_000_000);
        assert_eq!(Usage::of(u32::MAX), Usage::default());
    }
}
