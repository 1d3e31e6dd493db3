//! A transfer of a volume's contents: the stream that a script opens.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::Pattern;

/// The length of the hole at the start of all contents except a client's upload without holes.
pub(crate) const HOLE: u32 = 0x1_0000;

/// The bytes after the hole.
pub(crate) const DATA: &[u8] = b"abcd";

/// A transfer of a volume's contents by a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its direction and treatment of holes.
    pub kind: TransferKind,
    /// The volume's name.
    pub volume: String,
}

/// The direction of a transfer, seen from the client, and its treatment of holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// To the daemon.
    Upload,
    /// To the daemon, with holes.
    SparseUpload,
    /// From the daemon.
    Download,
    /// From the daemon, with holes sent as holes.
    SparseDownload,
}

impl Transfer {
    /// The calls that open a connection and then the stream, each with its reply, in a script's notation.
    pub(crate) fn opening(&self) -> [(String, String); 3] {
        let procedure = self.kind.procedure();
        let flags = u32::from(self.kind.is_sparse());
        let arguments = format!(
            "\"pool\" \"{}\" \"\" 00000000 00000000 00000000 00000000 {flags:08x}",
            self.volume
        );
        let length = Pattern::parse(&arguments, false)
            .expect("a volume's name has no quotes")
            .bytes(0)
            .len()
            + 28;
        [
            (
                "0000001c 20008086 00000001 00000042 00000000 00000000 00000000".to_owned(),
                "00000024 20008086 00000001 00000042 00000001 00000000 00000000 00000001 00000000"
                    .to_owned(),
            ),
            (
                "0000003c 20008086 00000001 00000001 00000000 00000002 00000000 \
                 00000001 \"storage:///session\" 00000000"
                    .to_owned(),
                "0000001c 20008086 00000001 00000001 00000001 00000002 00000000".to_owned(),
            ),
            (
                format!(
                    "{length:08x} 20008086 00000001 {procedure:08x} 00000000 00000003 00000000 {arguments}"
                ),
                format!("0000001c 20008086 00000001 {procedure:08x} 00000001 00000003 00000000"),
            ),
        ]
    }
}

/// Writes a file with contents to transfer.
///
/// # Errors
///
/// Those of writing it.
pub(crate) fn write_contents(path: &Path, hole: u32) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.set_len(hole.into())?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(DATA)?;
    Ok(file)
}

impl TransferKind {
    /// Reads a script's line; `None` if it is about something else.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        match line {
            "upload" => Some(Self::Upload),
            "sparse upload" => Some(Self::SparseUpload),
            "download" => Some(Self::Download),
            "sparse download" => Some(Self::SparseDownload),
            _ => None,
        }
    }

    /// Returns true for a transfer to the daemon.
    #[must_use]
    pub fn is_upload(self) -> bool {
        matches!(self, Self::Upload | Self::SparseUpload)
    }

    /// Returns true if holes are sent as holes.
    #[must_use]
    pub fn is_sparse(self) -> bool {
        matches!(self, Self::SparseUpload | Self::SparseDownload)
    }

    /// The procedure that opens the stream.
    #[must_use]
    pub fn procedure(self) -> i32 {
        if self.is_upload() { 208 } else { 209 }
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransferKind::Upload => "upload",
            TransferKind::SparseUpload => "sparse upload",
            TransferKind::Download => "download",
            TransferKind::SparseDownload => "sparse download",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_opened_by_the_call_that_a_client_makes() {
        for (line, procedure, flags) in [
            ("upload", 208, 0),
            ("sparse upload", 208, 1),
            ("download", 209, 0),
            ("sparse download", 209, 1),
        ] {
            let kind = TransferKind::parse(line).unwrap();
            let volume = "case".to_owned();
            let transfer = Transfer { kind, volume };
            assert_eq!(transfer.to_string(), line);
            let [.., (call, _)] = transfer.opening();
            let call = Pattern::parse(&call, false).unwrap().bytes(0);
            let mut expected = b"\0\0\0\x44\x20\0\x80\x86\0\0\0\x01".to_vec();
            expected.extend([0, 0, 0, procedure]);
            expected.extend(b"\0\0\0\0\0\0\0\x03\0\0\0\0");
            expected.extend(b"\0\0\0\x04pool\0\0\0\x04case\0\0\0\0");
            expected.extend([0; 16]);
            expected.extend([0, 0, 0, flags]);
            assert_eq!(call, expected);
        }
        assert_eq!(TransferKind::parse("sparse"), None);
    }
}
