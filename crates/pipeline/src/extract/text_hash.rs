//! The SHA-256 of a log object's text, which CloudTrail's digests name, computed beside the parsing.
//!
//! What fits into the first block is hashed where it is, because handing it to another thread would cost as much. The
//! rest goes to a thread of its own, so that a large object is not parsed slower for it where a core is free.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

/// How much text is hashed where it was unpacked.
const NEAR_BYTES: u64 = 256 * 1024;

/// How many blocks wait for the other thread.
const BLOCKS_WAITING: usize = 4;

/// The hash of a text that comes block by block.
pub(super) enum TextHash {
    /// Nobody wants to know.
    Off,
    /// The text is still short.
    Near { hash: Sha256, bytes: u64 },
    /// The text is long.
    Beside(Beside),
}

/// A thread that hashes.
pub(super) struct Beside {
    blocks: SyncSender<Vec<u8>>,
    /// Blocks that were hashed, to be filled again.
    used: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl TextHash {
    /// Of no text yet.
    pub(super) fn new(is_wanted: bool) -> TextHash {
        if is_wanted {
            let hash = Sha256::new();
            TextHash::Near { hash, bytes: 0 }
        } else {
            TextHash::Off
        }
    }

    /// Takes the next block.
    pub(super) fn add(&mut self, block: &[u8]) {
        match self {
            TextHash::Off => {}
            TextHash::Near { hash, bytes } if *bytes + block.len() as u64 > NEAR_BYTES => {
                let mut beside = Beside::start(std::mem::take(hash));
                beside.add(block);
                *self = TextHash::Beside(beside);
            }
            TextHash::Near { hash, bytes } => {
                hash.update(block);
                *bytes += block.len() as u64;
            }
            TextHash::Beside(beside) => beside.add(block),
        }
    }

    /// The hash, once all text has come.
    pub(super) fn finish(self) -> Option<[u8; 32]> {
        match self {
            TextHash::Off => None,
            TextHash::Near { hash, .. } => Some(hash.finalize().into()),
            TextHash::Beside(beside) => beside.finish(),
        }
    }
}

impl Beside {
    fn start(mut hash: Sha256) -> Beside {
        let (blocks, to_hash) = sync_channel::<Vec<u8>>(BLOCKS_WAITING);
        let (back, used) = channel();
        let thread = std::thread::spawn(move || {
            for block in to_hash {
                hash.update(&block);
                // Where nobody fills blocks any more, the text has ended.
                let _ = back.send(block);
            }
            hash
        });
        Beside {
            blocks,
            used,
            thread,
        }
    }

    fn add(&mut self, block: &[u8]) {
        let mut copy = self.used.try_recv().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(block);
        // A thread that died is met when it is joined.
        let _ = self.blocks.send(copy);
    }

    fn finish(self) -> Option<[u8; 32]> {
        drop(self.blocks);
        let hash = self.thread.join().ok()?;
        Some(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_hash_does_not_depend_on_how_the_text_comes(
            text in prop::collection::vec(any::<u8>(), 0..2000),
            repeats in prop_oneof![Just(1_usize), 1_usize..600],
            block_bytes in 100_usize..300_000,
        ) {
            let text = text.repeat(repeats);
            let mut hash = TextHash::new(true);
            text.chunks(block_bytes).for_each(|block| hash.add(block));
            let whole: [u8; 32] = Sha256::digest(&text).into();
            prop_assert_eq!(hash.finish(), Some(whole));
        }
    }

    #[test]
    fn nothing_is_hashed_unless_it_is_wanted() {
        let mut hash = TextHash::new(false);
        hash.add(b"text");
        assert_eq!(hash.finish(), None);
    }
}
