//! Who made a call, as recorded: `userIdentity` and its session context.

/// `userIdentity` of one record.
#[derive(Debug)]
pub struct UserIdentity<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}
