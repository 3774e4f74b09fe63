//! Where events and requests come in.

pub(crate) mod http;
pub(crate) mod otlp;
pub(crate) mod syslog;
pub(crate) mod tls;

use std::io;
use std::net::SocketAddr;

use crate::config::NodeConfig;
use syslog::SyslogSockets;

/// The sockets beside HTTP that a node listens on, before anything is read from them.
pub struct Sockets {
    pub(crate) syslog: SyslogSockets,
    pub(crate) otlp: Option<std::net::TcpListener>,
}

impl Sockets {
    /// Binds what the settings name.
    ///
    /// # Errors
    /// An address that can't be listened on, a certificate that can't be used.
    pub fn bind(config: &NodeConfig) -> io::Result<Sockets> {
        let otlp = config.otlp_grpc.map(otlp::bind).transpose()?;
        Ok(Sockets { syslog: SyslogSockets::bind(&config.syslog)?, otlp })
    }

    /// What is listened on: protocol and address.
    #[must_use]
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let otlp = self.otlp.as_ref().and_then(|listener| listener.local_addr().ok());
        self.syslog.addresses().into_iter().chain(otlp.map(|address| ("otlp grpc", address))).collect()
    }
}
