//! Standard output, with what is held back from it.
//!
//! Whoever is asked beforehand may see the trace afterwards: until then it is
//! held back.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lab::audience::OutputError;

/// Standard output; all clones are the same. What is written there past it
/// may come out of order.
#[derive(Clone, Debug)]
pub struct Out {
    held: Arc<Mutex<Held>>,
    /// What is written here is not held back.
    past: bool,
}

#[derive(Debug)]
struct Held {
    stdout: BufWriter<Stdout>,
    /// What was written since it is held back.
    back: Option<Vec<u8>>,
}

impl Out {
    /// Takes standard output over.
    pub fn new() -> Out {
        // Large, because a trace may be long; what is in it never waits
        // longer than the lab does.
        let stdout = BufWriter::with_capacity(1 << 16, io::stdout());
        Out {
            held: Arc::new(Mutex::new(Held { stdout, back: None })),
            past: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is written from now on, until [`Out::release`] shows it or
    /// [`Out::forget`] does not.
    pub fn hold_back(&self) {
        // Apart from what stands above it by then.
        self.lock().back = Some(b"\n".to_vec());
    }

    /// Whether it does.
    pub fn holds_back(&self) -> bool {
        self.lock().back.is_some()
    }

    /// Shows what was held back, if anything was.
    pub fn release(&self) -> Result<(), OutputError> {
        let mut held = self.lock();
        if let Some(back) = held.back.take() {
            held.stdout.write_all(&back)?;
        }
        Ok(held.stdout.flush()?)
    }

    /// Nobody wants to see what was held back.
    pub fn forget(&self) {
        self.lock().back = None;
    }

    /// A way past what is held back.
    pub fn past(&self) -> Out {
        Out {
            past: true,
            ..self.clone()
        }
    }
}

impl Default for Out {
    fn default() -> Out {
        Out::new()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.lock();
        match &mut held.back {
            Some(back) if !self.past => back.write(bytes),
            _ => held.stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().stdout.flush()
    }
}
