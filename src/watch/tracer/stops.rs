//! What a thread has stopped for, and how it goes on.

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::watch::proc;
use crate::watch::registers::{registers, rewind};
use crate::watch::tracer::Tracer;

/// A stop at a system call (PTRACE_O_TRACESYSGOOD).
const SYSCALL_STOP: i32 = libc::SIGTRAP | 0x80;

/// `op` of a struct ptrace_syscall_info: the entry.
const ENTRY: u8 = 1;

impl Tracer {
    /// Lets the thread go on: to the return of a call that is being watched,
    /// or to whatever the filter stops next.
    pub(super) fn resume(&self, thread: i32, signal: Option<Signal>) -> nix::Result<()> {
        let pid = Pid::from_raw(thread);
        let local = self.threads.get(&thread);
        let in_call = local.is_some_and(|local| local.in_call.is_some());
        match self.filtered && !in_call {
            true => ptrace::cont(pid, signal),
            false => ptrace::syscall(pid, signal),
        }
    }

    /// One stop, by its signal and its event (ptrace(2)).
    pub(super) fn stop(&mut self, thread: i32, signal: i32, event: i32) -> nix::Result<()> {
        match (signal, event) {
            (SYSCALL_STOP, 0) => self.at_call(thread),
            (_, libc::PTRACE_EVENT_SECCOMP) => {
                self.entry(thread)?;
                self.resume(thread, None)
            }
            (_, libc::PTRACE_EVENT_EXEC) => self.executed(thread),
            (_, libc::PTRACE_EVENT_STOP) => self.event_stop(thread, signal),
            (_, 0) => self.signal(thread, signal),
            _ => self.cloned(thread, event),
        }
    }

    fn at_call(&mut self, thread: i32) -> nix::Result<()> {
        // Behind the filter's stop comes the return alone.
        let entry = match self.filtered {
            true => false,
            false => ptrace::syscall_info(Pid::from_raw(thread))?.op == ENTRY,
        };
        if self.shared.lock().detach {
            if entry {
                // Let go here it would enter the call with our interruption
                // pending, and an epoll_wait would fail. It stops once more.
                return ptrace::syscall(Pid::from_raw(thread), None);
            }
            // This stop has taken the place of the PTRACE_INTERRUPT.
            self.once_more(thread)?;
            return self.let_go(thread);
        }
        match entry {
            true => self.entry(thread)?,
            false => self.exit(thread)?,
        }
        match self.held == Some(thread) {
            true => Ok(()),
            false => self.resume(thread, None),
        }
    }

    fn executed(&mut self, thread: i32) -> nix::Result<()> {
        let process = self.threads.get(&thread).map_or(thread, |it| it.process);
        self.book.of(process).forget_all();
        self.before.retain(|(of, _)| *of != process);
        let main = self.shared.lock().main;
        if process == main {
            self.active = true;
            self.shared.lock().executed = true;
        }
        self.set_call(thread, None);
        self.resume(thread, None)
    }

    fn event_stop(&mut self, thread: i32, signal: i32) -> nix::Result<()> {
        let detach = self.shared.lock().detach;
        if !self.threads.contains_key(&thread) {
            // A new thread may stop before its parent's clone is told.
            self.add(thread, proc::process_of(thread));
            self.shared.lock().moves += 1;
            if detach {
                ptrace::interrupt(Pid::from_raw(thread))?;
            }
            return self.resume(thread, None);
        }
        if signal == libc::SIGTRAP {
            self.look_again(thread)?;
            self.once_more(thread)?;
        }
        if detach {
            // A stopped program stays stopped.
            return self.let_go(thread);
        }
        // Stopped as a whole, as by Ctrl-Z: it goes on when SIGCONT lets it.
        // The helper is on its way.
        if signal != libc::SIGTRAP && self.active {
            if let Some(local) = self.threads.get_mut(&thread) {
                local.stopped = true;
            }
            return Ok(());
        }
        self.resume(thread, None)
    }

    /// Asks the threads that are stopped as a whole whether they still are.
    /// PTRACE_LISTEN would wait for that, which no safe interface has. One
    /// that is interrupted before it is resumed stops again at once, with
    /// SIGTRAP in place of the signal once SIGCONT has come (ptrace(2)).
    pub(super) fn ask_the_stopped(&mut self) {
        for (thread, local) in &mut self.threads {
            if std::mem::take(&mut local.stopped) {
                let pid = Pid::from_raw(*thread);
                // Gone: its end is told to us.
                let _ = ptrace::interrupt(pid).and_then(|()| ptrace::cont(pid, None));
            }
        }
    }

    fn signal(&mut self, thread: i32, number: i32) -> nix::Result<()> {
        self.look_again(thread)?;
        // An untraced program would have slept on (signal(7)): the kernel
        // throws an ignored signal away, but not under a tracer's eyes.
        match proc::is_ignored(thread, number) {
            true => self.once_more(thread)?,
            false => self.fails(thread),
        }
        let signal = Signal::try_from(number).ok();
        if signal.is_none() {
            // A real-time signal: nix cannot name it, so it cannot be
            // delivered. Somebody has to be told.
            self.shared.lock().lost_signals.insert(number);
        }
        if self.shared.lock().detach {
            let pid = Pid::from_raw(thread);
            self.forget(thread);
            return ptrace::detach(pid, signal);
        }
        self.resume(thread, signal)
    }

    fn cloned(&mut self, thread: i32, event: i32) -> nix::Result<()> {
        let new = ptrace::getevent(Pid::from_raw(thread)).unwrap_or(0) as i32;
        let known = self.threads.contains_key(&new);
        let detach = self.shared.lock().detach;
        // Let go already, it does not come back.
        let ours = !detach || proc::tracer_of(new).is_some();
        if new > 0 && !known && ours && event != libc::PTRACE_EVENT_VFORK_DONE {
            self.add(new, proc::process_of(new));
        }
        if detach {
            return self.let_go(thread);
        }
        self.resume(thread, None)
    }

    /// A stop of ours ends an epoll_wait with EINTR, which few programs are
    /// ready for, and which the kernel does not make good (signal(7)): the
    /// call is made once more. A signal of somebody else is left its EINTR.
    fn once_more(&mut self, thread: i32) -> nix::Result<()> {
        let pid = Pid::from_raw(thread);
        let mut raw = ptrace::getregs(pid)?;
        let said = registers(&raw);
        let call = self.processor.call(said.number);
        if !call.is_some_and(|call| call.is_epoll_wait())
            || said.result != -(Errno::EINTR as i64)
            || proc::has_signal(thread)
        {
            return Ok(());
        }
        let local = self.threads.get(&thread);
        let call = local.and_then(|local| local.in_call.as_ref().or(local.interrupted.as_ref()));
        rewind(&mut raw, call.map_or(said.args[0], |call| call.args[0]));
        ptrace::setregs(pid, raw)
    }

    fn let_go(&mut self, thread: i32) -> nix::Result<()> {
        self.forget(thread);
        ptrace::detach(Pid::from_raw(thread), None)
    }

    /// Nothing more is heard of the thread; nor of its process, if it was the
    /// last.
    pub(super) fn forget(&mut self, thread: i32) {
        if let Some(local) = self.threads.remove(&thread)
            && !self.threads.values().any(|it| it.process == local.process)
        {
            self.book.ended(local.process);
        }
        self.shared.lock().threads.remove(&thread);
    }
}
