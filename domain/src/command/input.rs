//! Every typed command, with its limits.

use poem_openapi::Union;
use serde::{Deserialize, Serialize};

use super::{
    charging::{
        ClearChargingProfiles, GetChargingProfiles, GetCompositeSchedule, GetTransactionStatus, RemoteStart,
        RemoteStop, UnlockConnector, UpdateCost,
    },
    device::{
        ClearDisplayMessage, ClearMonitors, CustomerInformation, GetDisplayMessages, GetMonitoringReport, GetReport,
        SetDisplayMessage, SetMonitoringBase, SetMonitoringLevel, SetMonitors, SetNetworkProfile,
    },
    station::{
        ChangeAvailability, ClearCache, DataTransfer, GetLocalListVersion, GetParameters, Reset, SetParameter,
        TriggerMessage,
    },
};
use crate::{
    Error, Result,
    network::parameter::{ParameterChange, ParameterSetting, VariableName},
};

macro_rules! commands {
    ($($(#[$meta:meta])* $Variant:ident($Input:ident) = $kind:literal),+ $(,)?) => {
        /// What a station is to do. The same commands for every OCPP version; one that the station's version does not know
        /// is refused.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Union)]
        #[serde(tag = "type")]
        #[oai(discriminator_name = "type")]
        pub enum CommandInput {
            $($(#[$meta])* #[serde(rename = $kind)] #[oai(mapping = $kind)] $Variant($Input),)+
        }

        impl CommandInput {
            /// Every command's name.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// The command's name, as in `type`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$Variant(_) => $kind),+ }
            }
        }
    };
}

commands! {
    /// Starts a session.
    RemoteStart(RemoteStart) = "remote_start",
    /// Ends a session.
    RemoteStop(RemoteStop) = "remote_stop",
    /// Releases a cable.
    UnlockConnector(UnlockConnector) = "unlock_connector",
    /// Restarts.
    Reset(Reset) = "reset",
    /// Out of service, or back.
    ChangeAvailability(ChangeAvailability) = "change_availability",
    /// Reads parameters.
    GetParameters(GetParameters) = "get_parameters",
    /// Sets a parameter.
    SetParameter(SetParameter) = "set_parameter",
    /// Sets parameters in one message; OCPP 2.x.
    SetParameters(ParameterChange) = "set_parameters",
    /// Empties the authorisation cache.
    ClearCache(ClearCache) = "clear_cache",
    /// Asks for the local list's version.
    GetLocalListVersion(GetLocalListVersion) = "get_local_list_version",
    /// Asks for a message.
    TriggerMessage(TriggerMessage) = "trigger_message",
    /// A vendor's own message.
    DataTransfer(DataTransfer) = "data_transfer",
    /// Asks what all charging profiles amount to.
    GetCompositeSchedule(GetCompositeSchedule) = "get_composite_schedule",
    /// Takes charging profiles out.
    ClearChargingProfiles(ClearChargingProfiles) = "clear_charging_profiles",
    /// Asks for charging profiles.
    GetChargingProfiles(GetChargingProfiles) = "get_charging_profiles",
    /// Shows the cost so far.
    UpdateCost(UpdateCost) = "update_cost",
    /// Asks whether a transaction runs.
    GetTransactionStatus(GetTransactionStatus) = "get_transaction_status",
    /// Asks for the device model.
    GetReport(GetReport) = "get_report",
    /// Sets which prepared monitors watch.
    SetMonitoringBase(SetMonitoringBase) = "set_monitoring_base",
    /// Sets which events are reported.
    SetMonitoringLevel(SetMonitoringLevel) = "set_monitoring_level",
    /// Sets monitors.
    SetMonitors(SetMonitors) = "set_monitors",
    /// Takes monitors away.
    ClearMonitors(ClearMonitors) = "clear_monitors",
    /// Asks for monitors.
    GetMonitoringReport(GetMonitoringReport) = "get_monitoring_report",
    /// Shows a message.
    SetDisplayMessage(SetDisplayMessage) = "set_display_message",
    /// Asks for messages.
    GetDisplayMessages(GetDisplayMessages) = "get_display_messages",
    /// Takes a message away.
    ClearDisplayMessage(ClearDisplayMessage) = "clear_display_message",
    /// Asks for, or erases, what is kept about a customer.
    CustomerInformation(CustomerInformation) = "customer_information",
    /// Tells how else it can reach us.
    SetNetworkProfile(SetNetworkProfile) = "set_network_profile",
}

fn length(pointer: &str, text: &str, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid(pointer, format!("must have {least} to {most} characters")))
    }
}

fn range(pointer: &str, number: i32, least: i32, most: i32) -> Result<()> {
    if (least..=most).contains(&number) {
        Ok(())
    } else {
        Err(Error::invalid(pointer, format!("must be between {least} and {most}")))
    }
}

fn entries<T>(pointer: &str, items: &[T], least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&items.len()) {
        Ok(())
    } else {
        Err(Error::invalid(pointer, format!("must have {least} to {most} entries")))
    }
}

fn optional(number: Option<i32>, check: impl FnOnce(i32) -> Result<()>) -> Result<()> {
    number.map_or(Ok(()), check)
}

fn variables(names: &[String], least: usize) -> Result<()> {
    entries("/names", names, least, 100)?;
    match names.iter().position(|name| VariableName::parse(name).is_none()) {
        None => Ok(()),
        Some(at) => Err(Error::invalid(format!("/names/{at}"), "is no Component/Variable")),
    }
}

