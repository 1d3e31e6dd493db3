#![allow(missing_docs)]
use virt_transport::ProgramId;
pub const PROGRAM: ProgramId = ProgramId::new(0x6b65_6570, 1);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Procedure(pub i32);
impl Procedure {
    pub const PING: Self = Self(1);
    pub const PONG: Self = Self(2);
}
impl From<Procedure> for i32 {
    fn from(p: Procedure) -> i32 {
        p.0
    }
}
