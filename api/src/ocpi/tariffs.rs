//! Tariffs that peers fetch (OCPI 2.2.1 chapter 11, sender).

use stromtor_domain::{tariff::ocpi, values::CountryCode};
use stromtor_ocpi::v221::translate::tariffs;
use stromtor_persistence::roaming::tariff;

use super::door::{Asked, Refusal, Reply};
use crate::state::App;

pub async fn call(app: &App, asked: &Asked) -> Result<Reply, Refusal> {
    asked.registered()?;
    asked.get()?;
    let mut tx = app.db.begin_worker().await?;
    let (seen, total) = tariff::page(&mut tx, asked.peer.partner_id, asked.window()?).await?;
    tx.commit().await?;
    let mut list = Vec::new();
    for tariff in seen {
        let country = CountryCode::parse(&tariff.party.0).ok();
        let vat = country.and_then(|country| app.config.billing.vat.get(&country).copied());
        let forms = ocpi::forms(&tariff.version, vat);
        let form = if tariff.dc { forms.dc } else { forms.ac };
        let id = tariffs::id(tariff.version.tariff_id, tariff.dc);
        if let Some(form) = form {
            list.push(tariffs::tariff(&tariff.party, id, form, tariff.version.created_at)?);
        }
    }
    Reply::page(list, total, asked, app)
}
