//! The table of generated files.

/// A generated file that is checked in.
pub(super) struct Output {
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    /// The paths of `virt-xdr`, `virt-transport` and the crate that allocates.
    pub(super) runtime: [&'static str; 3],
    /// The modules of included definitions.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
    /// True if the crate has a feature `arbitrary`.
    pub(super) arbitrary: bool,
}

/// The generated files.
pub(super) const OUTPUTS: &[Output] = &[
    Output {
        input: "xtask/protocol/frame.x",
        output: "crates/virt-xdr/src/generated.rs",
        runtime: ["crate", "::virt_transport", "::alloc"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/error.x",
        output: "crates/virt-transport/src/generated.rs",
        runtime: ["::virt_xdr", "crate", "::std"],
        elsewhere: &[("frame", "::virt_xdr")],
        arbitrary: true,
    },
    Output {
        input: "xtask/protocol/keepalive.x",
        output: "crates/virt-keepalive/src/generated.rs",
        // It has no types, and the numbers are for the transport.
        runtime: ["::virt_transport", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: true,
    },
    Output {
        input: "tests/src/samples/samples.x",
        output: "tests/src/samples/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: false,
    },
    Output {
        input: "tests/src/samples/greeter/greeter.x",
        output: "tests/src/samples/greeter/generated.rs",
        runtime: ["::virt_xdr", "::virt_transport", "::std"],
        elsewhere: &[],
        arbitrary: false,
    },
];

/// The definitions that become a tree of modules, and its directory.
pub(super) const TREE: (&str, &str) = ("xtask/protocol/libvirt.x", "crates/virt-protocol/src");
