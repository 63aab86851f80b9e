//! `generate` writes the committed document, `check` fails when it is not what the code says.
#![allow(clippy::print_stdout)]

use std::{fs, process::ExitCode};

use clap::Parser;
use stromtor_openapi::{COMMITTED, generate, lint};

#[derive(Parser)]
enum Command {
    /// Write openapi/stromtor.json.
    Generate,
    /// Fail when openapi/stromtor.json differs from the code, or breaks a rule of ours.
    Check,
}

fn main() -> ExitCode {
    let text = generate();
    let findings = lint::lint(&serde_json::from_str(&text).expect("what was just written can be read"));
    for finding in &findings {
        println!("{finding}");
    }
    let current = match Command::parse() {
        Command::Generate => fs::write(COMMITTED, text).is_ok(),
        Command::Check => fs::read_to_string(COMMITTED).is_ok_and(|committed| committed == text),
    };
    if !current {
        println!("openapi/stromtor.json is not what the code says: run `cargo run -p stromtor-openapi -- generate`");
    }
    if current && findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
