//! The contracts that let providers' drivers in.

use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{marketplace::emp_contract::EmpContractId, network::charge_point::ChargePointId};

use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
pub(super) struct ContractRow {
    #[diesel(sql_type = BigInt)]
    pub place: i64,
    #[diesel(sql_type = SqlUuid)]
    pub charge_point_id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    pub id: EmpContractId,
    /// It names a group that the charge point is in.
    #[diesel(sql_type = Bool)]
    pub named: bool,
}

/// Of the contracts that hold, one that names the charge point counts before one for all, then the latest.
const CONTRACTS: &str = "\
    select distinct on (i.place, i.charge_point_id) i.place, i.charge_point_id, k.id, \
      k.charge_point_group_id is not null as named \
    from unnest($1::int8[], $2::uuid[], $3::uuid[], $4::timestamptz[]) i(place, emp_id, charge_point_id, at) \
    join charge_point c on c.id = i.charge_point_id \
    join emp_contract k on k.partner_id = c.partner_id and k.emp_id = i.emp_id \
    where k.enabled and k.accepted_at is not null and (k.valid_from is null or k.valid_from <= i.at) \
      and (k.valid_until is null or k.valid_until > i.at) and (k.charge_point_group_id is null or exists ( \
        select from charge_point_group_member g where g.charge_point_group_id = k.charge_point_group_id \
          and g.charge_point_id = c.id)) \
    order by i.place, i.charge_point_id, named desc, k.id desc";

/// For whom contracts are looked up, where, and when.
#[derive(Default)]
pub(super) struct Contracts {
    places: Vec<i64>,
    emps: Vec<PartnerId>,
    charge_points: Vec<ChargePointId>,
    times: Vec<Timestamp>,
}

impl Contracts {
    pub(super) fn push(&mut self, place: i64, emp: PartnerId, charge_point: ChargePointId, at: Timestamp) {
        self.places.push(place);
        self.emps.push(emp);
        self.charge_points.push(charge_point);
        self.times.push(at);
    }

    pub(super) async fn find(self, tx: &mut Tx) -> Result<Vec<ContractRow>> {
        if self.places.is_empty() {
            return Ok(Vec::new());
        }
        sql(CONTRACTS)
            .bind::<Array<BigInt>, _>(self.places)
            .bind::<Array<SqlUuid>, _>(self.emps)
            .bind::<Array<SqlUuid>, _>(self.charge_points)
            .bind::<Array<Timestamptz>, _>(self.times)
            .load(&mut **tx)
            .await
            .map_err(from_diesel)
    }
}
