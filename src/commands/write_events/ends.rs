//! W and P on one thread: their calls, each told or folded away.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::socket::{Backlog, MsgFlags, SockFlag};

use crate::commands::write_events::side::READ;
use crate::lab::audience::{Audience, Event, Folded};
use crate::server::errors::retry;
use crate::show::View;
use crate::sys::journal::{Batch, Follow, Journal};
use crate::sys::{SockOpt, Socket, Sys};
use crate::trace::{CtlOp, Name, Record};

/// Sizes in bytes. W's buffer is large beside P's, so that the kernel frees it
/// in many small steps.
pub const SNDBUF: i32 = 65536;
/// P's receive buffer; the kernel doubles both (socket(7)).
pub const RCVBUF: i32 = 4096;
const MESSAGE: usize = 1024;

/// How a long loop is told: the first of its calls, the last, and how many
/// there were in between.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    first: usize,
    last: usize,
    /// What goes on, where it is the kernel's affair how often: the number of
    /// calls may differ from run to run.
    what: Option<&'static str>,
}

#[rustfmt::skip]
impl Fold {
    /// Every call is told.
    pub const NOTHING:      Fold = Fold { first: usize::MAX, last: 0, what: None };
    /// The first two and the last one.
    pub const MIDDLE:       Fold = Fold { first: 2, last: 1, what: None };
    /// The first and the last.
    pub const LATER:        Fold = Fold { first: 1, last: 1, what: None };
    /// How many sends fill a buffer is the kernel's affair.
    pub const UNTIL_FULL:   Fold = Fold { first: 1, last: 1,
                                          what: Some("and so on, until the kernel takes no more") };
    /// So is how much P must read before W may send again.
    pub const UNTIL_REPORT: Fold = Fold { first: 2, last: 1,
                                          what: Some("and so on, until W may send again") };
    const ALL:              Fold = Fold { first: 0, last: 0,
                                          what: Some("P reads all that is left") };
}

/// A loop on its way.
struct Folding {
    how: Fold,
    told: usize,
    last: VecDeque<Record>,
    folded: Folded,
    /// Reports among the calls that were folded.
    reports: u64,
}

/// The two ends, and whoever hears of their calls.
pub struct Ends<'a> {
    sys: Sys,
    journal: Arc<Journal>,
    audience: &'a mut dyn Audience,
    /// What varies from run to run is told.
    times: bool,
    began: Instant,
    epoll: Epoll,
    w: Socket,
    p: Socket,
    folding: Option<Folding>,
    sent: u64,
    received: u64,
}

impl<'a> Ends<'a> {
    /// Connects W to P over loopback TCP. The epoll instance comes last and
    /// gets the listener's number, 3.
    pub fn set_up(view: View, audience: &'a mut dyn Audience) -> Result<Ends<'a>> {
        let (journal, began) = (Arc::new(Journal::default()), Instant::now());
        let mut sys = Sys::new(Arc::clone(&journal), Follow::Timed, began);
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));

        let l = sys.socket(&any_port, SockFlag::empty())?;
        sys.setsockopt(&l, SockOpt::RcvBuf(RCVBUF))?;
        sys.bind(&l, &any_port)?;
        sys.listen(&l, Backlog::new(1)?)?;
        let address = sys.getsockname(&l)?;
        let w = sys.socket_for(Name::Letter('W'), &address, SockFlag::empty())?;
        sys.setsockopt(&w, SockOpt::SndBuf(SNDBUF))?;
        sys.setsockopt(&w, SockOpt::NoDelay)?;
        sys.connect(&w, &address)?;
        let p = sys.accept4_for(Name::Letter('P'), &l)?;
        sys.close(l)?;
        let flags = sys.fcntl_getfl(&w)?;
        sys.fcntl_setfl(&w, flags | OFlag::O_NONBLOCK)?;
        let epoll = sys.epoll_create1()?;

