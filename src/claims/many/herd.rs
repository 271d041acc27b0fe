//! Many threads, each with an epoll of its own, on one listener.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::gettid;

use crate::claims::claim::Claim;
use crate::claims::finding::{Finding, confirmed, refuted};
use crate::claims::patience::PATIENCE;
use crate::claims::thread::{LOOKS, WAITS_FOR_EVER, for_anyone, spawn};
use crate::claims::trial::{IN, Trial, knock};
use crate::lab::witness::{Witness, move_up};
use crate::sys::Socket;
use crate::trace::OfCall;

const THREADS: usize = 8;

pub const HERD: Claim = Claim {
    id: "herd",
    claim: "every waiter on a shared listener wakes",
    asked: "8 threads sleep, each in an epoll of its own, all on one listener. 10 clients \
            connect, one by one; each is accepted when all threads that woke have returned. \
            First plain, then with EPOLLEXCLUSIVE.",
    experiment: herd,
};

fn herd(t: &mut Trial) -> Result<Finding> {
    const CONNECTIONS: usize = 10;
    let mut woken = Vec::new();
    for flags in [EpollFlags::empty(), EpollFlags::EPOLLEXCLUSIVE] {
        let histogram = wake_ups(t, flags, CONNECTIONS)?;
        woken.push(histogram.iter().sum());
    }
    Ok(judge_herd(CONNECTIONS, woken[0], woken[1]))
}

fn judge_herd(connections: usize, plain: usize, exclusive: usize) -> Finding {
    let evidence = format!(
        "{connections} clients woke 8 threads {plain} times; with EPOLLEXCLUSIVE, {exclusive} times"
    );
    let finding = match plain == THREADS * connections {
        true if exclusive < plain => confirmed(evidence).why(
            "All wake and one gets the connection: the thundering herd. EPOLLEXCLUSIVE wakes \
             fewer, as a rule one.",
        ),
        true => confirmed(evidence).why("All wake, and EPOLLEXCLUSIVE does not help here."),
        false => refuted(evidence).why("Not every thread was woken for every connection."),
    };
    finding
        .count("connections", connections as u64)
        .count("plain_wakeups", plain as u64)
        .count("exclusive_wakeups", exclusive as u64)
}

pub const EXCLUSIVE_BALANCE: Claim = Claim {
    id: "exclusive-balance",
    claim: "EPOLLEXCLUSIVE balances the load",
    asked: "8 idle threads as in `herd`, with EPOLLEXCLUSIVE; 24 clients, each accepted before \
            the next connects. Who was woken?",
    experiment: exclusive_balance,
};

fn exclusive_balance(t: &mut Trial) -> Result<Finding> {
    let histogram = wake_ups(t, EpollFlags::EPOLLEXCLUSIVE, 24)?;
    Ok(judge_exclusive_balance(&histogram))
}

/// `woken`: how often, by thread.
fn judge_exclusive_balance(woken: &[usize]) -> Finding {
    let total: usize = woken.iter().sum();
    let most = woken.iter().copied().max().unwrap_or(0);
    let finding = match 2 * most > total {
        true => refuted(format!(
            "one of {} threads was woken more often than all the others together",
            woken.len()
        ))
        .why(
            "The waiters stand in line and the first one that sleeps is woken: while it keeps up, \
             it gets all. SO_REUSEPORT spreads connections by their addresses.",
        ),
        false => confirmed("no thread was woken more often than all the others together")
            .why("The wake-ups were spread."),
    };
    let list: Vec<String> = woken.iter().map(usize::to_string).collect();
    finding
        .varies("wakeups", total as f64)
        .varies("most", most as f64)
        .varying(format!("wake-ups by thread: {}", list.join(" ")))
}

/// How often each thread is woken by so many connections.
fn wake_ups(t: &mut Trial, flags: EpollFlags, connections: usize) -> Result<Vec<usize>> {
    let (listener, address) = t.listener()?;
    let pack = Pack::start(&listener, IN | flags)?;
    let names = crate::trace::words::epoll_names(IN | flags).join("|");
    t.note(format!(
        "{THREADS} threads, {THREADS} epolls, asleep: 3<L> {names}"
    ));
    let mut woken = vec![0; THREADS];
    for _ in 0..connections {
        // Over when the kernel has woken whom it wakes.
        let _client = knock(address)?;
        for thread in pack.settle()? {
            woken[thread] += 1;
        }
        t.untraced(|t| t.sys.accept4(&listener))?;
        pack.go_on()?;
    }
    let total: usize = woken.iter().sum();
    t.note(format!(
        "{connections} clients connect, one by one: {total} returns of epoll_wait"
    ));
    pack.end()?;
    Ok(woken)
}

/// The threads.
struct Pack {
    threads: Vec<Waiter>,
    /// Readable when all are to end.
    end: EventFd,
}

