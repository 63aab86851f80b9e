//! Tokens from CSV files over REST.

use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    Error, Result,
    access::{
        token::TokenInput,
        token_import::{MOST_ROWS, Rows, TokenImport, columns},
    },
    actor::Permission,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::{local_list, token_import};

use crate::{auth::Auth, problem::Answer, respond::Found, routes::Tag, state::App, upload::CsvFile};

/// Operations on many tokens.
pub struct TokenImportApi(pub App);

#[OpenApi(prefix_path = "/v1/tokens", tag = "Tag::Tokens")]
impl TokenImportApi {
    /// Import tokens from CSV
    ///
    /// The first row names the columns: `kind`, `uid`, `status` and, if you like, `label`, `valid_from`, `valid_until`,
    /// `group_id`, `external_id`, `metadata` (JSON); separated by commas or semicolons, UTF-8, at most 200000 rows and 64 MiB. What
    /// `GET /v1/tokens` writes as CSV can be read again.
    ///
    /// A token that is there by its UID, whatever its case and separators, is replaced. All rows are taken or none: every wrong
    /// cell (up to 100) is named as `/<row>/<column>`, rows counted from 0 below the head.
    ///
    /// Permission: `access:write`
    #[oai(path = "/import", method = "post", operation_id = "token_import")]
    async fn import(
        &self,
        Auth(actor): Auth,
        /// The partner they are to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        /// Whether only to say what would be done.
        #[oai(default)]
        dry_run: Query<bool>,
        file: CsvFile,
    ) -> Answer<Found<TokenImport>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let text = file.text()?;
        let tokens = tokio::task::spawn_blocking(move || read(&text)).await.map_err(Error::internal)??;
        let done = token_import::import(&mut tx, partner_id, &tokens, dry_run.0).await?;
        if !dry_run.0 {
            local_list::tokens_changed(&mut tx, partner_id).await?;
            tx.commit().await?;
        }
        Ok(Found::plain(done))
    }
}

/// The tokens of a file, if every row is one.
fn read(text: &str) -> Result<Vec<TokenInput>> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let malformed = |row: usize, error: &csv::Error| Error::invalid(format!("/{row}"), error.to_string());
    let head = reader.headers().map_err(|error| Error::invalid("/head", error.to_string()))?;
    let columns = columns(&head.iter().collect::<Vec<_>>())?;
    let mut rows = Rows::default();
    for (row, record) in reader.records().enumerate() {
        if row == MOST_ROWS {
            return Err(Error::invalid("/", format!("the file has more than {MOST_ROWS} rows")));
        }
        rows.take(&columns, record.map_err(|error| malformed(row, &error))?.iter());
        if rows.hopeless() {
            break;
        }
    }
    rows.finish()
}
