//! The program under strace(1): its log read call by call, and faults
//! injected.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::program;

/// Whether strace is there and may trace. If not, it says that `what` is
/// skipped.
pub fn is_there(what: &str) -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).replace('\n', "; ");
            super::skip(what, &format!("strace cannot trace: {why}"));
            false
        }
        Err(e) => {
            super::skip(what, &format!("strace does not run: {e}"));
            false
        }
    }
}

/// strace with `options`, about to run the program with `args`.
pub fn strace<I: AsRef<OsStr>>(options: &[&str], args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new("strace");
    // Untranslated: the log is read, not shown.
    command.env("LC_ALL", "C").args(["-f", "-qq"]);
    command.args(options).arg(program()).args(args);
    command
}

/// One call in a log: `NAME(ARGS) = RESULT ERRNO (TEXT)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub syscall: String,
    pub args: Vec<String>,
    /// `None` for a call that never returned (`= ?`).
    pub result: Option<i64>,
    pub errno: Option<String>,
}

impl Logged {
    /// An argument that is a number.
    #[track_caller]
    pub fn int(&self, index: usize) -> i64 {
        let arg = &self.args[index];
        arg.parse()
            .unwrap_or_else(|e| panic!("{arg} is no number ({e}): {self:?}"))
    }
}

/// A directory for one log, removed in the end.
pub struct Log(PathBuf);

impl Log {
    pub fn new() -> Log {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "strace-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).expect("make a directory for the log");
        Log(dir)
    }

    /// For `-ff -o`: a file for each thread, so that no call is broken in two
    /// by what another thread does meanwhile.
    pub fn prefix(&self) -> String {
        self.0.join("log").display().to_string()
    }

    /// The calls of each thread.
    pub fn threads(&self) -> Vec<Vec<Logged>> {
        let files = fs::read_dir(&self.0).expect("list the logs");
        let texts = files.map(|file| {
            let bytes = fs::read(file.expect("list the logs").path()).expect("read a log");
            String::from_utf8(bytes).expect("strace writes ASCII")
        });
        texts
            .map(|text| text.lines().filter_map(parse).collect())
            .collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A line of the log; `None` for one about a signal or an exit.
fn parse(line: &str) -> Option<Logged> {
    if line.starts_with("---") || line.starts_with("+++") {
        return None;
    }
    let call = parse_call(line);
    Some(call.unwrap_or_else(|| panic!("what does strace say? {line}")))
}

fn parse_call(line: &str) -> Option<Logged> {
    let (syscall, rest) = line.split_once('(')?;
    let (args, rest) = split_args(rest);
    let mut outcome = rest.trim_start().strip_prefix("= ")?.split(' ');
    let result = match outcome.next()? {
        "?" => None,
        hex if hex.starts_with("0x") => Some(i64::from_str_radix(&hex[2..], 16).ok()?),
        number => Some(number.parse().ok()?),
    };
    let errno = outcome.next().filter(|_| result == Some(-1));
    Some(Logged {
        syscall: syscall.into(),
        args,
        result,
        errno: errno.map(String::from),
    })
}

/// The arguments up to the closing parenthesis (the elements up to a closing
/// bracket or brace), and what follows it. Commas
/// and parentheses within strings, arrays and structures separate nothing.
pub fn split_args(text: &str) -> (Vec<String>, &str) {
    let mut args = Vec::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b',' | b')' | b']' | b'}' if depth == 0 => {
                let arg = text[from..at].trim();
                if !arg.is_empty() {
                    args.push(arg.to_string());
                }
                from = at + 1;
                if byte != b',' {
                    return (args, &text[from..]);
                }
            }
            _ => {}
        }
    }
    panic!("no end of the arguments: {text}");
}
