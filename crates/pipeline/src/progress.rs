//! What a step tells of its progress while it works, for whoever draws it.

/// Which step is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading log objects: amounts are objects and their packed bytes.
    Extract,
    /// Linking: amounts are hours to look at, and no bytes.
    Link,
}

/// So much of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Log objects, or hours.
    pub items: u64,
    /// Packed bytes of log objects.
    pub bytes: u64,
}

/// Is told how far a step is; called from many threads, and often.
pub trait Progress: Send + Sync {
    /// A step begins, and this is all it has to do as far as is known.
    fn begins(&self, _step: Step, _total: Amount) {}

    /// So much more there is to do than was known when the step began.
    fn finds(&self, _step: Step, _more: Amount) {}

    /// So much more is done.
    fn advances(&self, _step: Step, _by: Amount) {}

    /// The step has ended, well or not.
    fn ends(&self, _step: Step) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {}
