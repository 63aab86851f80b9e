//! What stations do otherwise than the specification says and is forgiven: one word for each, counted per station.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// Like `choice!`, and each word knows its description.
macro_rules! quirks {
    ($($(#[doc = $text:literal])+ $Variant:ident = $word:literal),+ $(,)?) => {
        choice! {
            /// Something that had to be forgiven.
            pub enum Quirk {
                $($(#[doc = $text])+ $Variant = $word),+
            }
        }

        impl Quirk {
            /// What it means, for people.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$Variant => concat!($($text),+)),+ }
            }
        }
    };
}

quirks! {
    // Connection.
    /// The connection named no OCPP version; OCPP 1.6 was taken (`accept_without_protocol`, tolerance `without_protocol`).
    NoSubprotocol = "no_subprotocol",
    /// The upgrade came without `Connection: Upgrade`.
    NoConnectionUpgrade = "no_connection_upgrade",
    /// The path held doubled or trailing slashes, or a whole URL.
    OddPath = "odd_path",
    /// The station came under another spelling of its identity; see its aliases.
    IdentityAlias = "identity_alias",
    /// The user of Basic authentication was another spelling of the identity.
    UserDiffers = "user_differs",
    /// An empty password was sent and counts as none (tolerance `empty_password`).
    EmptyPassword = "empty_password",
    /// The password came as hexadecimal text instead of raw bytes.
    PasswordAsHex = "password_as_hex",
    /// The station did not introduce itself after connecting and was asked to (tolerance `trigger_boot`).
    NoBoot = "no_boot",
    /// Several calls came before the first was answered; they were worked off in order.
    ParallelCalls = "parallel_calls",

    // Frames.
    /// A text that is no JSON, or cut: dropped.
    NotJson = "not_json",
    /// A frame that is no array: dropped.
    NotAnArray = "not_an_array",
    /// A frame without a message id: it cannot be answered.
    NoMessageId = "no_message_id",
    /// A frame of an unknown type: dropped.
    UnknownMessageType = "unknown_message_type",
    /// A call without an action.
    MalformedCall = "malformed_call",
    /// An answer to a call that was not made, or that nobody waits for any more: dropped.
    UnknownAnswer = "unknown_answer",
    /// OCPP 2.0.1 was agreed on, but a message had the shape of OCPP 1.6.
    ShapeOfV16 = "shape_of_1_6",

    // Fields.
    /// Fields that the specification does not know: ignored.
    ExtraFields = "extra_fields",
    /// `null` for an absent field.
    NullField = "null_field",
    /// The text `null` for an absent field.
    NullAsString = "null_as_string",
    /// A number where a text belongs.
    NumberAsString = "number_as_string",
    /// True or false where a text belongs.
    BooleanAsString = "boolean_as_string",
    /// A text where a number belongs.
    StringAsNumber = "string_as_number",
    /// A text where true or false belongs.
    StringAsBoolean = "string_as_boolean",
    /// A number where true or false belongs.
    NumberAsBoolean = "number_as_boolean",
    /// A fraction where a whole number belongs.
    FractionAsInteger = "fraction_as_integer",
    /// One object where a list belongs.
    ObjectAsArray = "object_as_array",
    /// A list of one where an object belongs.
    ArrayAsObject = "array_as_object",
    /// A text longer than the specification allows: kept whole.
    OverLongText = "over_long_text",
    /// A word of the specification in another spelling: read as the specification's.
    WordSynonym = "word_synonym",
    /// A word that the specification does not have: kept as it came.
    UnknownWord = "unknown_word",
    /// A unit in another spelling than the specification's: read as the specification's.
    UnitSynonym = "unit_synonym",
    /// A vendor's error code of nothing but zeros: read as none.
    ZeroErrorCode = "zero_error_code",
    /// A signal strength in the field of the SIM card's number: ignored.
    SignalAsIccid = "signal_as_iccid",
    /// A variable in a report that cannot be read: left out.
    UnreadableVariable = "unreadable_variable",

    // Time.
    /// A time without a zone: taken as UTC (tolerance `time_zone`).
    NoZone = "no_zone",
    /// A zone without minutes.
    ShortZone = "short_zone",
    /// A blank between date and time.
    BlankInTime = "blank_in_time",
    /// A time that cannot be read: the time of receipt counts.
    UnreadableTime = "unreadable_time",
    /// A time before the station was built: its clock was not set, and the time of receipt counts.
    ClockUnset = "clock_unset",
    /// A time ahead of ours: the time of receipt counts when it is far ahead (tolerance `time_zone_always` where it is local
    /// time that says `Z`).
    ClockAhead = "clock_ahead",

    // Transactions.
    /// The number of a transaction was zero or less: the transaction is found by connector, driver and register.
    NoTransactionId = "no_transaction_id",
    /// The number of a reservation was zero or less: read as none.
    NoReservationId = "no_reservation_id",
    /// The readings at the end of a transaction cannot be read: left out.
    UnreadableTransactionData = "unreadable_transaction_data",

    // Readings.
    /// A reading without a value: left out.
    EmptySample = "empty_sample",
    /// A reading that cannot be read: left out.
    UnreadableSample = "unreadable_sample",
    /// Signed data that does not say so: found by its content.
    SignedDataUnmarked = "signed_data_unmarked",

    // Tags.
    /// A tag was read as another UID of its token; see the token's aliases.
    IdTagAlias = "id_tag_alias",
    /// A tag stood for a token in hexadecimal digits (tolerance `hex_id_tags`).
    IdTagHex = "id_tag_hex",
    /// A tag's bytes were in reversed order (tolerance `id_tag_reversed`).
    IdTagReversed = "id_tag_reversed",
    /// A tag was the beginning of its token's UID (tolerance `id_tag_prefix_min`).
    IdTagCut = "id_tag_cut",
}

/// A word for something that stations do otherwise than the specification says, as counted at their live state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct QuirkEntry {
    /// The word.
    pub name: Quirk,
    /// What it means and how it is treated.
    pub description: String,
}

impl QuirkEntry {
    /// Every word.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let entry = |quirk: &Quirk| Self { name: *quirk, description: quirk.description().trim().to_owned() };
        Quirk::ALL.iter().map(entry).collect()
    }
}
