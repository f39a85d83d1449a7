//! The envelope of one API call, as recorded.

/// One element of `Records`.
#[derive(Debug)]
pub struct Record<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}
