//! Whom a charge point lets in, and how (portal functions E1, E2).

choice! {
    /// Whom a charge point lets in.
    #[derive(Default)]
    pub enum AccessPolicy {
        /// Every valid token.
        #[default]
        Open = "open",
        /// Valid tokens that a permission admits.
        Permitted = "permitted",
    }
}

choice! {
    /// A way in which a driver is let in.
    pub enum AuthenticationType {
        /// A card at the station's reader.
        LocalRfid = "local_rfid",
        /// From afar: an app, a provider, the operator. Roaming and direct payment need it.
        Remote = "remote",
        /// The car itself (ISO 15118).
        PlugAndCharge = "plug_and_charge",
    }
}

impl AuthenticationType {
    /// Every way.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }
}
