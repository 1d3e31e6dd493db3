//! Generates the modules of the crate from the definitions beside them.

use std::path::PathBuf;

use virt_codegen::{Codegen, Error};

fn main() -> Result<(), Error> {
    println!("cargo::rerun-if-changed=src");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it for a build script"));
    Codegen::new("src/greeter.x").write(out.join("greeter.rs"))?;
    Codegen::new("src/prelude.x").write(out.join("prelude.rs"))?;
    // The error's types are those of virt-transport.
    Codegen::new("src/report.x")
        .external("error", "::virt_transport")
        .external("frame", "::virt_xdr")
        .write(out.join("report.rs"))
}
