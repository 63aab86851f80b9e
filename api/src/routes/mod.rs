//! The REST API, one file per resource, thin: a handler opens a transaction, calls one function, answers.

pub mod access;
pub mod admin;
pub mod billing;
pub mod event;
pub mod file;
pub mod marketing;
pub mod marketplace;
pub mod network;
pub mod product;
pub mod roaming;
pub mod session;
pub mod tariff;
pub mod tenancy;

use poem_openapi::{OpenApi, OpenApiService, Tags};

use crate::state::App;

/// The parts of the API, as the reference page groups them.
#[derive(Tags)]
pub enum Tag {
    /// Getting and ending tokens, passwords, who you are.
    Login,
    /// Organisations on the platform; they form a tree.
    Partners,
    /// People who log in.
    Users,
    /// Named sets of permissions.
    Roles,
    /// Programs that log in.
    ApiClients,
    /// Who changed what.
    Audit,
    /// What is kept about a person, to be handed out or erased.
    PersonalData,
    /// Sites with an address and coordinates, holding stations.
    Locations,
    /// Pieces of hardware, each with one OCPP identity.
    Stations,
    /// EVSEs: each charges one car at a time.
    ChargePoints,
    /// Names of charge points between operators and providers: prefixes, numbers, moves, stickers.
    EvseIds,
    /// Plugs and sockets of a charge point.
    Connectors,
    /// What drivers identify themselves with.
    Tokens,
    /// Who may charge where.
    Access,
    /// Providers, and operators' contracts with them.
    Marketplace,
    /// Charging sessions.
    Sessions,
    /// Manufacturers and models of stations.
    Hardware,
    /// Security profiles, passwords and certificates of stations.
    Security,
    /// What stations are told to do.
    Commands,
    /// Configuration keys and variables of stations, and templates of them.
    Parameters,
    /// Connectors held for a driver.
    Reservations,
    /// How much power stations and sessions may draw, and when.
    ChargingProfiles,
    /// Who may charge while a station is offline.
    LocalLists,
    /// Boots, connections, security events, reports.
    StationHistory,
    /// Logs that stations upload.
    StationFiles,
    /// Firmware images, and what stations do with them.
    Firmware,
    /// What went over the wire between stations and us.
    OcppLog,
    /// What charging costs, and where.
    Tariffs,
    /// How stations are offered, and where roaming partners see them.
    Marketing,
    /// Providers outside of the platform, over OCPI.
    Roaming,
    /// What is sold to operators, and who has it.
    Products,
    /// What sessions cost.
    Cdrs,
    /// What happened, live and kept.
    Events,
    /// Work behind the scenes: deliveries, jobs, dead letters.
    Work,
}

fn api(app: &App) -> impl OpenApi + use<> {
    let app = || app.clone();
    (
        (
            tenancy::oauth::OauthApi(app()),
            tenancy::password::PasswordApi(app()),
            tenancy::me::MeApi(app()),
            tenancy::partner::PartnerApi(app()),
            tenancy::user::UserApi(app()),
            tenancy::role::RoleApi(app()),
            tenancy::api_client::ApiClientApi(app()),
            tenancy::audit::AuditApi(app()),
            tenancy::personal_data::PersonalDataApi(app()),
        ),
        (
            network::location::LocationApi(app()),
            network::station::StationApi(app()),
            network::station_alias::StationAliasApi(app()),
            network::charge_point::ChargePointApi(app()),
            network::connector::ConnectorApi(app()),
            network::evse_prefix::EvsePrefixApi(app()),
            network::evse_id::EvseIdApi(app()),
            network::sticker::StickerApi(app()),
        ),
        (
            network::command::CommandApi(app()),
            network::note::NoteApi(app()),
            network::manufacturer::ManufacturerApi(app()),
            network::station_model::StationModelApi(app()),
            network::quirk::QuirkApi(app()),
            network::ocpp_message::OcppMessageApi(app()),
            network::unknown_station::UnknownStationApi(app()),
            network::security::SecurityApi(app()),
            network::certificate::CertificateApi(app()),
            network::certificate_request::CertificateRequestApi(app()),
        ),
        (
            network::history::HistoryApi(app()),
            network::parameter::ParameterApi(app()),
            network::parameter_template::ParameterTemplateApi(app()),
            network::reservation::ReservationApi(app()),
            network::charging_profile::ChargingProfileApi(app()),
            network::local_list::LocalListApi(app()),
        ),
        (
            access::token::TokenApi(app()),
            access::token_alias::TokenAliasApi(app()),
            access::token_import::TokenImportApi(app()),
            access::authorization::AuthorizationApi(app()),
            session::session::SessionApi(app()),
            tariff::tariff::TariffApi(app()),
            tariff::quote::TariffQuoteApi(app()),
            tariff::assignment::TariffAssignmentApi(app()),
            tariff::plan::TariffPlanApi(app()),
            billing::cdr::CdrApi(app()),
        ),
        (
            access::emaid_group::EmaidGroupApi(app()),
            network::charge_point_group::ChargePointGroupApi(app()),
            access::permission::AccessPermissionApi(app()),
            access::evaluation::EvaluationApi(app()),
            marketplace::emp_contract::EmpContractApi(app()),
            marketing::access_information::AccessInformationApi(app()),
            marketing::publication::PublicationApi(app()),
        ),
        (
            roaming::ocpi_party::OcpiPartyApi(app()),
            roaming::ocpi_peer::OcpiPeerApi(app()),
            roaming::ocpi_message::OcpiMessageApi(app()),
            product::product::ProductApi(app()),
            product::order::ProductOrderApi(app()),
            product::assignment::ProductAssignmentApi(app()),
        ),
        (
            file::log_request::LogRequestApi(app()),
            file::station_file::StationFileApi(app()),
            file::transfer::TransferApi(app()),
            file::firmware_image::FirmwareImageApi(app()),
            file::firmware_update::FirmwareUpdateApi(app()),
            file::firmware_publication::FirmwarePublicationApi(app()),
        ),
        (
            event::event::EventApi(app()),
            event::ticket::TicketApi(app()),
            admin::delivery::DeliveryApi(app()),
            admin::job::JobApi(app()),
            admin::failed_report::FailedReportApi(app()),
            admin::distinct::DistinctApi(app()),
        ),
    )
}

/// The API as a service; its document is `spec()` run through `openapi::normalise`.
#[must_use]
pub fn service(app: &App) -> OpenApiService<impl OpenApi + use<>, ()> {
    OpenApiService::new(api(app), "Stromtor", env!("CARGO_PKG_VERSION"))
        .description("The backend of a charge point operator's network.")
        .url_prefix("")
}

/// The document as poem-openapi writes it. No handler is called, so nothing need run.
pub fn document() -> stromtor_domain::Result<String> {
    Ok(service(&crate::app::bootstrap::offline()?).spec())
}
