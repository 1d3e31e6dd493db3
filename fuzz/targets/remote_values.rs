//! The generated types of the remote program: what decodes encodes to the same bytes, borrowed or owned.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::memory;
use virt_remote::{
    AuthListRet, AuthPolkitRet, AuthType, CloseReason, ConnectEventConnectionClosedMsg,
    ConnectGetHostnameRet, ConnectGetLibVersionRet, ConnectGetTypeRet, ConnectGetUriRet,
    ConnectGetVersionRet, ConnectOpenArgs, ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet,
    Feature,
};
use virt_xdr::{Decode, Encode, from_slice, to_vec};

macro_rules! decode_and_encode {
    ($data:expr => $($type:ty),* $(,)?) => {
        $(decode_and_encode::<$type>($data);)*
    };
}

fuzz_target!(|data: &[u8]| {
    decode_and_encode!(data =>
        AuthListRet,
        AuthPolkitRet,
        AuthType,
        CloseReason,
        ConnectEventConnectionClosedMsg,
        ConnectGetHostnameRet,
        ConnectGetHostnameRet<&str>,
        ConnectGetLibVersionRet,
        ConnectGetTypeRet,
        ConnectGetTypeRet<&str>,
        ConnectGetUriRet,
        ConnectGetUriRet<&str>,
        ConnectGetVersionRet,
        ConnectOpenArgs,
        ConnectOpenArgs<&str>,
        ConnectSupportsFeatureArgs,
        ConnectSupportsFeatureRet,
        Feature,
    );
});

fn decode_and_encode<'a, T: Encode + Decode<'a>>(data: &'a [u8]) {
    // The error is boxed; strings are as long as on the wire.
    let value = memory::bounded(2 * data.len() + 256, || from_slice::<T>(data));
    if let Ok(value) = value {
        assert_eq!(to_vec(&value).as_deref(), Ok(data));
    }
}
