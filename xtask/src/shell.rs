//! Runs other programs, showing what is run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map(Path::to_owned).unwrap_or(manifest)
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    // What `cargo run` set for us is not for the cargo that we call.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Where a program is on the path.
pub(crate) fn finds(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end; an error says which command failed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|e| format!("`{shown}` did not start: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed ({status})"))
    }
}

/// Runs to the end, showing and handing over each line of both outputs.
///
/// Returns whether it succeeded.
pub(crate) fn listen(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool, String> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let failed = |e: std::io::Error| format!("`{shown}`: {e}");
    // Both outputs come through one pipe, so their lines keep their order.
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer)
        .spawn()
        .map_err(failed)?;
    // The command holds the pipe's other ends until it is given new ones.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).map_err(failed)? > 0 {
        std::io::stderr().write_all(&bytes).map_err(failed)?;
        line(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    Ok(child.wait().map_err(failed)?.success())
}

/// Replaces this process; returns only when that failed.
pub(crate) fn become_it(command: &mut Command) -> String {
    eprintln!("$ {}", show(command));
    let error = command.exec();
    format!("`{}` did not start: {error}", show(command))
}
