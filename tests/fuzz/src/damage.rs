//! Panics that are no findings: tables makes an error of a panic of the Parquet library, and libFuzzer would end at it.

use std::panic;

/// From here on a panic ends the process only where our own code, or a check of a target, is what panics.
///
/// To be called before the first input, when libFuzzer has set its hook.
pub fn let_libraries_panic() {
    let ends_the_process = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let is_a_library = panic.location().is_some_and(|place| {
            let file = place.file();
            // Parquet cuts its pages out of `Bytes`, which is where it panics when a page index leads astray.
            ["parquet-", "arrow-", "bytes-"]
                .iter()
                .any(|library| file.contains(library))
                || file.contains("/rustc/")
        });
        if !is_a_library {
            ends_the_process(panic);
        }
    }));
}
