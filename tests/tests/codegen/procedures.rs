//! Generated procedures tie number, name and types together.

use virt_transport::{CallProcedure, MessageProcedure};
use virt_xdr::{ProgramId, from_slice, to_vec};

use crate::samples::{
    Changed, ChangedMsg, Color, Lookup, LookupArgs, LookupRet, PROGRAM, Procedure, Reset, Shape,
    Value,
};

/// Encodes the arguments of a call as a client does.
fn arguments<P: CallProcedure>(arguments: &P::Args<'_>) -> (ProgramId, i32, Vec<u8>) {
    (
        P::PROGRAM,
        P::NUMBER,
        to_vec(arguments).expect("they encode"),
    )
}

#[test]
fn a_call_takes_what_it_does_not_own() {
    let name = String::from("all");
    let args = LookupArgs {
        name: name.as_str(),
        values: vec![Value::Case1(1)],
    };
    let (program, number, bytes) = arguments::<Lookup>(&args);
    assert_eq!((program, number), (ProgramId::new(0x2000_1234, 1), 1));
    // What is decoded borrows from the payload in its turn.
    let decoded: LookupArgs<&str, &[u8]> = from_slice(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&decoded.name.as_ptr()));
    assert_eq!(decoded, args);
    assert_eq!(Lookup::NAME, "LOOKUP");

    let ret: <Lookup as CallProcedure>::Ret = LookupRet {
        uuid: [1; 16],
        shape: Shape::Blue,
    };
    assert_eq!(
        from_slice::<LookupRet>(&to_vec(&ret).unwrap()).unwrap(),
        ret
    );
}

#[test]
fn a_procedure_without_types_takes_and_returns_nothing() {
    assert_eq!(arguments::<Reset>(&()), (PROGRAM, 2, vec![]));
    let () = from_slice::<<Reset as CallProcedure>::Ret>(&[]).unwrap();
}

#[test]
fn a_message_has_a_body() {
    assert_eq!(
        (Changed::PROGRAM, Changed::NUMBER, Changed::NAME),
        (PROGRAM, 3, "CHANGED")
    );
    let body: <Changed as MessageProcedure>::Body = ChangedMsg {
        name: "a".into(),
        flags: 1,
    };
    assert_eq!(
        from_slice::<ChangedMsg>(&to_vec(&body).unwrap()).unwrap(),
        body
    );
}

#[test]
fn sets_know_their_members_and_keep_others() {
    assert_eq!(
        Procedure::ALL,
        [Procedure::LOOKUP, Procedure::RESET, Procedure::CHANGED]
    );
    assert_eq!(Procedure(2).name(), Some("RESET"));
    assert_eq!(i32::from(Procedure(77)), 77);
    assert_eq!(
        format!("{:?} {:?}", Procedure(3), Procedure(77)),
        "CHANGED Procedure(77)"
    );
    assert_eq!(
        Color::ALL.iter().map(|color| color.0).collect::<Vec<_>>(),
        [1, 2, -5]
    );
    assert_eq!(from_slice::<Color>(&[0, 0, 0, 9]).unwrap(), Color(9));
}
