//! The keepalive program of libvirt's RPC protocol: PING, PONG and expiry, without I/O or a clock.
