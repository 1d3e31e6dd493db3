//! A client's half of the remote program: one call.

use virt_transport::{Context, Message, Program, ProgramError, ProgramId, Reply};

use super::opener::{HOSTNAME, REMOTE, first};

/// Calls for the host's name and keeps what came back; takes every event.
#[derive(Debug, Default)]
pub(super) struct Caller {
    returned: Option<Option<String>>,
}

impl Caller {
    pub(super) fn call(&mut self, cx: &mut Context<'_>) {
        self.returned = None;
        cx.call(HOSTNAME, &())
            .expect("a call without arguments fits");
    }

    /// What the last call returned, which is nothing if it failed; `None` while it waits.
    pub(super) fn returned(&mut self) -> Option<Option<String>> {
        self.returned.take()
    }
}

impl Program for Caller {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let text = reply.result.ok().and_then(|payload| first(&payload).ok());
        self.returned = Some(text);
        Ok(())
    }

    fn on_message(&mut self, _: Message<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        Ok(())
    }
}
