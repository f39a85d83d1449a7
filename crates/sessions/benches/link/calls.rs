//! Invented AssumeRole calls, as many as wanted.

use trailback_sessions::{Issuance, SessionType, Text, Timestamp};

/// 2026-01-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

/// Xorshift: the same dice in every run.
pub(crate) struct Dice(u64);

impl Default for Dice {
    fn default() -> Dice {
        Dice(0x9e37_79b9_7f4a_7c15)
    }
}

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// Makes calls. Texts that many rows share are shared, as decoding from Parquet's dictionaries leaves them.
pub(crate) struct Calls {
    account: Text,
    role: Text,
    role_arn: Text,
    assumed_role: Text,
    user: Text,
    user_arn: Text,
}

impl Calls {
    pub(crate) fn new() -> Calls {
        Calls {
            account: "111122223333".into(),
            role: "deploy".into(),
            role_arn: "arn:aws:iam::111122223333:role/deploy".into(),
            assumed_role: "AssumedRole".into(),
            user: "IAMUser".into(),
            user_arn: "arn:aws:iam::111122223333:user/ann".into(),
        }
    }

    /// A call by an IAM user, told apart by its number.
    pub(crate) fn assume_role(&self, place: usize, at: Timestamp) -> Issuance {
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

    /// Says that `parent`'s session made the call, by its key or by one that was never logged.
    pub(crate) fn make_by(&self, row: &mut Issuance, parent: &Issuance, key_was_logged: bool) {
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
