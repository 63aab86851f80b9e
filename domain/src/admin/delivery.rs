//! Deliveries: things on their way to a subscriber outside.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::delivery;

use crate::{Timestamp, tenancy::partner::PartnerId};

id! {
    /// Id of a delivery.
    DeliveryId
}

choice! {
    /// How far a delivery or a job is.
    pub enum WorkState {
        /// To be done, or to be tried again.
        Pending = "pending",
        /// Done.
        Done = "done",
        /// Given up after too many attempts: a dead letter.
        Dead = "dead",
    }
}

/// One thing on its way to a subscriber. Its content is not shown: it may hold links that open accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = delivery, check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    /// Id.
    pub id: DeliveryId,
    /// The partner it was made for.
    pub partner_id: PartnerId,
    /// Who gets it: `mail`.
    pub subscriber: String,
    /// Order is kept per subscriber and key.
    pub key: String,
    /// How far it is.
    pub state: WorkState,
    /// Attempts so far.
    pub attempts: i32,
    /// When it is tried next.
    pub next_attempt_at: Timestamp,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}
