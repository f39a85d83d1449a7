//! Temporary files, which become objects by rename and vanish otherwise.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// What names of temporary files start with.
const PREFIX: &str = ".tmp-";

/// A file on its way to become an object; deleted when dropped before. Its lock says that its writer lives.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl TemporaryFile {
    /// Writes a new temporary file, down to the disk.
    pub(super) fn write(folder: &Path, content: &[u8]) -> io::Result<TemporaryFile> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{PREFIX}{}-{number}", process::id()));
            let file = match File::options().write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            let mut temporary = TemporaryFile {
                path,
                file,
                renamed: false,
            };
            temporary.file.lock()?;
            temporary.file.write_all(content)?;
            temporary.file.sync_all()?;
            return Ok(temporary);
        }
    }

    /// What the file system knows of it.
    pub(super) fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }

    /// Gives the file its name, replacing what is there.
    pub(super) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a file name is a temporary file's.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Removes a temporary file whose writer is dead.
pub(super) fn remove_if_abandoned(path: &Path) -> io::Result<()> {
    let file = match File::options().write(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => super::absent_is_fine(fs::remove_file(path)),
        Err(fs::TryLockError::WouldBlock) => Ok(()),
        Err(fs::TryLockError::Error(e)) => Err(e),
    }
}
