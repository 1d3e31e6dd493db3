//! The calls that transfer the contents of a volume.

use virt_transport::{CallProcedure, ProgramId};
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// The arguments of a transfer: a volume of the pool, from `offset` on; 0 is all of it.
#[derive(Debug)]
pub struct Volume<'a> {
    /// Its name.
    pub name: &'a str,
    /// The first byte.
    pub offset: u64,
    /// The number of bytes.
    pub length: u64,
    /// 1 if holes are sent as holes.
    pub flags: u32,
}

/// `STORAGE_VOL_UPLOAD`, with a stream.
#[derive(Debug)]
pub struct VolUpload;

/// `STORAGE_VOL_DOWNLOAD`, with a stream.
#[derive(Debug)]
pub struct VolDownload;

impl CallProcedure for VolUpload {
    const PROGRAM: ProgramId = virt_remote::PROGRAM;
    const NUMBER: i32 = 208;
    const NAME: &'static str = "STORAGE_VOL_UPLOAD";
    type Args<'a> = Volume<'a>;
    type Ret = ();
}

impl CallProcedure for VolDownload {
    const PROGRAM: ProgramId = virt_remote::PROGRAM;
    const NUMBER: i32 = 209;
    const NAME: &'static str = "STORAGE_VOL_DOWNLOAD";
    type Args<'a> = Volume<'a>;
    type Ret = ();
}

impl Encode for Volume<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        "pool".encode(out)?;
        self.name.encode(out)?;
        "".encode(out)?;
        self.offset.encode(out)?;
        self.length.encode(out)?;
        self.flags.encode(out)
    }
}

impl<'a> Decode<'a> for Volume<'a> {
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        <&str>::decode(input)?;
        let name = Decode::decode(input)?;
        <&str>::decode(input)?;
        Ok(Self {
            name,
            offset: Decode::decode(input)?,
            length: Decode::decode(input)?,
            flags: Decode::decode(input)?,
        })
    }
}
