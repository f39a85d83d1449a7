//! The short forms in which columns are written down.

/// One entry a column: its meaning as a doc comment, its name, its field, and after `=>` what is special about it.
macro_rules! columns {
    ($($group:ident $access:ident {
        $($(#[doc = $meaning:literal])+ $name:ident: $field:expr $(=> $($with:ident),+)?;)+
    })+) => {
        &[$($(
            Column::new(
                Group::$group,
                stringify!($name),
                concat!($($meaning),+),
                Access::$access($field),
            )
            $($(.$with())+)?,
        )+)+]
    };
}

macro_rules! text {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| row.$($at).+.as_deref(),
            write: |row, value| set(&mut row.$($at).+, value),
        }
    };
}

macro_rules! text_always {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| Some(&row.$($at).+),
            write: |row, value| {
                row.$($at).+ = value;
                true
            },
        }
    };
}

macro_rules! word {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| Some(row.$($at).+.text()),
            write: |row, value| set_word(&mut row.$($at).+, &value),
        }
    };
}

macro_rules! word_or_null {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| row.$($at).+.map(Word::text),
            write: |row, value| set_known(&mut row.$($at).+, &value),
        }
    };
}

macro_rules! texts {
    ($($at:ident).+, $empty:expr) => {
        Field::Texts {
            read: |row| &row.$($at).+,
            write: |row, value| row.$($at).+ = value,
            empty: $empty,
        }
    };
}

macro_rules! tags {
    ($($at:ident).+) => {
        Field::TextMap { read: |row| &row.$($at).+, write: |row, value| row.$($at).+ = value }
    };
}

macro_rules! flag {
    ($($at:ident).+) => {
        Field::Bool { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

macro_rules! known_flag {
    ($($at:ident).+) => {
        Field::Bool { read: |row| Some(row.$($at).+), write: |row, value| row.$($at).+ = value }
    };
}

macro_rules! int {
    ($($at:ident).+) => {
        Field::Int { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

macro_rules! moment {
    ($($at:ident).+) => {
        Field::Timestamp { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

/// A number of things, absent where nobody counted.
macro_rules! count {
    ($($at:ident).+) => {
        Field::Long {
            read: |row| row.$($at).+.map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
            write: |row, value| row.$($at).+ = u64::try_from(value).ok(),
        }
    };
}
