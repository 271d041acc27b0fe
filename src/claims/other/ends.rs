//! How the end looks on a pipe, a FIFO and a Unix socket.

use std::fs::{self, File, OpenOptions};
use std::io::pipe;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::claims::prelude::*;
use crate::lab::witness::move_up;
use crate::sys::Socket;

pub const EOF_IS_IN: Claim = Claim {
    id: "eof-is-in",
    claim: "the end of the file is an EPOLLIN",
    asked: "The other end closes: of a pipe, of a TCP connection, of a pair of Unix sockets. The \
            interest is IN and RDHUP.",
    experiment: eof_is_in,
};

fn eof_is_in(t: &mut Trial) -> Result<Finding> {
    let (reader, writer) = pipe().context("pipe2")?;
    let reader = t.sys.keep(reader.into(), Name::Other("pipe"));
    drop(writer);
    t.note("the pipe's other end is closed");
    let pipe = t.reported(&reader, IN | RDHUP)?;

    let mut a = t.connection()?;
    t.closes(&mut a)?;
    let tcp = t.reported(&a, IN | RDHUP)?;

    let (ours, peer) = unix_pair(t)?;
    drop(peer);
    t.note("the Unix socket's other end is closed");
    let unix = t.reported(&ours, IN | RDHUP)?;
    Ok(judge_eof_is_in(pipe, tcp, unix))
}

fn judge_eof_is_in(pipe: EpollFlags, tcp: EpollFlags, unix: EpollFlags) -> Finding {
    let evidence = format!(
        "the end of a pipe was {}, of TCP {}, of a Unix socket {}",
        short(pipe),
        short(tcp),
        short(unix)
    );
    let with_in = [pipe, tcp, unix].map(|events| events.contains(IN));
    let count = with_in.iter().filter(|with_in| **with_in).count();
    match with_in {
        [true, true, true] => confirmed(evidence).why("EPOLLIN was there each time."),
        _ => refuted(evidence).why(
            "The end of a pipe is EPOLLHUP alone. A loop that reads only where EPOLLIN is set \
             never sees it, and level-triggered it spins.",
        ),
    }
    .count("with_in", count)
}

pub const FIFO_IDLE: Claim = Claim {
    id: "fifo-idle",
    claim: "a FIFO without a writer is silent",
    asked: "A FIFO opened for reading, level-triggered: a wait before the first writer, 1,000 \
            after the last has closed. The same with the FIFO opened O_RDWR.",
    experiment: fifo_idle,
};

const WAITS: usize = 1_000;

/// Reports before the first writer, and after the last.
type Silence = [usize; 2];

fn fifo_idle(t: &mut Trial) -> Result<Finding> {
    let mut reports = [[0; 2]; 2];
    for (reports, read_write) in reports.iter_mut().zip([false, true]) {
        let fifo = fifo(read_write)?;
        let fifo = t.sys.keep(fifo, Name::Other("FIFO"));
        t.note(match read_write {
            false => "a FIFO, opened O_RDONLY",
            true => "a FIFO, opened O_RDWR",
        });
        let epoll = t.epoll_of(&[&fifo], IN)?;
        reports[0] = t.wait(&epoll)?.len();
        // Its name is gone, its file is not.
        let path = format!("/proc/self/fd/{}", fifo.as_raw_fd());
        drop(OpenOptions::new().write(true).open(&path).context(path)?);
        t.note("a writer opens it, and closes");
        reports[1] = t.waits(&epoll, WAITS)?;
    }
    Ok(judge_fifo_idle(reports[0], reports[1]))
}

/// A FIFO that has no name any more.
fn fifo(read_write: bool) -> Result<OwnedFd> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("epoll-lab-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).context("mkfifo")?;
    let opened: std::io::Result<File> = OpenOptions::new()
        .read(true)
        .write(read_write)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path);
    fs::remove_file(&path).context("unlink")?;
    Ok(opened.context("open")?.into())
}

fn judge_fifo_idle(read_only: Silence, read_write: Silence) -> Finding {
    let evidence = format!(
        "{} came before the first writer; after the last, {} of {} waits reported it",
        reports(read_only[0]),
        figure(read_only[1]),
        figure(WAITS)
    );
    match (read_only, read_write) {
        ([0, 0], _) => confirmed(evidence).why("Neither before nor after."),
        ([0, _], [0, 0]) => depends(evidence).why(
            "Silent until somebody has written; after the last writer it hangs up, at each wait. \
             Opened O_RDWR it never does: one is a writer oneself.",
        ),
        ([0, _], _) => depends(evidence).why("Silent until somebody has written, and then never."),
        _ => refuted(evidence).why("It was reported before anybody had opened it."),
    }
    .count("before_first_writer", read_only[0])
    .count("after_last_writer", read_only[1])
    .count("opened_rdwr", read_write[0] + read_write[1])
}

/// A pair of Unix sockets: ours, and the other end out of the way.
pub fn unix_pair(t: &mut Trial) -> Result<(Socket, UnixStream)> {
    let (ours, peer) = UnixStream::pair().context("socketpair")?;
    let peer = UnixStream::from(move_up(&peer).context("F_DUPFD_CLOEXEC")?);
    Ok((t.sys.keep(ours.into(), Name::Other("unix")), peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let all = IN | HUP | RDHUP;
        assert_eq!(judge_eof_is_in(HUP, IN | RDHUP, all).verdict, Refuted);
        assert_eq!(judge_eof_is_in(IN | HUP, IN, IN).verdict, Confirmed);

        assert_eq!(judge_fifo_idle([0, WAITS], [0, 0]).verdict, Depends);
        assert_eq!(judge_fifo_idle([0, 0], [0, 0]).verdict, Confirmed);
        assert_eq!(judge_fifo_idle([1, WAITS], [0, 0]).verdict, Refuted);
        let both = judge_fifo_idle([0, WAITS], [0, WAITS]);
        assert_ne!(both.why, judge_fifo_idle([0, WAITS], [0, 0]).why);
    }
}
