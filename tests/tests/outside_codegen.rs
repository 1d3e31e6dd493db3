//! A crate outside of the workspace generates a program of its own in `build.rs`, and calls it.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Calls the generated program between two ends in memory.
const MAIN: &str = r#"
use virt_transport::{Call, CallProcedure, Calls, Context, Incoming, Program, ProgramId, RemoteError, Role, Transport};

mod greeter {
    include!(concat!(env!("OUT_DIR"), "/greeter.rs"));
}

use greeter::*;

struct Server;

impl Program for Server {
    fn id(&self) -> ProgramId {
        PROGRAM
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let args: GreetArgs<&str> = call.payload.decode()?;
        let greeting = format!("Hello, {}!", args.name);
        Ok(cx.reply(call.id, &GreetRet { text: greeting })?)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Transport::new(Role::Server);
    server.register(Server)?;
    let mut client = Transport::new(Role::Client);
    let calls = client.register(Calls::new(PROGRAM))?;
    client.with(&calls, |calls, cx| calls.call(cx, Greet::NUMBER, &GreetArgs { name: "Ada" }, ()))?;
    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.write_to(&mut up)?;
    server.receive(&up)?;
    server.write_to(&mut down)?;
    client.receive(&down)?;
    let Some(Incoming::Reply { result, .. }) = client.with(&calls, |calls, _| calls.poll()) else {
        return Err("no reply".into());
    };
    let ret: GreetRet = virt_xdr::from_slice(&result?)?;
    println!("{}", ret.text);
    Ok(())
}
"#;

const BUILD: &str = r#"
fn main() -> Result<(), virt_codegen::Error> {
    println!("cargo::rerun-if-changed=greeter.x");
    let out = std::env::var("OUT_DIR").expect("cargo sets it for a build script");
    virt_codegen::Codegen::new("greeter.x").write(format!("{out}/greeter.rs"))
}
"#;

#[test]
fn a_crate_of_its_own_adds_a_program_by_its_build_script_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let crates = root.join("crates");
    let dependency =
        |name: &str, more: &str| format!("{name} = {{ path = {:?}{more} }}\n", crates.join(name));
    let manifest = [
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n",
        &dependency("virt-xdr", ""),
        &dependency("virt-transport", ""),
        "\n[build-dependencies]\n",
        &dependency("virt-codegen", ", default-features = false"),
    ];
    fs::create_dir(at("src")).unwrap();
    fs::write(at("Cargo.toml"), manifest.concat()).unwrap();
    // The versions of the workspace, which are there already.
    fs::copy(root.join("Cargo.lock"), at("Cargo.lock")).unwrap();
    fs::write(at("build.rs"), BUILD).unwrap();
    fs::write(at("src/main.rs"), MAIN).unwrap();
    let definition = root.join("tests/src/samples/greeter/greeter.x");
    fs::copy(definition, at("greeter.x")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet"])
        .current_dir(directory.path())
        .env("CARGO_TARGET_DIR", at("target"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Ada!\n");
}
