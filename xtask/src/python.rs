//! Virtual environments of Python below `target/`, for other people's software that is there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell;

/// What is installed, once.
pub(crate) struct Environment {
    /// The folder below `target/`.
    pub(crate) name: &'static str,
    /// Packages of PyPI, each with its version.
    pub(crate) packages: &'static [&'static str],
    /// A module that can be imported where all is well.
    pub(crate) module: &'static str,
    /// Interpreters that the packages run on, the likeliest first.
    pub(crate) interpreters: &'static [&'static str],
}

impl Environment {
    /// Where the environment's folders are.
    pub(crate) fn folder(&self) -> PathBuf {
        shell::root().join("target").join(self.name)
    }

    /// The interpreter of an environment in which the module can be imported.
    pub(crate) fn install(&self) -> Result<PathBuf, String> {
        let mut tried = Vec::new();
        for name in self.interpreters {
            let Some(interpreter) = shell::finds(name) else {
                tried.push(format!("{name}: not on the path"));
                continue;
            };
            let environment = self.folder().join(name);
            let python = environment.join("bin/python");
            if self.is_whole(&python) {
                return Ok(python);
            }
            let made = said(
                Command::new(interpreter)
                    .args(["-m", "venv"])
                    .arg(&environment),
            )
            .and_then(|_| {
                let mut pip = Command::new(&python);
                said(
                    pip.args(["-m", "pip", "install", "--quiet"])
                        .args(self.packages),
                )
            });
            match made {
                Ok(_) if self.is_whole(&python) => return Ok(python),
                Ok(_) => tried.push(format!("{name}: installed, but can't be imported")),
                Err(reason) => tried.push(format!("{name}: {reason}")),
            }
        }
        Err(format!(
            "{} could not be installed from PyPI:\n  {}",
            self.packages.join(", "),
            tried.join("\n  ")
        ))
    }

    fn is_whole(&self, python: &Path) -> bool {
        let import = format!("import {}", self.module);
        python.is_file() && said(Command::new(python).args(["-c", &import])).is_ok()
    }
}

/// What a program prints; an error holds the last line of its complaints.
pub(crate) fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("did not start: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    let last = complaints.lines().rfind(|line| !line.trim().is_empty());
    Err(format!("{} ({})", last.unwrap_or("no word"), output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_heard() {
        let failed = said(Command::new("sh").args(["-c", "echo why >&2; exit 3"]));
        assert!(failed.unwrap_err().starts_with("why (exit status: 3"));
        assert!(
            said(&mut Command::new("no such program"))
                .unwrap_err()
                .starts_with("did not start")
        );
    }
}
