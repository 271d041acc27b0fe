//! How a server is started: on a thread of its own, with the lab's files out
//! of the way.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use nix::sys::socket::{SockaddrStorage, getsockname};

use crate::lab::audience::Shared;
use crate::lab::board::Board;
use crate::lab::ready::Ready;
use crate::lab::report::{EventLoop, Run};
use crate::lab::running::Lab;
use crate::lab::settle::Rest;
use crate::lab::tcp_table::TcpTable;
use crate::lab::witness::Witness;
use crate::server::{self, Config};
use crate::sys::Sys;
use crate::sys::journal::{Batch, Follow, Journal};
use crate::trace::OfCall;

impl Lab {
    /// Starts the server and waits until it listens.
    pub fn start(
        run: Run,
        config: Config,
        follow: Follow,
        board: Arc<Board>,
        audience: Shared,
    ) -> Result<Lab> {
        let began = Instant::now();
        let journal = Arc::new(Journal::default());
        board.begin(&run, &journal);
        let (tid_sender, tid) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let kept_in = Arc::clone(&journal);
        let api = run.api;
        let server = thread::Builder::new()
            .name("server".into())
            .spawn(move || {
                // Dropped last, whatever ends the server.
                let _alive = alive;
                let _ = tid_sender.send(nix::unistd::gettid().as_raw());
                // The lab's own files first, so that 3 is the listener.
                let _ = gone.recv();
                let mut sys = Sys::new(kept_in, follow, began);
                match api {
                    EventLoop::None => server::blocking::serve(&mut sys, &config),
                    EventLoop::Select => server::select::serve(&mut sys, &config),
                    EventLoop::Poll => server::poll::serve(&mut sys, &config),
                    EventLoop::Epoll => server::epoll::serve(&mut sys, &config),
                }
            })
            .of_call("pthread_create")?;
        let tid = tid.recv().context("the server thread has died")?;
        board.lock().tid = Some(tid);
        let witness = Witness::open(tid).of_call("open(/proc/self/task/TID/stat)")?;
        let table = TcpTable::open(&config.addr).ok();
        let ready = Ready::new().ok();
        let _ = go.send(());
        let mut lab = Lab {
            run,
            journal,
            board,
            audience,
            records: Batch::default(),
            witness,
            table,
            ready,
            server: Some(server),
            ended,
            address: config.addr,
            clients: Vec::new(),
            told: None,
            began,
        };
        match lab.settle()? {
            Rest::Asleep(_) => {
                lab.address = lab.listening_on()?;
                lab.board.lock().address = Some(lab.address);
            }
            Rest::Ended => lab.join()?,
        }
        Ok(lab)
    }

    /// The address that the server really has: port 0 has become a number.
    fn listening_on(&self) -> Result<SocketAddr> {
        let listener = self.journal.lock().listener;
        let listener = listener.context("the server sleeps and does not listen")?;
        let address: SockaddrStorage =
            getsockname(listener).map_err(|e| anyhow!("getsockname: {e}"))?;
        let v4 = address
            .as_sockaddr_in()
            .map(|a| (IpAddr::from(a.ip()), a.port()));
        let v6 = address
            .as_sockaddr_in6()
            .map(|a| (IpAddr::from(a.ip()), a.port()));
        let address = v4.or(v6).context("the listener has no address")?;
        Ok(SocketAddr::from(address))
    }
}
