//! Every command that the pages of `docs/` show is run, and prints what they say it prints.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::room::{Room, printed, program, told};

/// What stands in a page for lines that it leaves out.
const LEFT_OUT: &str = "[…]";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder in which the commands of a page run: the sample lies in it, and nothing else.
fn room() -> Room {
    let room = Room::new();
    let samples = fs::canonicalize(repository().join("tests/samples")).unwrap();
    fs::create_dir(room.path("tests")).unwrap();
    symlink(samples, room.path("tests/samples")).unwrap();
    room
}

/// Runs a line as a shell does, `trailback` being the program under test.
fn run(line: &str, room: &Room) -> String {
    let program = program();
    let bin = Path::new(program.get_program()).parent().unwrap();
    let mut shell = Command::new("sh");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell
        .args(["-c", &format!("PATH=\"$BIN:$PATH\"\n{line}")])
        .current_dir(room.path(""))
        .env("BIN", bin)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{line}\n{}", told(&output));
    printed(&output)
}

/// The page with what its commands print now. A block of ```` ```console ```` holds lines that begin with `$ `, each
/// followed by what it prints; where the page leaves lines out, only the lines it has are kept up to date.
fn brought_up_to_date(page: &str, room: &Room) -> String {
    let mut fresh = String::new();
    let mut blocks = page.split("```console\n");
    fresh.push_str(blocks.next().unwrap());
    for block in blocks {
        let (console, rest) = block.split_once("```").unwrap();
        fresh.push_str("```console\n");
        for entry in console.split("$ ").skip(1) {
            let (line, shown) = entry.split_once('\n').unwrap();
            let _ = writeln!(fresh, "$ {line}");
            let printed = run(line, room);
            if shows(shown, &printed) {
                fresh.push_str(shown);
            } else {
                fresh.push_str(&printed);
            }
        }
        fresh.push_str("```");
        fresh.push_str(rest);
    }
    fresh
}

/// Whether `shown` is `printed`, with lines left out where it says so.
fn shows(shown: &str, printed: &str) -> bool {
    let divider = format!("{LEFT_OUT}\n");
    let mut parts = shown.split(&divider).peekable();
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    while let Some(part) = parts.next() {
        let at = match parts.peek() {
            Some(_) => rest.find(part),
            None => rest.ends_with(part).then(|| rest.len() - part.len()),
        };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

fn holds(name: &str) {
    let path = repository().join("docs").join(name);
    let page = fs::read_to_string(&path).unwrap();
    let fresh = brought_up_to_date(&page, &room());
    if fresh != page {
        let copy = std::env::temp_dir().join(name);
        fs::write(&copy, fresh).unwrap();
        panic!(
            "docs/{name} shows what the program no longer prints: see {}",
            copy.display()
        );
    }
}

#[test]
fn investigating_with_trailback_shows_what_is_printed() {
    holds("INVESTIGATING.md");
}

#[test]
fn detecting_with_trailback_shows_what_is_printed() {
    holds("DETECTING.md");
}

#[test]
fn lines_may_be_left_out_of_what_is_shown_and_not_changed() {
    let printed = "one\ntwo\nthree\n";
    for shown in [printed, "one\n[…]\nthree\n", "one\n[…]\n", "[…]\nthree\n"] {
        assert!(shows(shown, printed), "{shown}");
    }
    for shown in [
        "",
        "one\n",
        "two\n[…]\n",
        "one\n[…]\ntwo\n",
        "one\n[…]\nfour\n",
    ] {
        assert!(!shows(shown, printed), "{shown}");
    }
}
