//! Two ends of a generated program, between modules whose names come close to those of the prelude.

#![deny(warnings)]

use outside::greeter::{self, GreetArgs, GreetRet};
use outside::prelude::*;
use outside::report;
use virt_transport::{
    Call, Context, ErrorCode, ErrorLevel, Program, ProgramError, ProgramId, RemoteError, Reply, Role, Transport,
};
use virt_xdr::{from_slice, to_vec};

#[derive(Default)]
struct Greeter(Option<String>);

impl Program for Greeter {
    fn id(&self) -> ProgramId {
        greeter::PROGRAM
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let args: GreetArgs<&str> = call.payload.decode()?;
        let text = format!("Hello, {}!", args.name);
        Ok(cx.reply(call.id, &GreetRet { text })?)
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let greeting: GreetRet = reply.result.expect("a greeting").decode()?;
        self.0 = Some(greeting.text);
        Ok(())
    }
}

fn carry(from: &mut Transport, to: &mut Transport) {
    let mut bytes = Vec::new();
    from.write_to(&mut bytes).expect("a Vec takes everything");
    to.receive(&bytes).expect("frames");
}

fn main() {
    let mut server = Transport::new(Role::Server);
    server.register(Greeter::default()).expect("one program");
    let mut client = Transport::new(Role::Client);
    let greeter = client.register(Greeter::default()).expect("one program");
    client
        .with(&greeter, |_, cx| cx.call(greeter::Procedure::GREET, &GreetArgs { name: "Ada" }))
        .expect("it is sent");
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);
    client.with(&greeter, |greeter, _| println!("{}", greeter.0.take().expect("a greeting")));

    prelude_is_not_hidden(All {
        b: Some(XdrString { x: 1, y: String::from("y") }),
        ..All::default()
    });
    let outcome: report::Outcome = report::Outcome::Default {
        discriminant: ErrorLevel::WARNING,
        value: "text".into(),
    };
    assert_eq!(from_slice(&to_vec(&outcome).expect("it encodes")), Ok(outcome));
    let mut report: report::Report = report::Report::default();
    report.error.code = ErrorCode::RPC;
    assert_eq!(from_slice(&to_vec(&report).expect("it encodes")), Ok(report));
}

/// Uses names of the prelude beside a glob import of types that are called as they are.
fn prelude_is_not_hidden<T>(all: All<T>)
where
    All<T>: Clone + Default + PartialEq + Send + Sync,
    T: AsRef<str> + Into<String>,
{
    let text: Option<String> = all.b.map(|b| b.y.into());
    let boxed: Box<dyn Fn() -> Result<Vec<String>, String>> = Box::new(move || Ok(Vec::from_iter(text.clone())));
    assert_eq!(boxed(), Ok(vec!["y".to_string()]));
    assert_eq!(XdrClone, XdrClone.clone());
    drop(boxed);
}
