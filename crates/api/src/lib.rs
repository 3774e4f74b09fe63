//! What goes over the wire, and a client that speaks it.
