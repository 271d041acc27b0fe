//! What a program prints on its terminal.

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The end of what it prints.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// Takes what the program prints off its terminal, which would be full
    /// otherwise.
    pub fn on(mut terminal: File) -> Printed {
        const TAIL: usize = 1 << 14;
        let printed = Printed::default();
        let Printed(tail) = printed.clone();
        thread::spawn(move || {
            let mut part = [0; 4096];
            // EIO: the last of its processes has gone (tty_ioctl(4)).
            while let Ok(length @ 1..) = terminal.read(&mut part) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(&part[..length]);
                let surplus = tail.len().saturating_sub(TAIL);
                tail.drain(..surplus);
            }
        });
        printed
    }

    /// Its last line.
    pub fn last_line(&self) -> String {
        let printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&printed);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        let plain = |c: &char| !c.is_control();
        last.unwrap_or_default().chars().filter(plain).collect()
    }
}
