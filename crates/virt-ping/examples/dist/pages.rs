//! The man page and the shell completions, made from the definition of the options.

use std::{io, iter};

use clap::Command;
use clap_complete::{Generator, Shell};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::json::{EVENTS, LINE, PARTS};
use crate::options::{EXAMPLES, EXIT_STATUS};

const ENVIRONMENT: &str = "\
The URI to ping if none is given. Without it: uri_default of libvirt.conf, then the sockets that exist.";

const JSON: &str = "\
With --format json each line is an object. Keys and their meaning stay; others may be added. Keys that end in \
_ns are times, integers in nanoseconds. An unknown value is null. exit is the exit status.";

/// Makes the man page.
pub(crate) fn man(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).manual("User Commands").date("");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis().to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    sections().to_writer(&mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}

/// Makes a short synopsis; the options follow.
fn synopsis() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]).text([
        bold("virt-ping"),
        roman(" ["),
        italic("OPTIONS"),
        roman("] ["),
        italic("URI"),
        roman("]..."),
    ]);
    page
}

fn sections() -> Roff {
    let mut page = Roff::new();
    for (title, lines) in [("EXIT STATUS", EXIT_STATUS), ("EXAMPLES", EXAMPLES)] {
        page.control("SH", [title]).control("nf", []);
        for line in lines.lines() {
            page.text([roman(line)]);
        }
        page.control("fi", []);
    }
    page.control("SH", ["JSON"]).text([roman(JSON)]);
    let objects = iter::once(LINE).chain(EVENTS).chain(PARTS);
    for (name, keys, meaning) in objects {
        page.control("TP", [])
            .text([bold(name), roman(" "), italic(keys)])
            .text([roman(meaning)]);
    }
    page.control("SH", ["ENVIRONMENT"])
        .control("TP", [])
        .text([bold("LIBVIRT_DEFAULT_URI")])
        .text([roman(ENVIRONMENT)])
        .control("SH", ["SEE ALSO"])
        .text([
            bold("ping"),
            roman("(8), "),
            bold("virsh"),
            roman("(1), "),
            bold("libvirtd"),
            roman("(8)"),
        ]);
    page
}

/// Makes the completions of each shell, with the names of their files.
pub(crate) fn completions(command: &Command) -> Vec<(String, Vec<u8>)> {
    let shells = [
        Shell::Bash,
        Shell::Elvish,
        Shell::Fish,
        Shell::PowerShell,
        Shell::Zsh,
    ];
    let complete = |shell: Shell| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), "virt-ping", &mut script);
        (shell.file_name("virt-ping"), script)
    };
    shells.map(complete).into()
}
