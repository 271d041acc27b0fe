//! The file: replaced as a whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::trace::io_error_text;

/// The same file on the same device (stat(2)).
fn is_standard_output(there: &Metadata) -> bool {
    let output = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let output = output.and_then(|file| file.metadata());
    output.is_ok_and(|output| (output.dev(), output.ino()) == (there.dev(), there.ino()))
}

/// Where a page goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// As it was given, for messages.
    given: PathBuf,
    /// What is replaced: behind a symbolic link the file itself.
    path: PathBuf,
}

impl Target {
    /// To be called before anything is run, so that a path that cannot be
    /// written is told at once. Nothing is left behind, and nothing is open.
    pub fn check(given: &Path) -> Result<Target> {
        let mut target = Target {
            given: given.to_path_buf(),
            path: given.to_path_buf(),
        };
        match fs::canonicalize(given) {
            Ok(path) => target.path = path,
            // A link that leads nowhere, or round in a circle.
            Err(error) if given.is_symlink() => return Err(target.failed("open", &error)),
            Err(_) => {} // it is not there yet
        }
        match fs::metadata(&target.path) {
            Ok(there) if !there.is_file() => {
                let given = target.given.display();
                return Err(anyhow!("open {given}: a page can only be a regular file"));
            }
            Ok(there) if is_standard_output(&there) => {
                let given = target.given.display();
                return Err(anyhow!(
                    "open {given}: the results go there: choose another file for the page"
                ));
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(&target.path);
                file.map_err(|e| target.failed("open", &e))?;
            }
            Err(_) => {}
        }
        let (temporary, _) = target.temporary().map_err(|e| target.failed("open", &e))?;
        fs::remove_file(temporary).map_err(|e| target.failed("unlink", &e))?;
        Ok(target)
    }

    /// Writes a file beside it, and puts that in its place.
    pub fn replace(&self, text: &str) -> Result<()> {
        let (temporary, mut file) = self.temporary().map_err(|e| self.failed("open", &e))?;
        let done = self.fill(&mut file, text).and_then(|()| {
            let renamed = fs::rename(&temporary, &self.path);
            renamed.map_err(|e| self.failed("rename", &e))
        });
        if done.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        done
    }

    fn fill(&self, file: &mut File, text: &str) -> Result<()> {
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| self.failed("write", &e))?;
        // Who may read the old one may read the new one.
        if let Ok(old) = fs::metadata(&self.path) {
            let permitted = file.set_permissions(old.permissions());
            permitted.map_err(|e| self.failed("fchmod", &e))?;
        }
        Ok(())
    }

    /// A file of another name in the same directory: rename(2) only works
    /// within a file system.
    fn temporary(&self) -> io::Result<(PathBuf, File)> {
        let name = self.path.file_name().unwrap_or_default();
        let mut number = u64::from(std::process::id());
        loop {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{number}"));
            let path = self.path.with_file_name(hidden);
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).open(&path) {
                // Left over by one that was killed, and had our number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1 << 32,
                opened => return Ok((path, opened?)),
            }
        }
    }

    /// The path, for what opens it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, call: &str, error: &io::Error) -> anyhow::Error {
        anyhow!("{call} {}: {}", self.given.display(), io_error_text(error))
    }
}