struct Waiter {
    witness: Witness,
    /// It has returned from epoll_wait, and waits to be told to go on.
    back: Arc<AtomicBool>,
    go: Sender<()>,
    thread: JoinHandle<()>,
}

impl Pack {
    fn start(listener: &Socket, interest: EpollFlags) -> Result<Pack> {
        let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).of_call("eventfd")?;
        let mut pack = Pack {
            threads: Vec::new(),
            end,
        };
        for _ in 0..THREADS {
            pack.threads
                .push(Waiter::start(listener, interest, &pack.end)?);
        }
        pack.settle()?;
        Ok(pack)
    }

    /// Waits until each thread sleeps in epoll_wait or has come back from it:
    /// those that have.
    fn settle(&self) -> Result<Vec<usize>> {
        let deadline = Instant::now() + PATIENCE;
        let (mut agreed, mut last) = (0, None);
        while agreed < LOOKS {
            let mut back = Vec::new();
            let mut settled = true;
            for (index, waiter) in self.threads.iter().enumerate() {
                // Back first: who sleeps in the look after that has not been woken.
                match waiter.back.load(Ordering::SeqCst) {
                    true => back.push(index),
                    false => settled &= waiter.sleeps()?,
                }
            }
            agreed = match settled && last.as_ref().is_none_or(|last| *last == back) {
                true => agreed + 1,
                false => 0,
            };
            last = settled.then_some(back);
            if Instant::now() > deadline {
                bail!("the threads do not come to rest");
            }
            thread::yield_now();
        }
        Ok(last.unwrap_or_default())
    }

    /// Those that are back wait again; over when all sleep.
    fn go_on(&self) -> Result<()> {
        for waiter in &self.threads {
            if waiter.back.swap(false, Ordering::SeqCst) {
                waiter.go.send(()).context("a thread has died")?;
            }
        }
        match self.settle()?.as_slice() {
            [] => Ok(()),
            _ => bail!("a thread was woken without a connection"),
        }
    }

    fn end(mut self) -> Result<()> {
        self.end.write(1).of_call("write")?;
        for waiter in self.threads.drain(..) {
            drop(waiter.go);
            if waiter.thread.join().is_err() {
                bail!("a thread has panicked");
            }
        }
        Ok(())
    }
}

impl Drop for Pack {
    /// An experiment that failed leaves no thread behind.
    fn drop(&mut self) {
        let _ = self.end.write(1);
        for waiter in self.threads.drain(..) {
            drop(waiter.go);
            let _ = waiter.thread.join();
        }
    }
}

/// What the event that ends a thread carries.
const END: u64 = u64::MAX;

impl Waiter {
    fn start(listener: &Socket, interest: EpollFlags, end: &EventFd) -> Result<Waiter> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
        let high = move_up(&epoll.0).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
        let fd = listener.as_raw_fd() as u64;
        epoll
            .add(listener, EpollEvent::new(interest, fd))
            .of_call("epoll_ctl(ADD)")?;
        epoll
            .add(end.as_fd(), EpollEvent::new(IN, END))
            .of_call("epoll_ctl(ADD)")?;
        let epoll = Epoll(high);
        let back = Arc::new(AtomicBool::new(false));
        let is_back = Arc::clone(&back);
        let (go, gone_on) = mpsc::channel();
        let (tid_out, tid) = mpsc::channel();
        let thread = spawn(move || {
            let _ = tid_out.send(gettid().as_raw());
            let mut events = [EpollEvent::empty(); 2];
            while let Ok(count) = epoll.wait(&mut events, EpollTimeout::NONE) {
                if events[..count].iter().any(|event| event.data() == END) {
                    return;
                }
                is_back.store(true, Ordering::SeqCst);
                if gone_on.recv().is_err() {
                    return;
                }
            }
        })?;
        let tid = tid.recv().context("a thread has died")?;
        let witness = Witness::open(tid).of_call("open(/proc/self/task/TID/stat)")?;
        Ok(Waiter {
            witness,
            back,
            go,
            thread,
        })
    }

    fn sleeps(&self) -> Result<bool> {
        let look = self
            .witness
            .look(Some(WAITS_FOR_EVER))
            .of_call("read(/proc/PID/stat)")?;
        Ok(look.sleep.is_some_and(for_anyone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::finding::Verdict::Confirmed;
    use crate::claims::finding::Verdict::Refuted;

    #[test]
    fn judges() {
        assert_eq!(judge_herd(10, 80, 10).verdict, Confirmed);
        assert_eq!(judge_herd(10, 10, 10).verdict, Refuted);

        let one = judge_exclusive_balance(&[23, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(one.verdict, Refuted);
        assert_eq!(judge_exclusive_balance(&[3; 8]).verdict, Confirmed);
    }
}
