//! What the network says of a connection ends this connection; what speaks of
//! the server ends the server.

use std::io::Write;

use serde_json::Value;

use super::{all_served_but, each_k, inject};
use crate::common::listening::{Listening, echo};
use crate::common::strace::{is_there, strace};

/// A client's network can make recv and send fail with nearly any errno: an
/// ICMP message becomes EOPNOTSUPP, a route EACCES or EINVAL.
#[test]
fn a_clients_network_costs_one_client() {
    if !is_there("faults: EOPNOTSUPP, EACCES and EINVAL") {
        return;
    }
    for mode in ["lt", "et-nonblock", "blocking"] {
        for (syscall, errno) in [
            ("recvfrom", "EOPNOTSUPP"),
            ("recvfrom", "EACCES"),
            ("recvfrom", "EINVAL"),
            ("sendto", "EPERM"),
        ] {
            each_k(mode, syscall, errno, |lines, failed| {
                let lost = &failed["name"];
                all_served_but(lines, lost);
                let calls: Vec<&Value> = lines.of("call").collect();
                let at = calls.iter().position(|call| *call == failed);
                let next = calls[at.expect("traced") + 1];
                assert_eq!((&next["call"], &next["name"]), (&"close".into(), lost));
            });
        }
    }
}

/// An fd that is none is nobody's network: the server ends, and says in which
/// call.
#[test]
fn a_bug_of_ours_ends_the_server() {
    if !is_there("faults: EBADF, ENOTSOCK and EFAULT") {
        return;
    }
    for (syscall, call) in [("recvfrom", "recv"), ("sendto", "send")] {
        for errno in ["EBADF", "ENOTSOCK", "EFAULT"] {
            let output = inject("lt", syscall, &format!("{errno}:when=2"), &["--trace"]);
            assert_eq!(output.shell_status(), 1, "{}", output.told());
            let stderr = output.stderr();
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            let named = format!("{call}(5<A>): {errno} (");
            assert!(stderr.contains(&named), "{stderr}");
        }
    }
}

/// What has been is summed up all the same.
#[test]
fn a_server_that_an_error_ended_is_summed_up() {
    if !is_there("the summary after an error") {
        return;
    }
    let inject = "inject=recvfrom:error=EBADF:when=2";
    let options = ["-o", "/dev/null", "-e", "trace=recvfrom", "-e", inject];
    for trace in [None, Some("--trace")] {
        let args = ["lt", "--listen", "127.0.0.1:0"].into_iter().chain(trace);
        let server = Listening::start(&mut strace(&options, args));
        let mut client = server.connect();
        echo(&mut client, b"five!");
        client.write_all(b"more").expect("send");
        let output = server.end();
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let stdout = output.stdout();
        assert!(stdout.contains("lived through: EBADF 1"), "{stdout}");
        assert!(
            stdout.contains("\n=> 1 client: 5 bytes received"),
            "{stdout}"
        );
        let stderr = output.stderr();
        let last = stderr.lines().last().expect("a line");
        assert!(last.contains("recv(5<A>): EBADF ("), "{stderr}");
    }
}
