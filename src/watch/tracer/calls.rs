//! A call begins, a call returns: what becomes of the fds and the counts.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::ptrace;
use nix::unistd::Pid;

use crate::trace::{Call, CtlOp, Name, Record};
use crate::watch::decode::{self, Entered, Names};
use crate::watch::memory::OfThread;
use crate::watch::proc::{self, Interest};
use crate::watch::processor::Sys;
use crate::watch::registers::registers;
use crate::watch::state::{Failed, Hold, State};
use crate::watch::tracer::Tracer;
use crate::watch::tracer::shown::renamed;

/// A call that was interrupted, and may be made once more: ERESTARTSYS to
/// ERESTART_RESTARTBLOCK of the kernel's include/linux/errno.h.
const INTERRUPTED: std::ops::RangeInclusive<i64> = -516..=-512;

/// Whether the program sees EINTR is not decided by this result.
fn is_interrupted(sys: Sys, result: i64) -> bool {
    let wait = sys.is_epoll_wait() && result == -(Errno::EINTR as i64);
    wait || INTERRUPTED.contains(&result)
}

impl Tracer {
    pub(super) fn set_call(&mut self, thread: i32, call: Option<Entered>) {
        if let Some(local) = self.threads.get_mut(&thread) {
            local.in_call = call.clone();
        }
        if let Some(known) = self.shared.lock().threads.get_mut(&thread) {
            known.call = call;
        }
    }

    /// The entry of a call.
    pub(super) fn entry(&mut self, thread: i32) -> nix::Result<()> {
        let (true, Some(local)) = (self.active, self.threads.get_mut(&thread)) else {
            return Ok(());
        };
        let process = local.process;
        let said = registers(&ptrace::getregs(Pid::from_raw(thread))?);
        let sys = self.processor.call(said.number);
        if let Some(call) = local.interrupted.take() {
            let again = sys == Some(call.sys) && said.args == call.args;
            if said.number == self.processor.restart || again {
                self.set_call(thread, Some(call)); // it goes on
                return Ok(());
            }
            self.returned(thread, call, -(Errno::EINTR as i64));
        }
        let Some(sys) = sys else { return Ok(()) };
        match sys {
            Sys::IoUringSetup | Sys::IoUringEnter => self.shared.lock().uring += 1,
            Sys::ExitGroup | Sys::Exit => self.moved(),
            Sys::Dup2 | Sys::Dup3 => self.book.of(process).forget(said.args[1] as i32),
            _ => {}
        }
        let (memory, mut names) = (OfThread(thread), self.book.of(process));
        let entered = decode::entry(self.processor, sys, said.args, &memory, &mut names);
        let Some(mut entered) = entered else {
            return Ok(());
        };
        let now = {
            let mut state = self.shared.lock();
            state.steps += 1;
            state.moves += u64::from(!entered.call.is_wait());
            entered.seq = state.steps;
            state.now_ns()
        };
        if let Some(local) = self.threads.get_mut(&thread) {
            local.entered_ns = now;
        }
        self.set_call(thread, Some(entered));
        Ok(())
    }

    /// What has become of a call that was to be interrupted: it may have
    /// returned before.
    pub(super) fn look_again(&mut self, thread: i32) -> nix::Result<()> {
        let Some(local) = self.threads.get_mut(&thread) else {
            return Ok(());
        };
        let Some(call) = local.interrupted.take() else {
            return Ok(());
        };
        let said = registers(&ptrace::getregs(Pid::from_raw(thread))?);
        // The first argument's register may hold the result.
        let same = said.args[1..] == call.args[1..];
        if self.processor.call(said.number) != Some(call.sys) || !same {
            self.set_call(thread, None); // over before anybody could see how
        } else if is_interrupted(call.sys, said.result) {
            local.interrupted = Some(call);
        } else {
            self.returned(thread, call, said.result);
            self.set_call(thread, None);
        }
        Ok(())
    }

    /// A signal that the program hears of: its wait has failed with EINTR.
    pub(super) fn fails(&mut self, thread: i32) {
        let Some(local) = self.threads.get_mut(&thread) else {
            return;
        };
        // Other calls may yet go on, which the kernel decides.
        if let Some(call) = local.interrupted.take_if(|call| call.sys.is_epoll_wait()) {
            self.returned(thread, call, -(Errno::EINTR as i64));
            self.set_call(thread, None);
        }
    }

    fn moved(&self) {
        let mut state = self.shared.lock();
        state.moves += 1;
        state.steps += 1;
    }

