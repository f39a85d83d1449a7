//! A model of the lake's protocol: everybody at work on one lake, interleaved at every call of the store.
//!
//! The actors are the real code: extractors, linkers (who fold fragments and remove garbage too), readers, and backfills
//! that ask the ledger. The store is one in which every call waits for its turn ([`crate::store::scheduled`]), so that a
//! schedule decides who goes on, whose call fails, whose answer is lost, and who dies. A dead actor begins anew.
//!
//! After every write [`promises`] looks at the lake from outside:
//!
//! - What a manifest names is there and is what its name says. A day is what one linker alone would publish of some
//!   fragments that were stored by then (and of the day before as it was published at some time).
//! - Nothing that was published of a day is missing in its next generation, and what a query may still read is there.
//! - Every row that was ever stored is in a fragment, and what the ledger says was read is stored.
//! - A linker that ends well has published what was stored when it first listed. A reader sees one generation of each day, none older
//!   than when it began.
//!
//! In the end, once everybody has finished and one more linker has run, the lake is what one extractor and one linker
//! make of the same log objects, and another linker finds nothing to do.
//!
//! Small cases are played in [every order](explore), large ones in random ones ([`random`]), in which time passes and the store's
//! dates differ from its clock. A fault or a death may come at any call; pages of listings are as short as one object.
//!
//! What is not in the model: time budgets, rebuilds, locks of folders, several versions of the program, damaged objects, people
//! who delete things by hand, and chains of links over more than two days.

mod alone;
mod exhaustive;
mod explore;
mod facts;
mod found;
mod play;
mod promises;
mod random;
mod scenario;
