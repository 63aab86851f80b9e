//! EMAID groups.

use stromtor_domain::access::{
    emaid_group::{EmaidGroup, EmaidGroupId, EmaidGroupInput, EmaidGroupMember},
    token::TokenId,
};
use stromtor_schema::schema::{emaid_group, emaid_group_member};

use crate::{
    group::group,
    resource::{Owned as _, prelude::*},
};

group!(
    emaid_group: EmaidGroup, EmaidGroupInput, EmaidGroupId, EmaidGroupFilter, "emaid_group",
    emaid_group_member: EmaidGroupMember, TokenId, EmaidGroupMemberFilter, emaid_group_id, token_id, "/token_ids",
    missing "select i.place - 1 as place from unnest($1::uuid[]) with ordinality i(id, place) \
        left join token t on t.id = i.id where t.id is null and $2::uuid is not null order by i.place limit 1",
    put "insert into emaid_group_member (emaid_group_id, token_id, partner_id, created_at) \
        select $1, t.id, $2, $3 from token t where t.id = any($4) on conflict do nothing"
);