    /// The return of a call.
    pub(super) fn exit(&mut self, thread: i32) -> nix::Result<()> {
        let Some(local) = self.threads.get_mut(&thread) else {
            return Ok(());
        };
        let Some(call) = local.in_call.take() else {
            return Ok(());
        };
        let said = registers(&ptrace::getregs(Pid::from_raw(thread))?);
        if is_interrupted(call.sys, said.result) {
            // Whether the program sees EINTR shows at its next stop.
            local.interrupted = Some(call);
            return Ok(());
        }
        self.returned(thread, call, said.result);
        self.set_call(thread, None);
        Ok(())
    }

    fn returned(&mut self, thread: i32, call: Entered, result: i64) {
        let Some(local) = self.threads.get(&thread) else {
            return;
        };
        let (process, start_ns) = (local.process, local.entered_ns);
        let (memory, mut names) = (OfThread(thread), self.book.of(process));
        let mut record = decode::exit(self.processor, &call, result, &memory, &mut names);
        let interest = match call.call {
            Call::EpollCtl { .. } => decode::interest(self.processor, call.args, &memory),
            _ => None,
        };
        self.note_fds(process, &mut record, interest);
        let shared = std::sync::Arc::clone(&self.shared);
        let mut state = shared.lock();
        (record.start_ns, record.end_ns) = (start_ns, state.now_ns());
        let ordinal = state.threads.get(&thread).map_or(1, |it| it.ordinal);
        record.thread = (state.threads.len() > 1).then_some((ordinal, thread));
        count(&mut state, &record);
        let timed_out = record.call.is_wait() && result == 0;
        state.steps += 1;
        state.moves += u64::from(!timed_out);
        let something = call.call.is_wait() || call.call.is_accept() || call.call.input().is_some();
        if something && result > 0 && state.hold == Hold::Armed {
            state.hold = Hold::Held;
            self.held = Some(thread);
        }
        self.keep(process, record, &mut state);
    }

    /// What a return makes of the fds.
    fn note_fds(&mut self, process: i32, record: &mut Record, interest: Option<(u32, u64)>) {
        let mut names = self.book.of(process);
        let new = record.result.unwrap_or(-1);
        match record.call {
            _ if record.result.is_err() => {}
            Call::Accept { .. } | Call::Accept4 { .. } => {
                names.forget(new);
                let name = names.name(new);
                if let Name::Client(index) = name {
                    record.accepted = Some(name);
                    let nonblocking = proc::nonblocking(process, new);
                    let mut state = self.shared.lock();
                    let end = state.ends.entry(index).or_default();
                    (end.accepted, end.nonblocking) = (true, nonblocking);
                }
            }
            Call::Listen { fd, .. } => {
                names.forget(fd.raw);
                let name = names.name(fd.raw);
                record.call = renamed(record.call, fd.raw, name);
                if name == Name::Plain
                    && let Some(word) = names.word(fd.raw)
                {
                    self.shared.lock().others.insert(format!("a {word}"));
                }
            }
            Call::Socket | Call::FcntlDupfd { .. } => names.forget(new),
            Call::EpollCreate | Call::EpollCreate1 => names.new_instance(new),
            Call::Close { fd } => names.closed(fd.raw),
            Call::EpollCtl { epfd, op, fd, .. } => {
                let entry = interest.filter(|_| op != CtlOp::Del);
                let entry = entry.map(|(events, data)| Interest {
                    fd: fd.raw,
                    events: EpollFlags::from_bits_truncate(events as i32),
                    data,
                    inode: 0,
                });
                names.registered_as(epfd.raw, fd.raw, entry);
                self.shared.lock().note_interest(fd.name, entry);
            }
            _ => {}
        }
    }
}

fn count(state: &mut State, record: &Record) {
    state.totals.count(record);
    if record.call.is_wait() {
        state.wait_call = Some(record.call.name());
    }
    let fd = record.call.fd();
    let name = fd.map_or(Name::Plain, |fd| fd.name);
    let (call, setup) = (
        record.call,
        matches!(record.call, Call::Bind { .. } | Call::Listen { .. }),
    );
    match record.result {
        _ if call.is_wait() => {}
        result if name != Name::Plain => state.note_last(call, result),
        Err(errno) if setup => state.setup_failure = Some(Failed { call, errno }),
        _ => {}
    }
    let Name::Client(index) = name else { return };
    let end = state.ends.entry(index).or_default();
    match (record.call, record.result) {
        (Call::Close { .. }, Ok(_)) => end.open = None,
        (Call::FcntlSetfl { flags, .. }, Ok(_)) => {
            end.nonblocking = Some(flags.contains(OFlag::O_NONBLOCK));
        }
        (Call::Fionbio { on, .. }, Ok(_)) => end.nonblocking = Some(on),
        (call, result) if call.output().is_some() => {
            let taken = result.unwrap_or(0).max(0) as usize;
            end.short_sends += u64::from(taken < call.length());
        }
        _ => {}
    }
}
