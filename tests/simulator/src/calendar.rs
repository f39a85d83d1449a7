//! Times as CloudTrail spells them.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Days since 1970 to a Gregorian date, counting years from March.
fn civil(unix_seconds: i64) -> Civil {
    let (days, rest) = (
        unix_seconds.div_euclid(86_400),
        unix_seconds.rem_euclid(86_400),
    );
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        hour: rest / 3_600,
        minute: rest / 60 % 60,
        second: rest % 60,
    }
}

/// `2026-11-20T05:03:09Z`
pub(crate) fn rfc3339(unix_seconds: i64) -> String {
    let at = civil(unix_seconds);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

/// `Nov 20, 2026, 5:03:09 AM`, as STS writes `expiration`.
pub(crate) fn expiration(unix_seconds: i64) -> String {
    let at = civil(unix_seconds);
    let half = if at.hour < 12 { "AM" } else { "PM" };
    format!(
        "{} {}, {}, {}:{:02}:{:02} {half}",
        MONTHS[(at.month - 1) as usize],
        at.day,
        at.year,
        (at.hour + 11) % 12 + 1,
        at.minute,
        at.second
    )
}

/// `2026/11/20`, the folder of a log object.
pub(crate) fn day_folder(unix_seconds: i64) -> String {
    let at = civil(unix_seconds);
    format!("{:04}/{:02}/{:02}", at.year, at.month, at.day)
}

/// `20261120T0505Z`, the time in a log object's name.
pub(crate) fn minute_stamp(unix_seconds: i64) -> String {
    let at = civil(unix_seconds);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}Z",
        at.year, at.month, at.day, at.hour, at.minute
    )
}

/// `20261120T050509Z`, the time in a digest's name.
pub(crate) fn second_stamp(unix_seconds: i64) -> String {
    let at = civil(unix_seconds);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_cloudtrail_spells_them() {
        assert_eq!(rfc3339(1_688_990_087), "2023-07-10T11:54:47Z");
        assert_eq!(expiration(1_688_990_987), "Jul 10, 2023, 12:09:47 PM");
        assert_eq!(expiration(1_709_164_800), "Feb 29, 2024, 12:00:00 AM");
        assert_eq!(day_folder(1_709_164_800), "2024/02/29");
        assert_eq!(minute_stamp(1_688_990_087), "20230710T1154Z");
        assert_eq!(second_stamp(1_688_990_087), "20230710T115447Z");
    }
}
