//! Lists that are read page by page: by a request that asks for one, or by an export that reads them all.

use futures_util::future::BoxFuture;
use stromtor_domain::{
    Result,
    page::{Page, PageRequest},
};

use crate::tx::Tx;

/// A list, narrowed by the values of the type that implements it.
pub trait Listing: Send + Sync + 'static {
    /// What it lists.
    type Row: Send + 'static;

    /// One page.
    fn page<'a>(&'a self, tx: &'a mut Tx, page: &'a PageRequest) -> BoxFuture<'a, Result<Page<Self::Row>>>;
}

/// A module's `list` function, or the one that is named, is the listing of its filter.
macro_rules! listing {
    ($Filter:ty => $Row:ty) => {
        listing!($Filter => $Row, list);
    };
    ($Filter:ty => $Row:ty, $list:ident) => {
        impl crate::listing::Listing for $Filter {
            type Row = $Row;

            fn page<'a>(
                &'a self,
                tx: &'a mut Tx,
                page: &'a PageRequest,
            ) -> futures_util::future::BoxFuture<'a, Result<Page<$Row>>> {
                Box::pin($list(tx, self, page))
            }
        }
    };
}
pub(crate) use listing;
