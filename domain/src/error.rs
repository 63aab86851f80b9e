//! What can go wrong, said once for every door. `api/src/problem.rs` alone turns it into HTTP.

use std::borrow::Cow;

use crate::{actor::Permission, product::product::Feature};

/// A result whose error any door can show.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One wrong field of the caller's input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// JSON pointer into the body (`/address/city`), or the bare name of a parameter (`limit`).
    pub pointer: String,
    /// What is wrong with it, for people.
    pub message: String,
}

/// Every failure that leaves a room. The text is public; an internal cause is kept apart by type and only logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is not acceptable; nothing was changed.
    #[error("the input is not valid")]
    Invalid {
        /// Every field found wrong.
        fields: Vec<FieldError>,
    },
    /// No or no valid credentials.
    #[error("{0}")]
    Unauthenticated(Cow<'static, str>),
    /// The actor may see this but lacks a permission.
    #[error("permission {0} is needed")]
    Forbidden(Permission),
    /// A feature that was not bought where it is wanted.
    #[error("the feature {feature} needs a product: {}", products.join(", "))]
    ProductNeeded {
        /// The feature.
        feature: Feature,
        /// Codes of the products that would enable it.
        products: Vec<String>,
        /// What of the input it is about, where that is not all of it.
        fields: Vec<FieldError>,
    },
    /// Does not exist, or may not be seen by this actor.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The state of things forbids it. `code` is stable, for programs.
    #[error("{message}")]
    Conflict {
        /// Stable machine code, for example `station_in_session`.
        code: &'static str,
        /// For people.
        message: Cow<'static, str>,
        /// What of the input it is about, where that is not all of it.
        fields: Vec<FieldError>,
    },
    /// `If-Match` names another version than the current one.
    #[error("the resource has changed since it was read")]
    PreconditionFailed,
    /// Too many attempts.
    #[error("too many attempts; try again later")]
    TooMany {
        /// Seconds until another attempt makes sense.
        retry_after: u32,
    },
    /// Something we need is away for the moment; try again.
    #[error("the service is not available for the moment")]
    Unavailable(#[source] Cause),
    /// Our fault.
    #[error("an internal error occurred")]
    Internal(#[source] Cause),
}

/// The internal cause of an error: logged once at the boundary, never shown.
#[derive(Debug)]
pub struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl Cause {
    /// Wraps whatever went wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for Cause {}

impl Error {
    /// One wrong field.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { fields: vec![FieldError { pointer: pointer.into(), message: message.into() }] }
    }

    /// A conflict with a stable code.
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, message: message.into(), fields: Vec::new() }
    }

    /// The same conflict or missing product, with what of the input it is about.
    #[must_use]
    pub fn about(mut self, about: Vec<FieldError>) -> Self {
        if let Self::Conflict { fields, .. } | Self::ProductNeeded { fields, .. } = &mut self {
            *fields = about;
        }
        self
    }

    /// Our fault, with its cause for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Cause::new(cause))
    }

    /// Stable machine code of the problem document.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_input",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "permission_denied",
            Self::ProductNeeded { .. } => "product_needed",
            Self::NotFound(_) => "not_found",
            Self::Conflict { code, .. } => code,
            Self::PreconditionFailed => "precondition_failed",
            Self::TooMany { .. } => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}
