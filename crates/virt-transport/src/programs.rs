//! The table of registered programs.

use std::fmt;

use virt_xdr::ProgramId;

use crate::{Program, RegisterError};

/// The registered programs. libvirt has five, so a search is short.
#[derive(Default)]
pub(crate) struct Programs {
    /// The program that was found last is the first: frames of one program come in runs.
    registered: Vec<Registered>,
}

/// A program, and its own answers from registration.
pub(crate) struct Registered {
    pub(crate) id: ProgramId,
    pub(crate) takes_calls: bool,
    pub(crate) program: Box<dyn Program>,
}

impl Programs {
    pub(crate) fn register(
        &mut self,
        program: Box<dyn Program>,
    ) -> Result<ProgramId, RegisterError> {
        let id = program.id();
        if let Some(taken) = self.ids().find(|other| other.number == id.number) {
            return Err(RegisterError { registered: taken });
        }
        self.registered.push(Registered {
            id,
            takes_calls: program.takes_calls(),
            program,
        });
        Ok(id)
    }

    /// Finds a program by number and version.
    #[inline]
    pub(crate) fn find(&mut self, id: ProgramId) -> Option<&mut Registered> {
        if self.registered.first().is_none_or(|first| first.id != id) {
            let found = self.registered.iter().position(|other| other.id == id)?;
            self.registered.swap(0, found);
        }
        self.registered.first_mut()
    }

    fn ids(&self) -> impl Iterator<Item = ProgramId> {
        self.registered.iter().map(|registered| registered.id)
    }
}

/// Shows the ids in their own order.
impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids: Vec<_> = self.ids().collect();
        ids.sort_unstable();
        ids.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered(u32);

    impl Program for Numbered {
        fn id(&self) -> ProgramId {
            ProgramId::new(self.0, 1)
        }
    }

    fn programs(numbers: &[u32]) -> Programs {
        let mut programs = Programs::default();
        for &number in numbers {
            let result = programs.register(Box::new(Numbered(number)));
            assert_eq!(result.unwrap(), ProgramId::new(number, 1));
        }
        programs
    }

    fn is_found(programs: &mut Programs, number: u32, version: u32) -> bool {
        let id = ProgramId::new(number, version);
        let found = programs.find(id);
        found.is_some_and(|found| found.id == id && found.program.id() == id)
    }

    #[test]
    fn each_of_many_is_found_and_no_other() {
        let numbers: Vec<u32> = (0..100).map(|number| 0x2000_8086 + number).collect();
        let mut programs = programs(&numbers);
        for &number in &numbers {
            assert!(is_found(&mut programs, number, 1));
            assert!(is_found(&mut programs, number, 1));
            assert!(programs.find(ProgramId::new(number, 2)).is_none());
        }
        for number in [0, 0x2000_8085, 0x2000_8086 + 100] {
            assert!(programs.find(ProgramId::new(number, 1)).is_none());
        }
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        assert!(programs(&[]).find(ProgramId::new(0, 0)).is_none());
    }
}
