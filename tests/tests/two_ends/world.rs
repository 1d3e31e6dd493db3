//! Two ends, the wire between them, and the time.

use std::time::{Duration, Instant};

use fastrand::Rng;
use virt_tests::{ECHO, Echo, Told};
use virt_transport::{Calls, Context, MessageProcedure, Role, Transport};

use crate::asker::{Asker, Expected};
use crate::end::End;
use crate::wire::Wire;

pub(crate) struct World {
    rng: Rng,
    now: Instant,
    client: End<Calls<Expected>>,
    asker: Asker,
    server: End<Echo>,
    up: Wire,
    down: Wire,
    events: u64,
}

impl World {
    /// Plays one sequence.
    pub(crate) fn play(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let now = Instant::now();
        let mut keepalive = || (Duration::from_millis(rng.u64(100..6000)), rng.u32(1..5));
        let (ours, theirs) = (keepalive(), keepalive());
        let mut world = Self {
            now,
            client: End::new(Transport::new(Role::Client), Calls::new(ECHO), ours, now),
            asker: Asker::default(),
            server: End::new(Transport::new(Role::Server), Echo::default(), theirs, now),
            up: Wire::default(),
            down: Wire::default(),
            events: 0,
            rng,
        };
        for _ in 0..world.rng.usize(..150) {
            world.step();
        }
        if world.rng.u8(..4) == 0 {
            world.die();
        } else {
            world.settle();
        }
    }

    fn step(&mut self) {
        match self.rng.u8(..12) {
            0 | 1 => self.client(Asker::call),
            2 | 3 => self.client(|asker, _, cx, rng| asker.stream(cx, rng)),
            4 => self.answer(),
            5 => self.tell(),
            6 => self.client.ping(),
            7 => self.server.ping(),
            8 | 9 => drop(self.carry_up()),
            10 => drop(self.carry_down()),
            _ => {
                let time = Duration::from_millis(self.rng.u64(..3000));
                self.pass(time);
            }
        }
    }

    /// Lets the client do something.
    fn client(
        &mut self,
        action: impl FnOnce(&mut Asker, &mut Calls<Expected>, &mut Context<'_>, &mut Rng),
    ) {
        let End {
            transport, program, ..
        } = &mut self.client;
        transport.with(program, |calls, cx| {
            action(&mut self.asker, calls, cx, &mut self.rng);
        });
    }

    /// Lets the server answer one of the calls that it has kept, if there are any.
    fn answer(&mut self) {
        let End {
            transport, program, ..
        } = &mut self.server;
        let answered = transport.with(program, |echo, cx| match echo.waiting() {
            0 => Ok(()),
            waiting => echo.answer(self.rng.usize(..waiting), cx),
        });
        answered.expect("it can be sent");
    }

    /// Lets the server send an event.
    fn tell(&mut self) {
        self.events += 1;
        let text = format!("event {}", self.events);
        self.asker.expect(&text);
        let End {
            transport, program, ..
        } = &mut self.server;
        let sent = transport.with(program, |_, cx| cx.message(Told::NUMBER, &text));
        sent.expect("it can be sent");
    }

    fn carry_up(&mut self) -> bool {
        self.up.write(&mut self.client.transport, &mut self.rng);
        let carried = self.up.read(&mut self.server.transport, &mut self.rng);
        if carried {
            self.server.hear(self.now);
        }
        carried
    }

    fn carry_down(&mut self) -> bool {
        self.down.write(&mut self.server.transport, &mut self.rng);
        let carried = self.down.read(&mut self.client.transport, &mut self.rng);
        if carried {
            self.client.hear(self.now);
            self.client(|asker, calls, _, _| {
                while let Some(incoming) = calls.poll() {
                    asker.take(incoming);
                }
            });
        }
        carried
    }

    /// Carries everything there is, both ways.
    fn carry_all(&mut self) {
        while self.carry_up() | self.carry_down() {}
    }

    /// Lets time pass over a wire that is slow, but takes no longer than until something is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.next_deadline().filter(|due| *due <= end) {
            self.now = due;
            self.carry_all();
            self.tick();
            self.carry_all();
            assert!(
                !self.client.dead && !self.server.dead,
                "the wire is not dead"
            );
        }
        self.now = end;
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.client.deadline(), self.server.deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn tick(&mut self) {
        self.client.tick(self.now);
        self.server.tick(self.now);
    }

    /// The wire goes dead: both ends find out, each in its own time, which the ends themselves check.
    fn die(mut self) {
        while let Some(due) = self.next_deadline() {
            self.now = due;
            self.tick();
        }
        assert!(self.client.dead && self.server.dead);
    }

    /// Everything comes to its end: no reply, event, piece of a stream or PONG is missing.
    fn settle(mut self) {
        self.carry_all();
        while self
            .server
            .transport
            .with(&self.server.program, |echo, _| echo.waiting())
            > 0
        {
            self.answer();
        }
        self.client(|asker, _, cx, _| asker.finish(cx));
        self.carry_all();
        self.asker.assert_answered();
        self.client.assert_idle();
        self.server.assert_idle();
        let [client, server] =
            [&self.client.transport, &self.server.transport].map(Transport::counters);
        assert_eq!(client.frames_received, server.frames_sent);
        assert_eq!(server.frames_received, client.frames_sent);
        assert_eq!(client.fds_received, server.fds_sent);
        assert_eq!(server.fds_received, client.fds_sent);
    }
}
