//! URIs: what parses prints to what parses to the same, and every candidate keeps its promise.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use virt_uri::{Access, Candidate, Environment, Uri};

fuzz_target!(|text: &str| {
    let Ok(uri) = text.parse::<Uri>() else {
        return;
    };
    let printed = uri.to_string();
    assert!(text.len() <= Uri::MAX_LENGTH && printed.len() <= Uri::MAX_LENGTH);
    assert_eq!(printed.parse().as_ref(), Ok(&uri));
    assert_eq!(Uri::redact(&printed), printed);
    assert!(uri.user().is_none_or(|user| !user.contains(':')));

    let name = uri.name();
    let is_given = uri.parameters().name.is_some() || uri.driver() == "remote";
    if !is_given {
        let named: Uri = name.parse().expect("a name is a URI");
        assert_eq!(named.name(), name);
        assert_eq!(
            (named.host(), named.user(), named.port()),
            (None, None, None)
        );
    }

    let user = Environment {
        home: Some("/home/user".into()),
        ..Environment::default()
    };
    let root = Environment {
        root: true,
        ..Environment::default()
    };
    for environment in [user, root] {
        for access in [Access::ReadWrite, Access::ReadOnly] {
            for exists in [true, false] {
                let exists = |_: &Path| exists;
                if let Ok(candidates) = uri.candidates(&environment, access, exists) {
                    assert!(!candidates.is_empty());
                    candidates.iter().for_each(assert_usable);
                }
            }
        }
    }
});

fn assert_usable(candidate: &Candidate) {
    match candidate {
        Candidate::Unix(path) => {
            let length = path.as_os_str().len();
            assert!((1..=Uri::MAX_SOCKET_PATH).contains(&length));
        }
        Candidate::Abstract(name) => assert!(name.len() < Uri::MAX_SOCKET_PATH),
        Candidate::Tcp { host, port } | Candidate::Tls { host, port } => {
            assert!(!host.is_empty() && *port != 0);
        }
        Candidate::Ssh {
            user, host, port, ..
        } => {
            assert!(!host.is_empty() && *port != Some(0) && user.as_deref() != Some(""));
        }
        Candidate::Command(command) => assert!(!command.is_empty()),
        _ => {}
    }
    assert!(!candidate.to_string().contains('\0'));
}
