//! Programs: RFC 5531, section 12.

use super::Parser;
use crate::ast::{Procedure, Spec, Version};
use crate::source::Error;

impl Parser<'_> {
    /// `{ version name { ... } = value; ... }`
    pub(super) fn versions(&mut self) -> Result<Vec<Version>, Error> {
        self.sign('{', "`{` and the versions of the program")?;
        let mut versions = Vec::new();
        loop {
            let first = self.at;
            if !self.take_word("version") {
                return Err(self.expected("`version`"));
            }
            let name = self.name("a name for the version")?;
            self.sign('{', "`{` and the procedures of the version")?;
            let mut procedures = Vec::new();
            while !self.take('}') {
                procedures.push(self.procedure()?);
            }
            self.sign('=', "`=` and the version's number")?;
            let value = self.value("the version's number")?;
            self.sign(';', &format!("`;` after the version `{}`", name.text))?;
            versions.push(Version {
                name,
                procedures,
                value,
                doc: self.doc(first),
            });
            if self.take('}') {
                return Ok(versions);
            }
        }
    }

    /// `type name(type, ...) = value;`
    fn procedure(&mut self) -> Result<Procedure, Error> {
        let first = self.at;
        let returns = self.payload("what a procedure returns, or `}`")?;
        let name = self.name("a name for the procedure")?;
        self.sign('(', "`(` and what the procedure takes")?;
        let mut arguments = Vec::new();
        loop {
            let argument = self.payload("what the procedure takes")?;
            let is_void = argument.is_none();
            arguments.extend(argument);
            if is_void && arguments.is_empty() || !self.take(',') {
                break;
            }
        }
        self.sign(')', "`)` after what the procedure takes")?;
        self.sign('=', "`=` and the procedure's number")?;
        let value = self.value("the procedure's number")?;
        self.sign(';', &format!("`;` after the procedure `{}`", name.text))?;
        Ok(Procedure {
            name,
            returns,
            arguments,
            value,
            doc: self.doc(first),
        })
    }

    /// A type or `void`.
    fn payload(&mut self, expected: &str) -> Result<Option<Spec>, Error> {
        if self.take_word("void") {
            Ok(None)
        } else {
            self.spec(expected).map(Some)
        }
    }
}
