//! Charge-point groups.

use stromtor_domain::network::{
    charge_point::ChargePointId,
    charge_point_group::{ChargePointGroup, ChargePointGroupId, ChargePointGroupInput, ChargePointGroupMember},
};
use stromtor_schema::schema::{charge_point_group, charge_point_group_member};

use crate::{
    group::group,
    resource::{Owned as _, prelude::*},
};

group!(
    charge_point_group: ChargePointGroup, ChargePointGroupInput, ChargePointGroupId, ChargePointGroupFilter,
    "charge_point_group",
    charge_point_group_member: ChargePointGroupMember, ChargePointId, ChargePointGroupMemberFilter, charge_point_group_id,
    charge_point_id, "/charge_point_ids",
    missing "select i.place - 1 as place from unnest($1::uuid[]) with ordinality i(id, place) \
        left join charge_point c on c.id = i.id and c.partner_id = $2 where c.id is null order by i.place limit 1",
    put "insert into charge_point_group_member (charge_point_group_id, charge_point_id, partner_id, location_id, created_at) \
        select $1, c.id, $2, c.location_id, $3 from charge_point c where c.id = any($4) on conflict do nothing"
);
