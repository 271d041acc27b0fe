//! Threads that wait in an epoll each, or all in the same one, stay where they
//! woke, and then do what they are told.

use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow};
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};

use crate::claims::thread::{Thread, WAITS_FOR_EVER, come_to_rest, for_anyone, look};
use crate::claims::threads::sleeper::{END, alarm};
use crate::lab::witness::move_up;
use crate::trace::OfCall;

/// The threads.
pub struct Crew {
    threads: Vec<Member>,
    seen: Arc<Mutex<Vec<u64>>>,
}

struct Member {
    /// It has returned from epoll_wait, and waits to be told what to do.
    back: Arc<AtomicBool>,
    /// Given up before the thread is joined: then it waits for no order.
    orders: Sender<Order>,
    thread: Thread,
}

enum Order {
    Do(Box<dyn FnOnce() + Send>),
    WaitAgain,
}

impl Crew {
    /// One thread for each of these, which may be one epoll several times;
    /// over when all sleep.
    pub fn start<'a>(epolls: impl IntoIterator<Item = &'a Epoll>) -> Result<Crew> {
        let mut crew = Crew {
            threads: Vec::new(),
            seen: Arc::default(),
        };
        for epoll in epolls {
            let member = crew.member(epoll)?;
            crew.threads.push(member);
        }
        crew.settle()?;
        Ok(crew)
    }

    /// So many threads in one epoll.
    pub fn in_one(epoll: &Epoll, threads: usize) -> Result<Crew> {
        Crew::start(iter::repeat_n(epoll, threads))
    }

    /// Each waits for one event at a time.
    fn member(&self, epoll: &Epoll) -> Result<Member> {
        // Level-triggered and never read: it wakes one after the other.
        let alarm = alarm(epoll)?;
        let epoll = Epoll(move_up(&epoll.0).of_call("fcntl(F_DUPFD_CLOEXEC)")?);
        let back = Arc::new(AtomicBool::new(false));
        let (is_back, seen) = (Arc::clone(&back), Arc::clone(&self.seen));
        let (orders, given) = mpsc::channel();
        let work = move || {
            let mut events = [EpollEvent::empty()];
            while let Ok(1) = epoll.wait(&mut events, EpollTimeout::NONE) {
                let data = events[0].data();
                if data == END {
                    return;
                }
                if let Ok(mut seen) = seen.lock() {
                    seen.push(data);
                }
                is_back.store(true, Ordering::SeqCst);
                if !obey(&given) {
                    return;
                }
            }
        };
        Ok(Member {
            back,
            orders,
            thread: Thread::start(work, alarm)?,
        })
    }

    /// Waits until each thread sleeps in epoll_wait or has come back from it:
    /// those that have.
    pub fn settle(&self) -> Result<Vec<usize>> {
        let threads = &self.threads;
        let is_back = |index: usize| threads[index].back.load(Ordering::SeqCst);
        come_to_rest(threads.len(), is_back, |index| threads[index].sleeps())
    }

    /// What has been reported, by `data`.
    pub fn seen(&self) -> Vec<u64> {
        let seen = self.seen.lock();
        seen.map(|seen| seen.clone()).unwrap_or_default()
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

impl Member {
    fn order(&self, order: Order) -> Result<()> {
        let sent = self.orders.send(order);
        sent.map_err(|_| anyhow!("a thread has died"))
    }

    fn sleeps(&self) -> Result<bool> {
        let look = look(&self.thread.witness, Some(WAITS_FOR_EVER))?;
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
