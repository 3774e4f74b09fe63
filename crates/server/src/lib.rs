//! The thin edge: sockets, routes, roles.
