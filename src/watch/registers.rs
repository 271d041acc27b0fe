//! The registers that hold a call, processor by processor: syscall(2),
//! "Architecture calling conventions".

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use nix::libc;

/// What the registers say at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The call's number.
    pub number: i64,
    /// Its arguments; at its return the first may be gone.
    pub args: [u64; 6],
    /// At its return: the result, or minus the errno.
    pub result: i64,
}

/// The registers, as the kernel hands them out.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub type Raw = libc::user_regs_struct;
/// There are none that this program knows.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub type Raw = ();

/// What they say.
#[cfg(target_arch = "x86_64")]
pub fn registers(raw: &Raw) -> Registers {
    Registers {
        number: raw.orig_rax as i64,
        args: [raw.rdi, raw.rsi, raw.rdx, raw.r10, raw.r8, raw.r9],
        result: raw.rax as i64,
    }
}

/// What they say.
#[cfg(target_arch = "aarch64")]
pub fn registers(raw: &Raw) -> Registers {
    let x = &raw.regs;
    Registers {
        number: x[8] as i64,
        args: [x[0], x[1], x[2], x[3], x[4], x[5]],
        result: x[0] as i64,
    }
}

/// Back before the call, which is made once more: `first` is its first
/// argument, whose register may hold the result.
#[cfg(target_arch = "x86_64")]
pub fn rewind(raw: &mut Raw, _first: u64) {
    const SYSCALL: u64 = 2; // bytes of the instruction
    raw.rip -= SYSCALL;
    raw.rax = raw.orig_rax;
    raw.orig_rax = u64::MAX; // it is in no call now
}

/// Back before the call, which is made once more: `first` is its first
/// argument, whose register may hold the result.
#[cfg(target_arch = "aarch64")]
pub fn rewind(raw: &mut Raw, first: u64) {
    const SVC: u64 = 4; // bytes of the instruction
    raw.pc -= SVC;
    raw.regs[0] = first;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_call_is_made_once_more() {
        let raw = Raw {
            r15: 0,
            r14: 0,
            r13: 0,
            r12: 0,
            rbp: 0,
            rbx: 0,
            r11: 0,
            r10: 4,
            r9: 6,
            r8: 5,
            rax: -4i64 as u64,
            rcx: 0,
            rdx: 3,
            rsi: 2,
            rdi: 1,
            orig_rax: 232,
            rip: 0x1002,
            cs: 0,
            eflags: 0,
            rsp: 0,
            ss: 0,
            fs_base: 0,
            gs_base: 0,
            ds: 0,
            es: 0,
            fs: 0,
            gs: 0,
        };
        let said = registers(&raw);
        assert_eq!(said.number, 232);
        assert_eq!(said.args, [1, 2, 3, 4, 5, 6]);
        assert_eq!(said.result, -4);
        let mut raw = raw;
        rewind(&mut raw, 1);
        assert_eq!((raw.rip, raw.rax), (0x1000, 232));
    }
}
