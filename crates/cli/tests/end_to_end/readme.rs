//! The README shows what the program prints.

use std::path::Path;

use crate::room::Room;

#[test]
fn the_readme_shows_the_trace_that_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, after) = readme.split_once("```text\n").unwrap();
    let (shown, _) = after.split_once("```").unwrap();
    let printed = Room::with_sample().answer(&["trace", "ASIAWO645SY5JF6HUBQ3"]);
    assert_eq!(shown, printed, "copy the new trace into README.md");
}

#[test]
fn the_commands_of_the_readme_are_commands_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let commands = readme
        .lines()
        .filter_map(|line| line.split_once("`trailback ")?.1.split([' ', '`']).next());
    let mut count = 0;
    for command in commands {
        let help = crate::room::program()
            .args([command, "--help"])
            .output()
            .unwrap();
        assert!(help.status.success(), "{command}");
        count += 1;
    }
    assert!(count >= 6, "the README names the commands");
}
