//! Stickers of charge points: their artwork. Portal function B5.

choice! {
    /// How a sticker is drawn.
    pub enum StickerFormat {
        /// Scalable Vector Graphics.
        Svg = "svg",
        /// Portable Document Format.
        Pdf = "pdf",
    }
}