        let mut records = Batch::default();
        sys.publish();
        drop(journal.take(&mut records));
        audience.hear(&Event::SetUp(&records))?;
        Ok(Ends {
            sys,
            journal,
            audience,
            times: view.times,
            began,
            epoll,
            w,
            p,
            folding: None,
            sent: 0,
            received: 0,
        })
    }

    /// An act begins: its calls may take a while.
    pub fn begin(&mut self, heading: &str) -> Result<()> {
        self.audience.hear(&Event::Act(heading))?;
        Ok(self.audience.flush()?)
    }

    /// Changes what W is registered for.
    pub fn epoll_ctl(&mut self, op: CtlOp, interest: EpollFlags) -> Result<()> {
        self.sys.epoll_ctl(&self.epoll, op, &self.w, interest)?;
        self.returned()
    }

    /// Whether W is reported before `timeout` is over.
    pub fn epoll_wait(&mut self, timeout: Duration) -> Result<bool> {
        let mut events = [EpollEvent::empty()];
        let ready = retry(|| self.sys.epoll_wait(&self.epoll, &mut events, Some(timeout)))?;
        self.returned()?;
        Ok(ready > 0)
    }

    /// W sends one message; `None`: EAGAIN, the buffer is full.
    pub fn send(&mut self) -> Result<Option<u64>> {
        let message = [b'w'; MESSAGE];
        let taken = match retry(|| self.sys.send(&self.w, &message, MsgFlags::MSG_NOSIGNAL)) {
            Ok(taken) => Some(taken as u64),
            Err(e) if e.errno == Errno::EAGAIN => None, // W does not block
            Err(e) => return Err(e.into()),
        };
        self.sent += taken.unwrap_or(0);
        self.returned()?;
        Ok(taken)
    }

    /// P reads what has come, a small piece at most. It sleeps until there is
    /// some, so it is to be called only when something is on its way.
    pub fn recv(&mut self) -> Result<u64> {
        let mut buffer = [0; READ];
        let bytes = retry(|| self.sys.recv(&self.p, &mut buffer))? as u64;
        anyhow::ensure!(bytes > 0, "P has the end of the file, and W is open");
        self.received += bytes;
        self.returned()?;
        Ok(bytes)
    }

    /// P reads all that was sent.
    pub fn read_all(&mut self) -> Result<()> {
        self.fold(Fold::ALL);
        while self.has_unread() {
            self.recv()?;
        }
        self.unfold()
    }

    /// W has sent what P has not read.
    pub fn has_unread(&self) -> bool {
        self.received < self.sent
    }

    /// Bytes that have left W's hands and have not come to P's end.
    pub fn queue(&self) -> Result<u64> {
        let at_p = rustix::io::ioctl_fionread(&self.p).context("ioctl(FIONREAD)")?;
        Ok((self.sent - self.received).saturating_sub(at_p))
    }

    /// Nanoseconds from the start.
    pub fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// P reads the rest, and all is closed: the bytes sent, and received.
    pub fn tear_down(mut self) -> Result<(u64, u64)> {
        self.read_all()?;
        let mut sys = self.sys;
        sys.close(self.w)?;
        sys.close(self.p)?;
        sys.close_epoll(self.epoll)?;
        sys.publish();
        let mut records = Batch::default();
        drop(self.journal.take(&mut records));
        for record in records.into_records() {
            tell(self.audience, self.times, record)?;
        }
        Ok((self.sent, self.received))
    }

    /// From here on calls are told as `how` says, until [`Ends::unfold`].
    pub fn fold(&mut self, how: Fold) {
        self.folding = Some(Folding {
            how,
            told: 0,
            last: VecDeque::new(),
            folded: Folded {
                calls: BTreeMap::new(),
                what: how.what,
            },
            reports: 0,
        });
    }

    /// The loop is over: what was folded, and its last calls.
    pub fn unfold(&mut self) -> Result<()> {
        let Some(folding) = self.folding.take() else {
            return Ok(());
        };
        // Where the kernel decides how many, there may be none: the line says
        // "more", and no number, so it stands there all the same.
        if !folding.folded.calls.is_empty() || folding.how.what.is_some() {
            self.audience.hear(&Event::Folded(&folding.folded))?;
        }
        if folding.reports > 0 {
            let unseen = Event::Unseen(Name::Letter('W'), folding.reports);
            self.audience.hear(&unseen)?;
        }
        for record in folding.last {
            tell(self.audience, self.times, record)?;
        }
        Ok(())
    }

    /// A call has returned: tells it, or folds it away.
    fn returned(&mut self) -> Result<()> {
        self.sys.publish();
        let mut records = Batch::default();
        drop(self.journal.take(&mut records));
        let mut records = records.into_records().into_iter();
        records.try_for_each(|record| self.told(record))
    }

    fn told(&mut self, record: Record) -> Result<()> {
        let Some(folding) = &mut self.folding else {
            return tell(self.audience, self.times, record);
        };
        if folding.told < folding.how.first {
            folding.told += 1;
            return tell(self.audience, self.times, record);
        }
        folding.last.push_back(record);
        if folding.last.len() > folding.how.last
            && let Some(record) = folding.last.pop_front()
        {
            *folding.folded.calls.entry(record.call.name()).or_default() += 1;
            folding.reports += record.events.len() as u64;
        }
        Ok(())
    }
}

fn tell(audience: &mut dyn Audience, times: bool, mut record: Record) -> Result<()> {
    // How much has come to P when the buffers are full is the kernel's affair.
    record.unread = record.unread.filter(|_| times);
    Ok(audience.hear(&Event::Call(&record))?)
}
