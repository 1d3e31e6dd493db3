//! Credentials: a request for them, and the answer.

use std::fmt;

/// A request for credentials.
///
/// The owner looks into its configuration first, and asks a person for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The mechanism that needs them, such as `SCRAM-SHA-256`.
    pub mechanism: String,
    /// The fields to fill in, in the order in which a person expects them.
    pub fields: Vec<CredentialField>,
}

/// One credential that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialField {
    /// Its kind, which names the field of [`Credentials`].
    pub kind: CredentialKind,
    /// A value to propose, such as the realm that the daemon has named.
    pub default: Option<String>,
}

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// The name to log in with.
    Authname,
    /// The name to act as, usually that of the login.
    Username,
    /// The password, not to be shown while it is typed.
    Password,
    /// The realm that the name belongs to.
    Realm,
}

/// Credentials, the answer to a [`Prompt`]. A field that is `None` was not asked for, or is declined.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// The name to log in with.
    pub authname: Option<String>,
    /// The name to act as; that of the login if it is `None`.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The realm that the name belongs to.
    pub realm: Option<String>,
}

/// Prints dots for a password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.password.as_ref().map(|_| "..");
        f.debug_struct("Credentials")
            .field("authname", &self.authname)
            .field("username", &self.username)
            .field("password", &hidden)
            .field("realm", &self.realm)
            .finish()
    }
}

/// The phrase to ask a person with, such as `authentication name`.
impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authname => "authentication name",
            Self::Username => "user name",
            Self::Password => "password",
            Self::Realm => "realm",
        })
    }
}
