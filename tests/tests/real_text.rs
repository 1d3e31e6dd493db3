//! A volume whose name is not UTF-8: it hides no other, and can be named and deleted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use tokio::net::UnixStream;
use virt_remote::PROGRAM;
use virt_tests::{Config, Storage, libvirt};
use virt_tokio::{Client, Options};
use virt_transport::{CallProcedure, ProgramId};
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Text};

/// The name in the Latin alphabet of another machine.
const BAD: &[u8] = b"bad-\xd0.img";

/// The most names of a list.
const MOST: i32 = 100;

/// `remote_nonnull_storage_pool`.
struct Pool {
    name: String,
    uuid: [u8; 16],
}

/// `remote_nonnull_storage_vol`.
#[derive(Debug, PartialEq)]
struct Volume {
    pool: Text,
    name: Text,
    key: Text,
}

/// A pool, and a name or a count.
struct In<'a, T>(&'a Pool, T);

impl Encode for Pool {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.name.encode(out)?;
        self.uuid.encode(out)
    }
}

impl Decode<'_> for Pool {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (name, uuid) = (String::decode(input)?, <[u8; 16]>::decode(input)?);
        Ok(Self { name, uuid })
    }
}

impl Encode for Volume {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.pool.encode(out)?;
        self.name.encode(out)?;
        self.key.encode(out)?;
        // No flags.
        0u32.encode(out)
    }
}

impl Decode<'_> for Volume {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (pool, name) = (Text::decode(input)?, Text::decode(input)?);
        let key = Text::decode(input)?;
        Ok(Self { pool, name, key })
    }
}

impl<T: Encode> Encode for In<'_, T> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)?;
        self.1.encode(out)
    }
}

/// Ties the procedures to their numbers. The types are chosen by each call.
macro_rules! procedures {
    ($($name:ident = $number:literal)*) => {$(
        struct $name;

        impl CallProcedure for $name {
            const PROGRAM: ProgramId = PROGRAM;
            const NUMBER: i32 = $number;
            const NAME: &'static str = stringify!($name);
            type Args<'a> = ();
            type Ret = ();
        }
    )*};
}

procedures! {
    StoragePoolLookupByName = 84
    StoragePoolListVolumes = 92
    StorageVolDelete = 94
    StorageVolLookupByName = 95
}

#[tokio::test]
async fn a_volume_with_such_a_name_hides_no_other_and_can_be_deleted() {
    if !libvirt::available("a volume of a real daemon whose name is not UTF-8") {
        return;
    }
    let volumes = [OsStr::new("good.img"), OsStr::from_bytes(BAD)];
    let storage = Storage::start(Config::default(), volumes).unwrap();
    let socket = UnixStream::connect(storage.socket()).await.unwrap();
    let client = Client::over_unix(socket, Options::default());
    client.open("storage:///session").await.unwrap();

    let pool: Pool = client
        .call_as::<StoragePoolLookupByName, _>(&"pool")
        .await
        .unwrap();
    let list = In(&pool, MOST);
    let names = client.call_as::<StoragePoolListVolumes, Vec<String>>(&list);
    let mut names = names.await.unwrap();
    names.sort();
    assert_eq!(names, ["bad-\u{fffd}.img", "good.img"]);

    let names = client.call_as::<StoragePoolListVolumes, Vec<Text>>(&list);
    let names = names.await.unwrap();
    let bad = names.iter().find(|name| name.as_bytes() == BAD).unwrap();
    let named = In(&pool, bad);
    let volume = client.call_as::<StorageVolLookupByName, Volume>(&named);
    let volume = volume.await.unwrap();
    assert_eq!(volume.name.as_bytes(), BAD);
    let deleted = client.call_as::<StorageVolDelete, ()>(&volume);
    deleted.await.unwrap();

    let names = client.call_as::<StoragePoolListVolumes, Vec<String>>(&list);
    assert_eq!(names.await.unwrap(), ["good.img"]);
    client.close().await;
}
