//! Every codec that is measured writes the bytes again that it has read, and refuses them cut short: none of
//! the numbers is of a codec that does not do the work.

use virt_benches::transport::{messages_in_turn, with_programs};
use virt_benches::{Codec, each_codec, floor, ours, samples};
use virt_remote::{
    AuthListRet, ConnectListAllDomainsRet, ConnectOpenArgs, DomainEventLifecycleMsg,
};

fn agrees<C: Codec<T>, T>(name: &str, bytes: &[u8]) {
    let value = C::decode(bytes).unwrap_or_else(|| panic!("{name} reads the sample"));
    let mut again = b"what was in the buffer before".to_vec();
    C::encode(&value, &mut again);
    assert_eq!(again, bytes, "{name}");
    // Only the last word is cut: xdr-codec never returns where fixed opaque data is.
    assert!(C::decode(&bytes[..bytes.len() - 2]).is_none(), "{name}");
}

#[test]
fn all_codecs_agree_on_a_header() {
    each_codec!(agrees, Header, &samples::header());
}

#[test]
fn all_codecs_agree_on_an_error() {
    each_codec!(agrees, Error, &samples::error());
}

#[test]
fn all_codecs_agree_on_a_list_of_domains() {
    each_codec!(agrees, Domains, &samples::domains());
}

fn both_agree<F, O>(bytes: &[u8])
where
    floor::Xdr: Codec<F>,
    ours::Xdr: Codec<O>,
{
    agrees::<floor::Xdr, F>(floor::NAME, bytes);
    agrees::<ours::Xdr, O>(ours::NAME, bytes);
}

#[test]
fn the_generated_codecs_agree_with_the_floor() {
    use floor::remote::{AllDomains, AuthList, Lifecycle, Open};

    both_agree::<Open, ConnectOpenArgs>(&samples::open());
    both_agree::<AuthList, AuthListRet>(&samples::auth_list());
    both_agree::<Lifecycle, DomainEventLifecycleMsg>(&samples::lifecycle());
    both_agree::<AllDomains, ConnectListAllDomainsRet>(&samples::all_domains());
}

#[test]
fn borrowed_domains_are_the_same() {
    let bytes = samples::domains();
    let domains: ours::BorrowedDomains<'_> = virt_xdr::from_slice(&bytes).unwrap();
    assert_eq!(virt_xdr::to_vec(&domains).unwrap(), bytes);
    let by_hand = floor::domains::<&str>(&bytes).unwrap();
    assert_eq!(format!("{by_hand:?}"), format!("{:?}", domains.0));
}

#[test]
fn a_transport_answers_as_the_floor_does() {
    for programs in [1, 4, 16] {
        let messages = messages_in_turn(programs, 100);
        let mut by_hand = Vec::new();
        floor::dispatch::answer(&messages, programs, &mut by_hand);
        let mut transport = with_programs(programs);
        transport.receive(&messages).unwrap();
        let mut ours = Vec::new();
        transport.write_to(&mut ours).unwrap();
        assert_eq!(ours, by_hand);
    }
}
