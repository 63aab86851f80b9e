//! Sessions: active, then ended, then settled.

id! {
    /// Id of a session.
    SessionId
}
