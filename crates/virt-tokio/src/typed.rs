//! The methods of virt-protocol for a live connection.

use virt_protocol::Response;
use virt_transport::StreamId;
use virt_xdr::EncodeError;

use crate::connection::backpressure::Items;
use crate::connection::request::Request;
use crate::{CallError, Client, Stream};

/// Gives a client the methods of [`Remote`](virt_protocol::remote::Remote) and of the other programs.
///
/// Cancel-safe, as [`Client::call`]; a stream is then aborted.
impl virt_protocol::Client for Client {
    type Error = CallError;
    type Stream = Stream;

    async fn exchange(
        &self,
        request: virt_protocol::Request,
    ) -> Result<Response<Stream>, CallError> {
        let virt_protocol::Request {
            program,
            procedure,
            args,
            fds,
            opens_stream,
            ..
        } = request;
        let streams = || Items::new(&self.shared.connection.state.streams);
        let (stream, items) = opens_stream.then(streams).unzip();
        let call = Request {
            program,
            procedure,
            args,
            fds,
            stream,
        };
        let returned = self.exchange(call, self.call_timeout).await?;
        let serial = returned.serial;
        let id = StreamId { procedure, serial };
        Ok(Response {
            payload: returned.payload,
            fds: returned.fds,
            stream: items.map(|items| Stream::new(self.clone(), program, id, items)),
        })
    }

    fn is_lenient(&self) -> bool {
        !self.shared.preferences.strict
    }
}

impl From<EncodeError> for CallError {
    fn from(error: EncodeError) -> Self {
        Self::Send(error.into())
    }
}
