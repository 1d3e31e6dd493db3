//! Versions and the words that errors are made of.

use virt_remote::constants::ConnectCloseReason;
use virt_remote::{AuthListRet, AuthType, Feature, Procedure, Version};

#[test]
fn a_version_is_one_number() {
    for (number, text) in [
        (0, "0.0.0"),
        (2, "0.0.2"),
        (9_000_000, "9.0.0"),
        (10_003_012, "10.3.12"),
        (999_999, "0.999.999"),
        (u64::MAX, "18446744073709.551.615"),
    ] {
        let version = Version::from(number);
        assert_eq!(version.to_string(), text);
        assert_eq!(u64::from(version), number);
    }
    assert_eq!(Version::new(10, 3, 12), Version(10_003_012));
    assert!(Version::new(9, 11, 0) < Version::new(10, 0, 0));
    let version = Version::new(1, 2, 3);
    assert_eq!(
        (version.major(), version.minor(), version.release()),
        (1, 2, 3)
    );
}

#[test]
fn the_largest_version_does_not_overflow() {
    let version = Version::new(u32::MAX, u32::MAX, u32::MAX);
    assert_eq!(u64::from(version), 4_294_967_295 * 1_001_001);
}

#[test]
fn types_read_as_alternatives() {
    let list = |types: &[AuthType]| {
        AuthListRet {
            types: types.to_vec(),
        }
        .to_string()
    };
    assert_eq!(list(&[]), "nothing");
    assert_eq!(list(&[AuthType::NONE]), "none");
    assert_eq!(list(&[AuthType::SASL, AuthType::POLKIT]), "SASL or polkit");
    assert_eq!(list(&[AuthType(7)]), "type 7");
}

#[test]
fn a_connection_closes_for_one_of_four_reasons() {
    let words: Vec<String> = ConnectCloseReason::ALL
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(words, ["error", "end of file", "keepalive", "client"]);
    assert_eq!(ConnectCloseReason(4).to_string(), "close reason 4");
}

#[test]
fn numbers_are_those_of_the_protocol() {
    assert_eq!(Feature::KEEPALIVE.0, 10);
    assert_eq!(Procedure::ALL.len(), 456);
    assert_eq!(Procedure::CONNECT_EVENT_CONNECTION_CLOSED.0, 362);
    for (i, procedure) in Procedure::ALL.iter().enumerate() {
        assert_eq!(usize::try_from(procedure.0), Ok(i + 1), "{procedure:?}");
    }
    assert_eq!(format!("{:?}", Procedure(457)), "Procedure(457)");
}
