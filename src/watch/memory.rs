//! The memory of a program that stands still, read from outside.

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

/// More bytes than this are not looked at in one place.
const MOST: usize = 1 << 17;

/// Something that can be read from by address.
pub trait Memory {
    /// `length` bytes from `address` on; fewer where it ends, or is not to be
    /// read.
    fn read(&self, address: u64, length: usize) -> Vec<u8>;

    /// A u64 as it lies in memory.
    fn u64_at(&self, address: u64) -> Option<u64> {
        let bytes = self.read(address, 8);
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    /// The bytes that an array of `count` struct iovec holds, `length` at
    /// most.
    fn gather(&self, vectors: u64, count: u64, length: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for (base, held) in self.vectors(vectors, count) {
            let room = length.min(MOST).saturating_sub(all.len());
            if room == 0 {
                break;
            }
            all.extend(self.read(base, room.min(held as usize)));
        }
        all
    }

    /// The bytes that they have room for.
    fn room(&self, vectors: u64, count: u64) -> usize {
        let vectors = self.vectors(vectors, count);
        vectors.iter().map(|(_, length)| *length as usize).sum()
    }

    /// Address and length of each struct iovec (readv(2)).
    fn vectors(&self, address: u64, count: u64) -> Vec<(u64, u64)> {
        const IOV_MAX: u64 = 1024;
        let table = self.read(address, count.min(IOV_MAX) as usize * 16);
        table
            .chunks_exact(16)
            .map(|part| (u64_of(&part[..8]), u64_of(&part[8..])))
            .collect()
    }

    /// `msg_iov` and `msg_iovlen` of a struct msghdr (recvmsg(2)).
    fn message(&self, address: u64) -> (u64, u64) {
        let at = |offset| self.u64_at(address + offset).unwrap_or(0);
        (at(16), at(24))
    }
}

/// 8 bytes as a number; 0 where there are not so many.
pub fn u64_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_ne_bytes)
}

/// 4 bytes as a number; 0 where there are not so many.
pub fn u32_of(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_ne_bytes)
}

/// The memory of a thread's process.
#[derive(Clone, Copy, Debug)]
pub struct OfThread(pub i32);

impl Memory for OfThread {
    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        if address == 0 || length == 0 {
            return Vec::new();
        }
        let mut bytes = vec![0; length.min(MOST)];
        let remote = [RemoteIoVec {
            base: address as usize,
            len: bytes.len(),
        }];
        let local = &mut [IoSliceMut::new(&mut bytes)];
        let read = process_vm_readv(Pid::from_raw(self.0), local, &remote);
        bytes.truncate(read.unwrap_or(0));
        bytes
    }
}

/// Made-up memory.
#[cfg(test)]
pub struct MadeUp(pub Vec<(u64, Vec<u8>)>);

#[cfg(test)]
impl Memory for MadeUp {
    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let inside = |(base, bytes): &(u64, Vec<u8>)| {
            let offset = address.checked_sub(*base)? as usize;
            let rest = bytes.get(offset..)?;
            Some(rest[..length.min(rest.len())].to_vec())
        };
        self.0.iter().find_map(inside).unwrap_or_default()
    }
}
