//! The registered programs, each found as fast as if it were the only one.

use std::fmt;
use std::mem;

use virt_xdr::ProgramId;

use crate::{Program, RegisterError};

#[derive(Default)]
pub(crate) struct Programs {
    /// Each in the slot that its number leads to or, where others are in the way, the next that is free. A power
    /// of two of slots, at least twice as many as there are programs; none for no program.
    slots: Vec<Option<Registered>>,
    /// The slot of the program that was found last, or any.
    last: usize,
}

/// A program, and what it has said of itself at registration.
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
        if let Some(registered) = self.ids().find(|other| other.number == id.number) {
            return Err(RegisterError { registered });
        }
        let new = Registered {
            id,
            takes_calls: program.takes_calls(),
            program,
        };
        let slots = (2 * self.ids().count() + 2).next_power_of_two();
        let registered = mem::take(&mut self.slots).into_iter().flatten();
        let all: Vec<_> = registered.chain([new]).collect();
        self.slots.resize_with(slots, || None);
        for registered in all {
            let slot = self.first_free(registered.id.number);
            self.slots[slot] = Some(registered);
        }
        Ok(id)
    }

    /// The program that was found last, if it is this one. Frames of one program come in runs.
    #[inline]
    pub(crate) fn last(&mut self, id: ProgramId) -> Option<&mut Registered> {
        let last = self.slots.get_mut(self.last)?.as_mut()?;
        (last.id == id).then_some(last)
    }

    #[inline]
    pub(crate) fn find(&mut self, id: ProgramId) -> Option<&mut Registered> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = first_slot(id.number) & mask;
        // A free slot ends the search.
        while self.slots[slot].as_ref()?.id != id {
            slot = (slot + 1) & mask;
        }
        self.last = slot;
        self.slots[slot].as_mut()
    }

    fn first_free(&self, number: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = first_slot(number) & mask;
        while self.slots[slot].is_some() {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn ids(&self) -> impl Iterator<Item = ProgramId> {
        self.slots.iter().flatten().map(|registered| registered.id)
    }
}

/// Their ids, in order.
impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids: Vec<_> = self.ids().collect();
        ids.sort_unstable();
        ids.fmt(f)
    }
}

/// Where the search for a number begins, however many slots there are.
///
/// Numbers that follow each other, as libvirt's do, are multiplied apart (Knuth, volume 3, section 6.4).
#[inline]
fn first_slot(number: u32) -> usize {
    (number.wrapping_mul(0x9e37_79b9) >> 16) as usize
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
            assert!(programs.find(ProgramId::new(number, 2)).is_none());
        }
        for number in [0, 0x2000_8085, 0x2000_8086 + 100] {
            assert!(programs.find(ProgramId::new(number, 1)).is_none());
        }
    }

    #[test]
    fn at_least_half_of_the_slots_are_free_and_a_quarter_taken() {
        for count in 1..=40 {
            let numbers: Vec<u32> = (0..count).collect();
            let slots = programs(&numbers).slots.len();
            let count = numbers.len();
            assert!(slots.is_power_of_two(), "{slots}");
            assert!((2 * count..4 * count).contains(&slots), "{count}: {slots}");
        }
    }

    #[test]
    fn where_there_is_none_none_is_found() {
        assert!(programs(&[]).find(ProgramId::new(0, 0)).is_none());
    }

    #[test]
    fn numbers_that_lead_to_the_last_slot_go_on_at_the_first() {
        let mut same = (0..).filter(|&number| first_slot(number) & 7 == 7);
        let numbers: Vec<u32> = same.by_ref().take(4).collect();
        let mut programs = programs(&numbers);
        assert_eq!(programs.slots.len(), 8);
        for &number in &numbers {
            assert!(is_found(&mut programs, number, 1));
        }
        let other = same.next().unwrap();
        assert!(programs.find(ProgramId::new(other, 1)).is_none());
    }
}
