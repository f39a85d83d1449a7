//! Where the simulated organisation's CloudTrail goes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use crate::truth::{Truth, UseTruth};

/// Takes what the simulation delivers, as it goes.
pub trait Sink {
    /// One delivered object: its key (`AWSLogs/…json.gz`) and its content, not compressed.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking it; the simulation stops.
    fn object(&mut self, key: &str, json: &[u8]) -> io::Result<()>;

    /// The truth about one issuing call or witness. Its records may be delivered later.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking it; the simulation stops.
    fn truth(&mut self, truth: Truth) -> io::Result<()>;

    /// The truth about one use of a session, of a sample of them.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking it; the simulation stops.
    fn used(&mut self, used: UseTruth) -> io::Result<()>;
}

/// Keeps all in memory, for tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// Keys and contents, in the order of delivery.
    pub objects: Vec<(String, Vec<u8>)>,
    /// One per issuing call or witness.
    pub truths: Vec<Truth>,
    /// A sample of uses.
    pub uses: Vec<UseTruth>,
}

impl Sink for Gathered {
    fn object(&mut self, key: &str, json: &[u8]) -> io::Result<()> {
        self.objects.push((key.to_owned(), json.to_vec()));
        Ok(())
    }

    fn truth(&mut self, truth: Truth) -> io::Result<()> {
        self.truths.push(truth);
        Ok(())
    }

    fn used(&mut self, used: UseTruth) -> io::Result<()> {
        self.uses.push(used);
        Ok(())
    }
}

/// Writes a tree of gzip files, and the truth as JSON lines.
pub struct Folder {
    root: PathBuf,
    truths: Option<BufWriter<File>>,
    uses: Option<BufWriter<File>>,
    made: Option<PathBuf>,
}

impl Folder {
    /// Log objects go below `root`, which is made where it is missing; truths and uses where a file is given.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(root: &Path, truths: Option<&Path>, uses: Option<&Path>) -> io::Result<Self> {
        let writer = |path: &Path| File::create(path).map(BufWriter::new);
        fs::create_dir_all(root)?;
        Ok(Self {
            root: root.to_owned(),
            truths: truths.map(writer).transpose()?,
            uses: uses.map(writer).transpose()?,
            made: None,
        })
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(self) -> io::Result<()> {
        for mut file in [self.truths, self.uses].into_iter().flatten() {
            file.flush()?;
        }
        Ok(())
    }

    /// Objects of one day and account follow each other, so the folder is mostly there.
    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.made.as_deref() != Some(folder) {
            fs::create_dir_all(folder)?;
            self.made = Some(folder.to_owned());
        }
        Ok(())
    }
}

impl Sink for Folder {
    fn object(&mut self, key: &str, json: &[u8]) -> io::Result<()> {
        let path = self.root.join(key);
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        fs::write(&path, gzip(key, json)?)
    }

    fn truth(&mut self, truth: Truth) -> io::Result<()> {
        line(&mut self.truths, || truth.to_json())
    }

    fn used(&mut self, used: UseTruth) -> io::Result<()> {
        line(&mut self.uses, || used.to_json())
    }
}

fn line(file: &mut Option<BufWriter<File>>, json: impl FnOnce() -> String) -> io::Result<()> {
    match file {
        Some(file) => writeln!(file, "{}", json()),
        None => Ok(()),
    }
}

/// The content as CloudTrail compresses it; one object of eight has two members, cut at any byte.
///
/// # Errors
/// None that memory does not raise.
pub fn gzip(key: &str, json: &[u8]) -> io::Result<Vec<u8>> {
    // FNV-1a of the key: the same object has the same members whoever writes it.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let cut = match hash >> 61 {
        0 => (hash >> 8) as usize % json.len().max(1),
        _ => json.len(),
    };
    let mut out = Vec::with_capacity(json.len() / 4);
    let (first, second) = json.split_at(cut);
    for member in [first, second]
        .into_iter()
        .filter(|member| !member.is_empty())
    {
        let mut encoder = GzBuilder::new().write(&mut out, Compression::fast());
        encoder.write_all(member)?;
        encoder.finish()?;
    }
    Ok(out)
}
