//! The one function that a client implements to get a method for each call.

use std::marker::PhantomData;
use std::pin::Pin;

use bytes::Bytes;
use virt_transport::{CallProcedure, Fd};
use virt_xdr::{
    Decode, DecodeError, Encode, EncodeError, ProgramId, from_slice, from_slice_lenient, to_vec,
};

/// A connection that makes calls.
///
/// A type that implements it has a method for each procedure of libvirt: those of
/// [`Remote`](crate::remote::Remote), [`Qemu`](crate::qemu::Qemu), [`Lxc`](crate::lxc::Lxc) and
/// [`Admin`](crate::admin::Admin).
pub trait Client: Sync {
    /// The error of a call.
    type Error: From<EncodeError> + From<DecodeError> + Send;
    /// The stream that some calls open.
    type Stream: Send + 'static;

    /// Makes a call, and returns the reply.
    ///
    /// # Errors
    ///
    /// The call was not made, or the peer has replied with an error.
    fn exchange(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response<Self::Stream>, Self::Error>> + Send;

    /// Returns whether results are decoded leniently, as libvirt's C code does: see
    /// [`Decoder::lenient`](virt_xdr::Decoder::lenient).
    fn is_lenient(&self) -> bool {
        true
    }
}

/// A call to be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// The program of the procedure.
    pub program: ProgramId,
    /// The procedure's number.
    pub procedure: i32,
    /// The procedure's name, such as `DOMAIN_CREATE`.
    pub name: &'static str,
    /// The encoded arguments.
    pub args: Vec<u8>,
    /// The descriptors to send.
    pub fds: Vec<Fd>,
    /// True if the call opens a stream.
    pub opens_stream: bool,
}

/// A reply.
#[derive(Debug)]
pub struct Response<S> {
    /// The encoded return value.
    pub payload: Bytes,
    /// The descriptors of the reply.
    pub fds: Vec<Fd>,
    /// The stream, if the request asked for one.
    pub stream: Option<S>,
}

/// The future of a reply: `Result<T, C::Error>`.
pub type Reply<'c, C, T> =
    Pin<Box<dyn Future<Output = Result<T, <C as Client>::Error>> + Send + 'c>>;

/// A call of the procedure `P` with encoded arguments, ready to be sent.
pub(crate) struct Call<P> {
    request: Result<Request, EncodeError>,
    procedure: PhantomData<fn() -> P>,
}

impl<P: CallProcedure> Call<P> {
    pub(crate) fn new(args: &impl Encode) -> Self {
        let request = to_vec(args).map(|args| Request {
            program: P::PROGRAM,
            procedure: P::NUMBER,
            name: P::NAME,
            args,
            fds: Vec::new(),
            opens_stream: false,
        });
        Self {
            request,
            procedure: PhantomData,
        }
    }

    /// Sends descriptors with the call.
    pub(crate) fn with_fds(mut self, fds: Vec<Fd>) -> Self {
        if let Ok(request) = &mut self.request {
            request.fds = fds;
        }
        self
    }

    /// Makes the call. `output` takes the result out of the return value.
    pub(crate) fn send<C: Client + ?Sized, T>(
        self,
        client: &C,
        output: fn(P::Ret) -> T,
    ) -> Reply<'_, C, T>
    where
        T: 'static,
        P: 'static,
    {
        Box::pin(async move {
            let response = client.exchange(self.request?).await?;
            Ok(output(decode(&response.payload, client.is_lenient())?))
        })
    }

    /// Makes a call whose reply has descriptors.
    pub(crate) fn receive_fds<C: Client + ?Sized, T>(
        self,
        client: &C,
        output: fn(P::Ret, Vec<Fd>) -> T,
    ) -> Reply<'_, C, T>
    where
        T: 'static,
        P: 'static,
    {
        Box::pin(async move {
            let response = client.exchange(self.request?).await?;
            let ret = decode(&response.payload, client.is_lenient())?;
            Ok(output(ret, response.fds))
        })
    }

    /// Makes a call that opens a stream.
    pub(crate) fn open<C: Client + ?Sized, T>(
        self,
        client: &C,
        output: fn(P::Ret, C::Stream) -> T,
    ) -> Reply<'_, C, T>
    where
        T: 'static,
        P: 'static,
    {
        Box::pin(async move {
            let mut request = self.request?;
            request.opens_stream = true;
            let response = client.exchange(request).await?;
            let ret = decode(&response.payload, client.is_lenient())?;
            let Some(stream) = response.stream else {
                unreachable!(
                    "a client that returns no stream for `opens_stream` breaks its contract"
                );
            };
            Ok(output(ret, stream))
        })
    }
}

fn decode<'a, T: Decode<'a>>(payload: &'a [u8], is_lenient: bool) -> Result<T, DecodeError> {
    match is_lenient {
        true => from_slice_lenient(payload),
        false => from_slice(payload),
    }
}
