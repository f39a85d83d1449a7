//! What stands around the program in tests: an S3 server and a Lambda Runtime API on loopback.

pub mod deployment;
pub mod notices;
pub mod runtime_api;
pub mod s3_server;
pub mod usage;
