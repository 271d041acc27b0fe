//! The fds that the shell left open.

use std::os::fd::RawFd;

/// Closes every fd from 3 up, so that the server's are numbered as in a
/// program of its own: 3 the listener, 4 the epoll instance, 5 the first
/// connection. To be called before the process opens anything.
pub fn close_inherited() {
    // The list is read to its end before the first fd is closed: reading it
    // takes an fd as well, which is gone by then.
    let open: Vec<RawFd> = match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect(),
        Err(_) => (3..1024).collect(),
    };
    for fd in open.into_iter().filter(|fd| *fd >= 3) {
        // Not open: good.
        let _ = nix::unistd::close(fd);
    }
}
