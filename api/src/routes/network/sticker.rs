//! Stickers of charge points over REST.

use poem::{Request, http::header};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Error,
    actor::Permission,
    network::{charge_point::ChargePointId, sticker::StickerFormat},
};
use stromtor_persistence::network::{charge_point, evse_prefix};

use crate::{
    auth::Auth,
    problem::{Answer, Failure},
    routes::Tag,
    state::App,
    sticker::{Artwork, Sticker},
};

/// Operations on stickers.
pub struct StickerApi(pub App);

fn side(name: &'static str, asked: Option<u32>, usual: u32) -> Result<u32, Failure> {
    match asked.unwrap_or(usual) {
        side @ 20..=500 => Ok(side),
        _ => Err(Failure(Error::invalid(name, "must be between 20 and 500"))),
    }
}

#[OpenApi(tag = "Tag::EvseIds")]
impl StickerApi {
    /// Read a charge point's sticker
    ///
    /// Artwork for print, in vectors, of exactly the size asked for: a QR code (ISO/IEC 18004, error correction M) with its quiet
    /// zone, and the EVSE-ID below it. The code holds the `url_pattern` of the EVSE-ID's prefix, else the server's
    /// `sticker.url_pattern`, with the EVSE-ID in it; the EVSE-ID alone when there is neither. Refused with `evse_id_missing` when
    /// the charge point has none.
    ///
    /// Permission: `station:read`
    #[oai(
        path = "/v1/charge-points/:charge_point_id/sticker",
        method = "get",
        operation_id = "charge_point_sticker_get"
    )]
    async fn get(
        &self,
        request: &Request,
        Auth(actor): Auth,
        charge_point_id: Path<ChargePointId>,
        /// SVG or PDF; what `Accept` says when absent, else SVG.
        format: Query<Option<StickerFormat>>,
        /// Width in mm, 20 to 500; 60 when absent.
        width_mm: Query<Option<u32>>,
        /// Height in mm, 20 to 500; 72 when absent.
        height_mm: Query<Option<u32>>,
    ) -> Answer<Artwork> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let point = charge_point::get(&mut tx, charge_point_id.0).await?;
        let evse_id = point
            .input
            .evse_id
            .ok_or_else(|| Error::conflict("evse_id_missing", "the charge point has no EVSE-ID; give it one first"))?;
        let own = evse_prefix::url_pattern(&mut tx, &evse_id).await?;
        tx.commit().await?;
        let pattern = own.as_ref().or(self.0.config.sticker.url_pattern.as_ref());
        let held = pattern.map_or_else(|| evse_id.to_string(), |pattern| pattern.url(&evse_id));
        let (width, height) = (side("width_mm", width_mm.0, 60)?, side("height_mm", height_mm.0, 72)?);
        let accepts_pdf = request.header(header::ACCEPT).is_some_and(|accept| accept.contains("application/pdf"));
        let format = format.0.unwrap_or(if accepts_pdf { StickerFormat::Pdf } else { StickerFormat::Svg });
        Ok(Sticker::new(&evse_id, &held, width, height)?.draw(format))
    }
}
