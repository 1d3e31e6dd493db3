//! Calls through a handle: typed and raw, with descriptors and with streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout};
use virt_transport::{CallProcedure, Fd, ProgramId, SendError, StreamId};
use virt_xdr::{Decode, Encode, from_slice, from_slice_lenient, to_vec};

use crate::connection::backpressure::{ItemSender, Items};
use crate::connection::request::{Request, Returned, Waiter};
use crate::{CallError, Client, Closed, Stream};

impl Client {
    /// Calls a procedure and waits for its return value.
    ///
    /// Cancel-safe: if the future is dropped, the call may or may not be made, and its reply is dropped.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call<P: CallProcedure>(&self, args: &P::Args<'_>) -> Result<P::Ret, CallError> {
        let returned = self.request::<P>(args, Vec::new(), None).await?;
        self.decode(&returned.payload)
    }

    /// Calls a procedure with descriptors, and returns those of the reply, too.
    ///
    /// Cancel-safe, as [`call`](Self::call); the descriptors are closed in any case.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. Descriptors go over Unix sockets only, at most 32 with a call.
    pub async fn call_with_fds<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
        fds: Vec<Fd>,
    ) -> Result<(P::Ret, Vec<Fd>), CallError> {
        let returned = self.request::<P>(args, fds, None).await?;
        Ok((self.decode(&returned.payload)?, returned.fds))
    }

    /// Calls a procedure that opens a stream.
    ///
    /// Cancel-safe, as [`call`](Self::call); the stream is then aborted.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call_with_stream<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
    ) -> Result<(P::Ret, Stream), CallError> {
        let (sender, items) = Items::new(&self.shared.connection.state.streams);
        let returned = self.request::<P>(args, Vec::new(), Some(sender)).await?;
        let id = StreamId {
            procedure: P::NUMBER,
            serial: returned.serial,
        };
        let stream = Stream::new(self.clone(), P::PROGRAM, id, items);
        Ok((self.decode(&returned.payload)?, stream))
    }

    /// Calls a procedure with other types than its own for arguments and return value, of the same layout.
    ///
    /// With [`Text`](virt_xdr::Text) for the strings of a generated type, names that are not UTF-8 are kept as they are,
    /// in both directions: `Domain<Text>` in place of `Domain<&str>`. Cancel-safe, as [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call_as<P: CallProcedure, R: for<'a> Decode<'a>>(
        &self,
        args: &impl Encode,
    ) -> Result<R, CallError> {
        let args = to_vec(args).map_err(SendError::from)?;
        let payload = self.call_raw(P::PROGRAM, P::NUMBER, args).await?;
        self.decode(&payload)
    }

    /// Calls a procedure by number with encoded arguments, and returns the encoded return value.
    ///
    /// This is for tools and for procedures without a [`CallProcedure`]. Cancel-safe, as [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call_raw(
        &self,
        program: ProgramId,
        procedure: i32,
        args: impl Into<Vec<u8>>,
    ) -> Result<Bytes, CallError> {
        let request = Request {
            program,
            procedure,
            args: args.into(),
            fds: Vec::new(),
            stream: None,
        };
        Ok(self.exchange(request, self.call_timeout).await?.payload)
    }

    /// Decodes a return value.
    fn decode<'a, T: Decode<'a>>(&self, payload: &'a [u8]) -> Result<T, CallError> {
        Ok(if self.shared.preferences.strict {
            from_slice(payload)?
        } else {
            from_slice_lenient(payload)?
        })
    }

    async fn request<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
        fds: Vec<Fd>,
        stream: Option<ItemSender>,
    ) -> Result<Returned, CallError> {
        let request = Request {
            program: P::PROGRAM,
            procedure: P::NUMBER,
            args: to_vec(args).map_err(SendError::from)?,
            fds,
            stream,
        };
        self.exchange(request, self.call_timeout).await
    }

    /// Makes a call and waits for its reply, each within the limit.
    pub(crate) async fn exchange(
        &self,
        request: Request,
        limit: Option<Duration>,
    ) -> Result<Returned, CallError> {
        let Some(after) = limit else {
            let turn = self.turn().await;
            return self.exchange_unlimited(request, turn, None).await;
        };
        let start = Instant::now();
        let Ok(turn) = timeout(after, self.turn()).await else {
            let limit = self.shared.calls_max as usize;
            return Err(CallError::Busy { after, limit });
        };
        let sent = Arc::new(AtomicBool::new(false));
        let exchange = self.exchange_unlimited(request, turn, Some(Arc::clone(&sent)));
        let left = after.saturating_sub(start.elapsed());
        timeout(left, exchange).await.unwrap_or_else(|_| {
            // The waiter is gone, so a call that is not sent by now never will be.
            let sent = sent.load(Ordering::Acquire);
            Err(CallError::Timeout { after, sent })
        })
    }

    /// Waits until one more call may be in flight.
    async fn turn(&self) -> OwnedSemaphorePermit {
        let calls = || Arc::clone(&self.shared.calls);
        // Most often it may at once, and waiting takes longer than looking.
        if let Ok(permit) = calls().try_acquire_owned() {
            return permit;
        }
        let Ok(permit) = calls().acquire_owned().await else {
            unreachable!("the semaphore is never closed");
        };
        permit
    }

    async fn exchange_unlimited(
        &self,
        request: Request,
        permit: OwnedSemaphorePermit,
        sent: Option<Arc<AtomicBool>>,
    ) -> Result<Returned, CallError> {
        let (outcome, reply) = oneshot::channel();
        let waiter = Waiter {
            outcome,
            permit: Some(permit),
            sent,
        };
        let connection = &self.shared.connection;
        connection
            .command(move |endpoint| endpoint.call(request, waiter))
            .await
            .map_err(Closed::unsent)?;
        match reply.await {
            // The call was in flight at the end. Its reason is known only now.
            Ok(Err(CallError::Closed(_))) => Err(self.closed().await.into()),
            Ok(outcome) => outcome,
            // The connection has ended before its task took the call.
            Err(_) => Err(self.closed().await.unsent().into()),
        }
    }
}
