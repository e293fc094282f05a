//! Whether a node is ready, asked without a runtime: clusters are started from within one and from outside.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use crate::http::Client;

/// Whether the node at this port of the machine says that it is ready.
pub(crate) fn at(port: u16) -> bool {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address.into(), Duration::from_millis(500))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head[9..] == b"200")
    };
    ask().unwrap_or(false)
}

/// The same where a handshake comes first. On a thread of its own, for the caller may be within a runtime.
pub(crate) fn over_tls(client: Client) -> bool {
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(client.try_get("/readyz")).ok()
    });
    asking.join().ok().flatten().is_some_and(|reply| reply.status == 200)
}
