//! Waiting for what the kernel is about to do: never a sleep that hopes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long the kernel may take to deliver something over loopback.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again until the kernel says yes; an error if it does not in
/// [`PATIENCE`]. The pause only saves the processor; nothing rests on it.
pub fn until(what: &str, mut seen: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !seen()? {
        if Instant::now() > deadline {
            bail!("{what} did not arrive in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}
