//! The program as people run it: log objects in, answers out.

mod bad_input;
mod corpus;
mod interrupted;
mod lakes;
mod readme;
mod room;
mod sample;
