//! Compiles only while `virt-xdr` and everything it depends on do without `std`, on any host.
//!
//! A program has one panic handler. `std` brings its own, so if any crate below linked `std`, the one defined here would be
//! refused as a duplicate (E0152), and the compiler would say which crate it came through.

#![no_std]

use core::panic::PanicInfo;

use virt_xdr as _;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
