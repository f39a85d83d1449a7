//! Linking in memory: sessions per second of CPU time on one core, from 10^4 to 10^7 rows.
//!
//! `cargo bench -p trailback-sessions --bench link [-- LARGEST]`, LARGEST a power of ten (7 needs 18 GB of memory).
//! Rows are AssumeRole calls over 36 hours in the order of time: 60 % by IAM users, 40 % by one of the last thousand
//! sessions, half of these by a key that was never logged (session context). Each size is linked three times; the
//! table gives the median. "Linking" finds every row's parent, origin and chain; "handing out" moves the rows
//! with it. Making the rows and freeing them is not measured.

use cpu_time::ThreadTime;
use trailback_sessions::{Issuance, SessionType, Text, Timestamp, link_each};

/// 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() {
    let largest: u32 = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .next_back()
        .unwrap_or(6);
    println!(
        "{:>10} {:>26} {:>26} {:>9}",
        "", "linking", "and handing out rows", ""
    );
    println!(
        "{:>10} {:>12} {:>13} {:>12} {:>13} {:>9}",
        "sessions", "ns/session", "sessions/s", "ns/session", "sessions/s", "linked"
    );
    for size in (4..=largest).map(|power| 10_usize.pow(power)) {
        let mut runs: Vec<Run> = (0..3).map(|_| measure(size)).collect();
        runs.sort_by(|a, b| a.linking.total_cmp(&b.linking));
        let Run {
            linking,
            handing_out,
            linked,
        } = runs[1];
        let nanoseconds = |seconds: f64| 1e9 * seconds / size as f64;
        let rate = |seconds: f64| size as f64 / seconds;
        println!(
            "{size:>10} {:>12.0} {:>13.0} {:>12.0} {:>13.0} {linked:>9}",
            nanoseconds(linking),
            rate(linking),
            nanoseconds(linking + handing_out),
            rate(linking + handing_out),
        );
    }
}

/// CPU seconds of one run.
#[derive(Clone, Copy)]
struct Run {
    linking: f64,
    handing_out: f64,
    linked: usize,
}

/// Linked rows are taken over in lots of this many; between two lots the clock stands still and they are freed.
const LOT: usize = 4096;

fn measure(size: usize) -> Run {
    let rows = issuances(size);
    let mut before = ThreadTime::now();
    let mut each = link_each(rows, &[]);
    let mut run = Run {
        linking: before.elapsed().as_secs_f64(),
        handing_out: 0.0,
        linked: 0,
    };
    let mut lot = Vec::with_capacity(LOT);
    loop {
        before = ThreadTime::now();
        lot.extend(each.by_ref().take(LOT));
        run.handing_out += before.elapsed().as_secs_f64();
        if lot.is_empty() {
            return run;
        }
        run.linked += lot.iter().filter(|session| session.chain.depth > 0).count();
        lot.clear();
    }
}

fn issuances(size: usize) -> Vec<Issuance> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    };
    let shared = Shared::new();
    let mut rows: Vec<Issuance> = Vec::with_capacity(size);
    for place in 0..size {
        let at = START_MS + (place as i64 * 36 * 3_600 / size as i64) * 1000;
        let mut row = shared.assume_role(place, Timestamp(at));
        if place > 0 && random(10) < 4 {
            let back = 1 + random(place.min(1000));
            let parent = &rows[place - back];
            shared.call_from(&mut row, parent, random(2) == 0);
        }
        rows.push(row);
    }
    rows
}

/// Texts that many rows share, as decoding from Parquet's dictionaries leaves them.
struct Shared {
    account: Text,
    role: Text,
    role_arn: Text,
    assumed_role: Text,
    user: Text,
    user_arn: Text,
}

impl Shared {
    fn new() -> Shared {
        Shared {
            account: "111122223333".into(),
            role: "deploy".into(),
            role_arn: "arn:aws:iam::111122223333:role/deploy".into(),
            assumed_role: "AssumedRole".into(),
            user: "IAMUser".into(),
            user_arn: "arn:aws:iam::111122223333:user/ann".into(),
        }
    }

    fn assume_role(&self, place: usize, at: Timestamp) -> Issuance {
        let mut row = Issuance::default();
        row.record.event_id = format!("{place:08x}-0000-4000-8000-000000000000").into();
        row.record.event_ids = vec![row.record.event_id.clone()];
        row.record.event_time = at;
        row.record.recipient_account_id = Some(self.account.clone());
        row.session.session_type = SessionType::AssumedRole;
        row.session.access_key_id = Some(format!("ASIA{place:016X}").into());
        row.session.session_principal_id = Some(format!("AROAEXAMPLEEXAMPLE00:s-{place}").into());
        row.session.session_arn =
            Some(format!("arn:aws:sts::111122223333:assumed-role/deploy/s-{place}").into());
        row.session.role_arn = Some(self.role_arn.clone());
        row.session.role_name = Some(self.role.clone());
        row.session.role_account_id = Some(self.account.clone());
        row.caller.caller_type = Some(self.user.clone());
        row.caller.caller_arn = Some(self.user_arn.clone());
        row.caller.caller_account_id = Some(self.account.clone());
        row
    }

    fn call_from(&self, row: &mut Issuance, parent: &Issuance, key_was_logged: bool) {
        let caller = &mut row.caller;
        caller.caller_type = Some(self.assumed_role.clone());
        caller.caller_arn = parent.session.session_arn.clone();
        caller.caller_principal_id = parent.session.session_principal_id.clone();
        caller.caller_session_created_at = Some(parent.record.event_time);
        caller.caller_access_key_id = if key_was_logged {
            parent.session.access_key_id.clone()
        } else {
            Some("ASIANEVERLOGGED00000".into())
        };
    }
}