impl CommandInput {
    /// Lengths and ranges of OCPP, of the wider version where they differ.
    pub fn check(&self) -> Result<()> {
        let connector = |number, least| range("/connector", number, least, 999);
        match self {
            Self::RemoteStart(start) => {
                length("/token_uid", &start.token_uid, 1, 36)?;
                optional(start.connector, |number| connector(number, 1))
            }
            Self::UnlockConnector(unlock) => connector(unlock.connector, 1),
            Self::Reset(reset) => optional(reset.evse, |number| range("/evse", number, 1, 999)),
            Self::ChangeAvailability(change) => connector(change.connector, 0),
            Self::TriggerMessage(trigger) => optional(trigger.connector, |number| connector(number, 1)),
            Self::GetParameters(get) => {
                entries("/names", &get.names, 0, 200)?;
                get.names.iter().enumerate().try_for_each(|(at, name)| length(&format!("/names/{at}"), name, 1, 250))
            }
            Self::SetParameter(set) => ParameterSetting { name: set.name.clone(), value: set.value.clone() }.check(""),
            Self::SetParameters(change) => change.parameters.check("/parameters"),
            Self::DataTransfer(transfer) => {
                length("/vendor_id", &transfer.vendor_id, 1, 255)?;
                length("/message_id", transfer.message_id.as_deref().unwrap_or("-"), 1, 50)
            }
            Self::GetCompositeSchedule(get) => {
                connector(get.connector, 0)?;
                range("/duration_s", get.duration_s, 1, 604_800)
            }
            Self::ClearChargingProfiles(clear) => {
                optional(clear.connector, |number| connector(number, 0))?;
                optional(clear.stack_level, |level| range("/stack_level", level, 0, 1000))
            }
            Self::GetChargingProfiles(get) => {
                optional(get.evse, |number| range("/evse", number, 0, 999))?;
                optional(get.stack_level, |level| range("/stack_level", level, 0, 1000))
            }
            Self::GetReport(get) => {
                if get.base.is_some() {
                    entries("/names", &get.names, 0, 0)?;
                    return entries("/criteria", &get.criteria, 0, 0);
                }
                variables(&get.names, usize::from(get.criteria.is_empty()))?;
                entries("/criteria", &get.criteria, 0, 4)
            }
            Self::SetMonitoringLevel(set) => range("/severity", set.severity, 0, 9),
            Self::SetMonitors(set) => {
                entries("/monitors", &set.monitors, 1, 50)?;
                for (at, monitor) in set.monitors.iter().enumerate() {
                    range(&format!("/monitors/{at}/severity"), monitor.severity, 0, 9)?;
                    if VariableName::parse(&monitor.name).is_none() {
                        return Err(Error::invalid(format!("/monitors/{at}/name"), "is no Component/Variable"));
                    }
                    if monitor.value.parse::<rust_decimal::Decimal>().is_err() {
                        return Err(Error::invalid(format!("/monitors/{at}/value"), "is no decimal number"));
                    }
                }
                Ok(())
            }
            Self::ClearMonitors(clear) => entries("/ids", &clear.ids, 1, 50),
            Self::GetMonitoringReport(get) => {
                variables(&get.names, 0)?;
                entries("/criteria", &get.criteria, 0, 3)
            }
            Self::SetDisplayMessage(set) => {
                range("/id", set.id, 0, i32::MAX)?;
                length("/content", &set.content, 1, 512)?;
                length("/language", set.language.as_deref().unwrap_or("de"), 2, 8)
            }
            Self::GetDisplayMessages(get) => entries("/ids", &get.ids, 0, 100),
            Self::CustomerInformation(ask) => {
                if ask.token_uid.is_some() == ask.customer_identifier.is_some() {
                    return Err(Error::invalid("/token_uid", "names either a token or a customer identifier"));
                }
                if !ask.report && !ask.clear {
                    return Err(Error::invalid("/report", "asks for nothing: report or clear must be true"));
                }
                length("/token_uid", ask.token_uid.as_deref().unwrap_or("-"), 1, 36)?;
                length("/customer_identifier", ask.customer_identifier.as_deref().unwrap_or("-"), 1, 64)
            }
            Self::SetNetworkProfile(set) => {
                range("/slot", set.slot, 0, 100)?;
                range("/security_profile", set.security_profile, 0, 3)?;
                range("/message_timeout_s", set.message_timeout_s, 1, 600)?;
                length("/url", &set.url, 6, 512)?;
                if !set.url.starts_with("ws://") && !set.url.starts_with("wss://") {
                    return Err(Error::invalid("/url", "must begin with ws:// or wss://"));
                }
                if !matches!(set.ocpp_version.as_str(), "ocpp1.6" | "ocpp2.0.1") {
                    return Err(Error::invalid("/ocpp_version", "must be ocpp1.6 or ocpp2.0.1"));
                }
                Ok(())
            }
            Self::RemoteStop(_)
            | Self::ClearCache(_)
            | Self::GetLocalListVersion(_)
            | Self::UpdateCost(_)
            | Self::GetTransactionStatus(_)
            | Self::SetMonitoringBase(_)
            | Self::ClearDisplayMessage(_) => Ok(()),
        }
    }
}
