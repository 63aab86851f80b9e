//! The hardware catalogue: the platform writes it, everybody reads it.

pub mod manufacturer {
    //! Manufacturers.

    use stromtor_domain::network::hardware::{Manufacturer, ManufacturerId, ManufacturerInput};
    use stromtor_schema::schema::manufacturer;

    use crate::resource::{Owned as _, prelude::*};

    resource!(manufacturer: Manufacturer, ManufacturerInput, ManufacturerId, "manufacturer");

    /// What a list of manufacturers may be narrowed by.
    #[derive(Debug, Clone, Default)]
    pub struct ManufacturerFilter {
        /// With this name, whatever its case.
        pub name: Option<String>,
    }

    listing!(ManufacturerFilter => Manufacturer);

    /// One page, oldest first.
    pub async fn list(tx: &mut Tx, filter: &ManufacturerFilter, page: &PageRequest) -> Result<Page<Manufacturer>> {
        let limit = page.limit()?;
        let mut query = manufacturer::table.select(Manufacturer::as_select()).order(manufacturer::id).into_boxed();
        if let Some(after) = page.after::<ManufacturerId>()? {
            query = query.filter(manufacturer::id.gt(after));
        }
        if let Some(name) = &filter.name {
            query = query.filter(super::lower(manufacturer::name).eq(name.to_lowercase()));
        }
        let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
        Ok(Page::cut(rows, limit, |row: &Manufacturer| row.id))
    }

    /// Creates a manufacturer.
    pub async fn create(tx: &mut Tx, input: ManufacturerInput) -> Result<Manufacturer> {
        input.check()?;
        let (id, now): (ManufacturerId, _) = (tx.id(), tx.now());
        let created: Manufacturer = diesel::insert_into(manufacturer::table)
            .values((
                manufacturer::id.eq(id),
                input,
                manufacturer::created_at.eq(now),
                manufacturer::updated_at.eq(now),
            ))
            .returning(Manufacturer::as_returning())
            .get_result(&mut **tx)
            .await
            .map_err(from_diesel)?;
        note(tx, "create", None, Some(&created));
        Ok(created)
    }
}

pub mod station_model {
    //! Models of stations.

    use stromtor_domain::network::hardware::{ManufacturerId, StationModel, StationModelId, StationModelInput};
    use stromtor_schema::schema::station_model;

    use crate::resource::{Owned as _, prelude::*};

    resource!(station_model: StationModel, StationModelInput, StationModelId, "station model");

    /// What a list of models may be narrowed by.
    #[derive(Debug, Clone, Default)]
    pub struct StationModelFilter {
        /// Of this manufacturer.
        pub manufacturer_id: Option<ManufacturerId>,
        /// With this name, whatever its case.
        pub name: Option<String>,
    }

    listing!(StationModelFilter => StationModel);

    /// One page, oldest first.
    pub async fn list(tx: &mut Tx, filter: &StationModelFilter, page: &PageRequest) -> Result<Page<StationModel>> {
        let limit = page.limit()?;
        let mut query = station_model::table.select(StationModel::as_select()).order(station_model::id).into_boxed();
        if let Some(after) = page.after::<StationModelId>()? {
            query = query.filter(station_model::id.gt(after));
        }
        if let Some(manufacturer_id) = filter.manufacturer_id {
            query = query.filter(station_model::manufacturer_id.eq(manufacturer_id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(super::lower(station_model::name).eq(name.to_lowercase()));
        }
        let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
        Ok(Page::cut(rows, limit, |row: &StationModel| row.id))
    }

    /// Creates a model.
    pub async fn create(tx: &mut Tx, input: StationModelInput) -> Result<StationModel> {
        input.check()?;
        let (id, now): (StationModelId, _) = (tx.id(), tx.now());
        let created: StationModel = diesel::insert_into(station_model::table)
            .values((
                station_model::id.eq(id),
                input,
                station_model::created_at.eq(now),
                station_model::updated_at.eq(now),
            ))
            .returning(StationModel::as_returning())
            .get_result(&mut **tx)
            .await
            .map_err(from_diesel)?;
        note(tx, "create", None, Some(&created));
        Ok(created)
    }
}

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
