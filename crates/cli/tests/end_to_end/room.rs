//! A place to run the program in: a temporary folder, the sample, and what a lake holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A temporary folder with a lake in it.
pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    /// An empty one.
    pub(crate) fn new() -> Room {
        Room {
            folder: TempDir::new().unwrap(),
        }
    }

    /// One whose lake holds the sample.
    pub(crate) fn with_sample() -> Room {
        let room = Room::new();
        let ingested = room.run(&["ingest", &samples().join("logs").display().to_string()]);
        assert!(ingested.status.success(), "{}", told(&ingested));
        room
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the lake.
    pub(crate) fn lake(&self) -> PathBuf {
        self.path("lake")
    }

    /// The program with these arguments and this lake, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).arg("--lake").arg(self.lake());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs it, expects it to find what was asked for, and gives what it prints.
    pub(crate) fn answer(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        printed(&output)
    }

    /// Writes a file into the folder of log objects.
    pub(crate) fn write_log(&self, name: &str, content: &[u8]) {
        let path = self.path("logs").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// The program, in an environment that does not decide anything.
pub(crate) fn program() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trailback"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM"] {
        command.env_remove(name);
    }
    let of_aws = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"));
    for (name, _) in of_aws {
        command.env_remove(name);
    }
    command
}

/// The folder of the sample.
pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples")
}

/// Standard output.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error.
pub(crate) fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The linked table of a lake: the names and bytes of its data objects, and its manifests.
pub(crate) fn table(lake: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(&lake.join("sessions/data"));
    files.extend(self::files(&lake.join("sessions/table")));
    files.retain(|name, _| name.ends_with(".parquet") || name.ends_with("symlink.txt"));
    files
}

/// Every file under a folder, by its path below it.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if let Ok(content) = fs::read(&path) {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, content);
        }
    }
    found
}
