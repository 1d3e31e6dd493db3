//! XDR (RFC 4506) and the framing of libvirt's RPC protocol.
