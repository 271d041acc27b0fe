//! Many threads, many fds, many clients.

mod between;
mod cost;
mod herd;
mod ports;
mod server;
mod traffic;
mod tree;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 13] = [
    herd::HERD,
    herd::EXCLUSIVE_BALANCE,
    tree::TREE_COST,
    cost::SELECT_LINEAR,
    cost::POLL_LINEAR,
    cost::EPOLL_FLAT,
    cost::EPOLL_ALWAYS_WINS,
    server::TEXTBOOK_SERVER,
    traffic::BUSY_TRAFFIC,
    traffic::STDOUT_SLEEPS,
    ports::BACKLOG,
    ports::REUSEADDR,
    ports::REUSEPORT_QUEUE,
];
