//! Where a passphrase comes from: a file, the environment, or the terminal.

use std::{
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use node::keystore::Passphrase;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::{Failure, Result};

const PASSPHRASE_BYTES_MAX: u64 = 4 * 1024;

/// The passphrase that opens a file.
///
/// # Errors
/// A usage error where there is none and nobody to ask.
pub fn to_open(file: Option<&Path>, what: &str) -> Result<Passphrase> {
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None => Ok(Passphrase::new(ask(&format!("passphrase of {what}: "))?)),
    }
}

/// The passphrase of a file that is made now; typed twice where it is typed.
///
/// # Errors
/// A usage error where there is none and nobody to ask, or the two differ.
pub fn to_make(file: Option<&Path>, what: &str) -> Result<Passphrase> {
    if let Some(passphrase) = given(file)? {
        return Ok(passphrase);
    }
    let first = zeroize::Zeroizing::new(ask(&format!("new passphrase of {what}: "))?);
    let second = zeroize::Zeroizing::new(ask("the same again: ")?);
    if first != second {
        return Err(Failure::usage("the two passphrases differ"));
    }
    Ok(Passphrase::new(first.as_str().to_owned()))
}

fn given(file: Option<&Path>) -> Result<Option<Passphrase>> {
    if let Some(path) = file {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(PASSPHRASE_BYTES_MAX).read_to_string(&mut text))
            .map_err(|error| Failure::file(path, error))?;
        return Ok(Some(Passphrase::new(text)));
    }
    Ok(std::env::var("CORDON_PASSPHRASE").ok().map(Passphrase::new))
}

/// Asks on the terminal without showing what is typed.
fn ask(question: &str) -> Result<String> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(
            Failure::usage("no passphrase given and no terminal to ask on")
                .advise("use --passphrase-file FILE, CORDON_PASSPHRASE_FILE or CORDON_PASSPHRASE"),
        );
    }
    let trouble = |error: io::Error| Failure::trouble("terminal", error);
    write!(io::stderr(), "{question}").map_err(trouble)?;
    let before = tcgetattr(&input).map_err(|error| trouble(error.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &silent).map_err(|error| trouble(error.into()))?;
    let mut line = String::new();
    let read = input.read_line(&mut line);
    tcsetattr(&input, OptionalActions::Flush, &before).map_err(|error| trouble(error.into()))?;
    writeln!(io::stderr()).map_err(trouble)?;
    read.map_err(trouble)?;
    if line.trim().is_empty() {
        return Err(Failure::usage("an empty passphrase protects nothing"));
    }
    Ok(line)
}
