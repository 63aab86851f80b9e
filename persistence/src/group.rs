//! What groups have in common, whatever they hold: the resource, its list, and its members.

/// The functions of a group: those of `resource!`, its filter and list, and `members`, `add`, `remove`. `$missing` selects
/// the place of the first id (`$1`) that may not be a member of the partner's (`$2`) groups; `$put` puts those of `$4` into
/// the group `$1` of the partner `$2`, at the time `$3`.
macro_rules! group {
    (
        $table:ident: $Row:ident, $Input:ident, $Id:ident, $Filter:ident, $kind:literal,
        $member:ident: $Member:ident, $MemberId:ident, $MemberFilter:ident, $group_id:ident, $member_id:ident, $pointer:literal,
        missing $missing:literal, put $put:literal
    ) => {
        resource!($table: $Row, $Input, $Id, $kind; create);

        /// What a list of groups may be narrowed by.
        #[derive(Debug, Clone, Default)]
        pub struct $Filter {
            /// Of this partner alone.
            pub partner_id: Option<PartnerId>,
            /// That hold this one.
            pub $member_id: Option<$MemberId>,
            /// With this id of the caller's.
            pub external_id: Option<String>,
        }

        listing!($Filter => $Row);

        /// One page, oldest first.
        pub async fn list(tx: &mut Tx, filter: &$Filter, page: &PageRequest) -> Result<Page<$Row>> {
            let limit = page.limit()?;
            let mut query = $table::table.select($Row::as_select()).order($table::id).into_boxed();
            if let Some(after) = page.after::<$Id>()? {
                query = query.filter($table::id.gt(after));
            }
            if let Some(partner_id) = filter.partner_id {
                query = query.filter($table::partner_id.eq(partner_id));
            }
            if let Some(member_id) = filter.$member_id {
                let holding = $member::table.filter($member::$member_id.eq(member_id)).select($member::$group_id);
                query = query.filter($table::id.eq_any(holding));
            }
            if let Some(external_id) = &filter.external_id {
                query = query.filter($table::external_id.eq(external_id));
            }
            let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
            Ok(Page::cut(rows, limit, |row: &$Row| row.id))
        }

        /// The members of a group.
        #[derive(Debug, Clone)]
        pub struct $MemberFilter {
            /// The group.
            pub group_id: $Id,
        }

        listing!($MemberFilter => $Member, members);

        /// One page of them.
        pub async fn members(tx: &mut Tx, filter: &$MemberFilter, page: &PageRequest) -> Result<Page<$Member>> {
            get(tx, filter.group_id).await?;
            let limit = page.limit()?;
            let mut query = $member::table
                .filter($member::$group_id.eq(filter.group_id))
                .select($Member::as_select())
                .order($member::$member_id)
                .into_boxed();
            if let Some(after) = page.after::<$MemberId>()? {
                query = query.filter($member::$member_id.gt(after));
            }
            let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
            Ok(Page::cut(rows, limit, |row: &$Member| row.$member_id))
        }

        /// Puts members into a group; those that are in it already stay. How many are new.
        pub async fn add(tx: &mut Tx, id: $Id, members: &[$MemberId]) -> Result<usize> {
            use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
            #[derive(diesel::QueryableByName)]
            struct Missing {
                #[diesel(sql_type = BigInt)]
                place: i64,
            }
            let group = lock(tx, id, None).await?;
            let missing: Option<Missing> = sql($missing)
                .bind::<Array<SqlUuid>, _>(members)
                .bind::<SqlUuid, _>(group.partner_id)
                .get_result(&mut **tx)
                .await
                .optional()
                .map_err(from_diesel)?;
            if let Some(Missing { place }) = missing {
                return Err(Error::invalid(format!("{}/{place}", $pointer), "names nothing that may be in this group"));
            }
            let now = tx.now();
            let added = sql($put)
                .bind::<SqlUuid, _>(id)
                .bind::<SqlUuid, _>(group.partner_id)
                .bind::<Timestamptz, _>(now)
                .bind::<Array<SqlUuid>, _>(members)
                .execute(&mut **tx)
                .await
                .map_err(from_diesel)?;
            tx.audit("add_members", $kind, group.partner_id, id, None, Some(&members));
            Ok(added)
        }

        /// Takes a member out of a group.
        pub async fn remove(tx: &mut Tx, id: $Id, member: $MemberId) -> Result<()> {
            let group = lock(tx, id, None).await?;
            let one = $member::$group_id.eq(id).and($member::$member_id.eq(member));
            let removed =
                diesel::delete($member::table.filter(one)).execute(&mut **tx).await.map_err(from_diesel)?;
            if removed == 0 {
                return Err(Error::NotFound("member"));
            }
            tx.audit("remove_member", $kind, group.partner_id, id, Some(&member), None);
            Ok(())
        }
    };
}
pub(crate) use group;
