//! libvirt connection URIs and the sockets they stand for, parsed without I/O.
