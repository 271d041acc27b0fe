//! What a program prints on its terminal.

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::trace::OfCall;

/// The end of what it prints.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<(Mutex<Tail>, Condvar)>);

#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Nobody has the terminal open any more.
    over: bool,
}

impl Printed {
    /// Takes what the program prints off its terminal, which would be full
    /// otherwise.
    pub fn on(mut terminal: File) -> Result<Printed> {
        const TAIL: usize = 1 << 14;
        let printed = Printed::default();
        let Printed(shared) = printed.clone();
        let read = move || {
            let (tail, said) = &*shared;
            let lock = || tail.lock().unwrap_or_else(PoisonError::into_inner);
            let mut part = [0; 4096];
            // EIO: the last of its processes has gone (tty_ioctl(4)).
            while let Ok(length @ 1..) = terminal.read(&mut part) {
                let mut tail = lock();
                tail.bytes.extend_from_slice(&part[..length]);
                let surplus = tail.bytes.len().saturating_sub(TAIL);
                tail.bytes.drain(..surplus);
            }
            lock().over = true;
            said.notify_all();
        };
        let reader = thread::Builder::new().name("terminal".into()).spawn(read);
        reader.of_call("pthread_create")?;
        Ok(printed)
    }

    /// The last line of a program that has ended: what it has printed may
    /// still be on its way until its terminal is closed.
    pub fn last_line(&self, patience: Duration) -> String {
        let (tail, said) = &*self.0;
        let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        let (tail, _) = said
            .wait_timeout_while(tail, patience, |tail| !tail.over)
            .unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail.bytes);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        let plain = |c: &char| !c.is_control();
        last.unwrap_or_default().chars().filter(plain).collect()
    }
}
