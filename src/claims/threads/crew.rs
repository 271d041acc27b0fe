//! Threads that wait in an epoll each, or all in the same one, stay where they
//! woke, and then do what they are told.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::gettid;

use crate::claims::patience::PATIENCE;
use crate::claims::thread::{LOOKS, WAITS_FOR_EVER, for_anyone, spawn};
use crate::claims::trial::IN;
use crate::lab::witness::{Witness, move_up};
use crate::trace::OfCall;

/// The threads.
pub struct Crew {
    threads: Vec<Member>,
    /// Readable when all are to end.
    end: EventFd,
}

struct Member {
    witness: Witness,
    /// It has returned from epoll_wait, and waits to be told what to do.
    back: Arc<AtomicBool>,
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

enum Order {
    Do(Box<dyn FnOnce() + Send>),
    WaitAgain,
}

/// What the event that ends a thread carries.
const END: u64 = u64::MAX;

impl Crew {
    /// One thread for each of these, which may be one epoll several times;
    /// over when all sleep.
    pub fn start<'a>(epolls: impl IntoIterator<Item = &'a Epoll>) -> Result<Crew> {
        let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).of_call("eventfd")?;
        let mut crew = Crew {
            threads: Vec::new(),
            end,
        };
        for epoll in epolls {
            crew.threads.push(Member::start(epoll, &crew.end)?);
        }
        crew.settle()?;
        Ok(crew)
    }

    /// Waits until each thread sleeps in epoll_wait or has come back from it:
    /// those that have.
    pub fn settle(&self) -> Result<Vec<usize>> {
        let deadline = Instant::now() + PATIENCE;
        let (mut agreed, mut last) = (0, None);
        while agreed < LOOKS {
            let mut back = Vec::new();
            let mut settled = true;
            for (index, member) in self.threads.iter().enumerate() {
                // Back first: who sleeps in the look after that has not been woken.
                match member.back.load(Ordering::SeqCst) {
                    true => back.push(index),
                    false => settled &= member.sleeps()?,
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

    /// Those that are back make this call, all at the same time: what it
    /// returned to each of them.
    pub fn act<T: Send + 'static>(&self, call: fn(i32) -> T, fd: i32) -> Result<Vec<T>> {
        let (out, results) = mpsc::channel();
        for member in self.back() {
            let out = out.clone();
            let order = Order::Do(Box::new(move || {
                let _ = out.send(call(fd));
            }));
            member.order(order)?;
        }
        drop(out);
        Ok(results.iter().collect())
    }

    /// Those that are back wait again; over when all are at rest: how many
    /// are back at once.
    pub fn go_on(&self) -> Result<usize> {
        for member in self.back() {
            member.back.store(false, Ordering::SeqCst);
            member.order(Order::WaitAgain)?;
        }
        Ok(self.settle()?.len())
    }

    fn back(&self) -> impl Iterator<Item = &Member> {
        let threads = self.threads.iter();
        threads.filter(|member| member.back.load(Ordering::SeqCst))
    }
}

impl Drop for Crew {
    /// Level-triggered and never read: it wakes all of them. None is left,
    /// whatever has become of the experiment.
    fn drop(&mut self) {
        let told = self.end.write(1);
        for member in self.threads.drain(..) {
            drop(member.orders);
            // Without a word to end on they would sleep, and we with them.
            if told.is_ok() {
                let _ = member.thread.join();
            }
        }
    }
}

impl Member {
    fn start(epoll: &Epoll, end: &EventFd) -> Result<Member> {
        match epoll.add(end.as_fd(), EpollEvent::new(IN, END)) {
            // Another thread waits in the same epoll.
            Err(Errno::EEXIST) => {}
            added => added.of_call("epoll_ctl(ADD)")?,
        }
        let epoll = Epoll(move_up(&epoll.0).of_call("fcntl(F_DUPFD_CLOEXEC)")?);
        let back = Arc::new(AtomicBool::new(false));
        let is_back = Arc::clone(&back);
        let (orders, given) = mpsc::channel();
        let (tid_out, tid) = mpsc::channel();
        let thread = spawn(move || {
            let _ = tid_out.send(gettid().as_raw());
            let mut events = [EpollEvent::empty(); 2];
            while let Ok(count) = epoll.wait(&mut events, EpollTimeout::NONE) {
                if events[..count].iter().any(|event| event.data() == END) {
                    return;
                }
                is_back.store(true, Ordering::SeqCst);
                if !obey(&given) {
                    return;
                }
            }
        })?;
        let tid = tid.recv().context("a thread has died")?;
        let witness = Witness::open(tid).of_call("open(/proc/self/task/TID/stat)")?;
        Ok(Member {
            witness,
            back,
            orders,
            thread,
        })
    }

    fn order(&self, order: Order) -> Result<()> {
        let sent = self.orders.send(order);
        sent.map_err(|_| anyhow!("a thread has died"))
    }

    fn sleeps(&self) -> Result<bool> {
        let look = self
            .witness
            .look(Some(WAITS_FOR_EVER))
            .of_call("read(/proc/PID/stat)")?;
        Ok(look.sleep.is_some_and(for_anyone))
    }
}

/// Follows orders until it is to wait again; false: there will be none.
fn obey(given: &Receiver<Order>) -> bool {
    loop {
        match given.recv() {
            Ok(Order::Do(call)) => call(),
            Ok(Order::WaitAgain) => return true,
            Err(_) => return false,
        }
    }
}
