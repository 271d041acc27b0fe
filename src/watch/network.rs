//! A network of its own for this process and what it starts.
//!
//! Every port is free in it, it is open to nobody, and no connection that was
//! closed before keeps an address busy (network_namespaces(7)).

use std::fs;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink, recv, sendto, socket};

/// Moves this process into one. To be called while it has one thread.
pub fn enter() -> Result<()> {
    let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        // Whoever is root in a user namespace may have a network in it.
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).context("unshare")?;
        // user_namespaces(7): without that, gid_map may not be written.
        fs::write("/proc/self/setgroups", "deny").context("/proc/self/setgroups")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1")).context("uid_map")?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1")).context("gid_map")?;
    }
    raise_loopback()
}

/// rtnetlink(7): RTM_NEWLINK for interface 1, which is lo, with IFF_UP.
fn raise_loopback() -> Result<()> {
    const LENGTH: u32 = 32;
    const RTM_NEWLINK: u32 = 16;
    const REQUEST_AND_ACK: u32 = 5;
    const LO: u32 = 1;
    const IFF_UP: u32 = 1;
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None).context("socket")?;
    let header = [LENGTH, RTM_NEWLINK | REQUEST_AND_ACK << 16, 1, 0];
    let link = [0, LO, IFF_UP, IFF_UP];
    let message: Vec<u8> = [header, link]
        .concat()
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let kernel = netlink::SocketAddrNetlink::new(0, 0);
    sendto(&socket, &message, SendFlags::empty(), &kernel).context("sendto(netlink)")?;
    let mut answer = [0; 64];
    let (length, _) = recv(&socket, &mut answer, RecvFlags::empty()).context("recv(netlink)")?;
    // A struct nlmsgerr behind the header: 0 says that it is done.
    let error = answer[..length].get(16..20).map(i32_of);
    match error {
        Some(0) => Ok(()),
        Some(errno) => bail!("lo cannot be brought up: {:?}", Errno::from_raw(-errno)),
        None => bail!("lo cannot be brought up: a short answer"),
    }
}

fn i32_of(bytes: &[u8]) -> i32 {
    bytes.try_into().map_or(-1, i32::from_ne_bytes)
}
