//! What is asked on standard error and answered on standard input.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use anyhow::{Result, anyhow};
use nix::sys::termios::{FlushArg, tcflush};

use crate::show::tell;
use crate::trace::io_error_text;

/// An answer is no longer, in bytes: the rest of its line is not kept.
const LONGEST: u64 = 4096;

/// Asks, and reads a line, without what ends it; `None` at the end of input.
pub fn read_line(prompt: &str) -> Result<Option<String>> {
    let _ = write!(io::stderr(), "{prompt}");
    let stdin = io::stdin();
    let line = bounded_line(&mut stdin.lock());
    // Nobody's Enter has ended the line of the prompt.
    if !matches!(line, Ok(Some(_))) || !stdin.is_terminal() {
        tell("");
    }
    let line = line.map_err(|e| anyhow!("read standard input: {}", io_error_text(&e)))?;
    Ok(line.map(|line| String::from_utf8_lossy(&line).trim().to_string()))
}

/// Whether somebody wants to see what `prompt` offers: Enter or yes. What was
/// typed before it stood there is no answer to it, and the end of input wants
/// nothing more.
pub fn wants(prompt: &str) -> Result<bool> {
    forget_typed();
    let line = read_line(prompt)?.map(|line| line.to_lowercase());
    Ok(line.is_some_and(|line| "yes".starts_with(&line)))
}

/// Waits for Enter before `step`; false at the end of input. What was typed
/// before is no answer, and the prompt goes when it has its own: what it
/// announced stands below in the trace.
pub fn enter(step: &str) -> Result<bool> {
    forget_typed();
    let pressed = read_line(&format!("[Enter] {step} "))?.is_some();
    if pressed && io::stdin().is_terminal() && io::stderr().is_terminal() {
        // One line up, and that line empty (console_codes(4)).
        let _ = write!(io::stderr(), "\x1b[A\r\x1b[2K");
    }
    Ok(pressed)
}

/// Drops what was typed at a terminal before anybody was asked.
fn forget_typed() {
    if io::stdin().is_terminal() {
        let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
    }
}

/// The beginning of the next line.
fn bounded_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut line)?;
    if read as u64 == LONGEST && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_one_line_and_not_kept_whole() {
        let mut input = vec![b'x'; 3 * LONGEST as usize];
        input.extend(b"\n7\n8");
        let mut input = &input[..];
        let first = bounded_line(&mut input).unwrap().unwrap();
        assert_eq!(first.len() as u64, LONGEST);
        assert_eq!(bounded_line(&mut input).unwrap().unwrap(), b"7\n");
        assert_eq!(bounded_line(&mut input).unwrap().unwrap(), b"8");
        assert_eq!(bounded_line(&mut input).unwrap(), None);
    }
}
