//! Tokens from a CSV file: all of its rows, or none (portal function E1).

use std::collections::HashMap;

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{decide::normalise_uid, token::TokenInput};
use crate::{Error, Result, error::FieldError, patch};

/// The most rows of a file.
pub const MOST_ROWS: usize = 200_000;

/// The most wrong fields that are named.
const MOST_ERRORS: usize = 100;

/// Columns that are read: the fields of a token that a caller may set.
pub const COLUMNS: [&str; 9] =
    ["kind", "uid", "label", "status", "valid_from", "valid_until", "group_id", "external_id", "metadata"];

/// Columns that every file has and every row fills.
const NEEDED: [&str; 3] = ["kind", "uid", "status"];

/// Columns of an export that are not read.
const PASSED_OVER: [&str; 6] = ["id", "partner_id", "hex_uid", "revision", "created_at", "updated_at"];

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct TokenImport {
    /// Rows of the file.
    pub rows: i64,
    /// Tokens that are new.
    pub created: i64,
    /// Tokens that were there by their UID, with other values.
    pub updated: i64,
    /// Tokens that were there as they are in the file.
    pub unchanged: i64,
    /// Whether nothing was kept.
    pub dry_run: bool,
}

/// The columns of a file by its head.
pub fn columns(head: &[&str]) -> Result<Vec<Option<&'static str>>> {
    let mut columns = Vec::new();
    for (at, name) in head.iter().enumerate() {
        let name = name.trim();
        let known = COLUMNS.iter().find(|column| **column == name).copied();
        if known.is_none() && !PASSED_OVER.contains(&name) {
            return Err(Error::invalid(
                format!("/head/{at}"),
                format!("is no column of a token; there are {}", COLUMNS.join(", ")),
            ));
        }
        if known.is_some() && columns.contains(&known) {
            return Err(Error::invalid(format!("/head/{at}"), "is there twice"));
        }
        columns.push(known);
    }
    for needed in NEEDED {
        if !columns.contains(&Some(needed)) {
            return Err(Error::invalid("/head", format!("lacks the column {needed}")));
        }
    }
    Ok(columns)
}

/// Rows on their way to being tokens: every wrong one is noted.
#[derive(Debug, Default)]
pub struct Rows {
    tokens: Vec<TokenInput>,
    wrong: Vec<FieldError>,
    uids: HashMap<String, usize>,
    external_ids: HashMap<String, usize>,
    count: usize,
}

impl Rows {
    /// Takes the next row; an empty cell is an absent field.
    pub fn take<'a>(&mut self, columns: &[Option<&'static str>], cells: impl Iterator<Item = &'a str>) {
        let row = self.count;
        self.count += 1;
        if let Err(Error::Invalid { fields }) = self.read(row, columns, cells) {
            let fields =
                fields.into_iter().map(|field| FieldError { pointer: format!("/{row}{}", field.pointer), ..field });
            self.wrong.extend(fields);
        }
    }

    /// Whether it makes no sense to read on.
    #[must_use]
    pub fn hopeless(&self) -> bool {
        self.wrong.len() >= MOST_ERRORS
    }

    fn read<'a>(
        &mut self,
        row: usize,
        columns: &[Option<&'static str>],
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let mut fields = Map::new();
        for (column, cell) in columns.iter().zip(cells) {
            // What an export has made harmless for spreadsheets.
            let harmless = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r']));
            let cell = harmless.unwrap_or(cell);
            let Some(column) = column.filter(|_| !cell.is_empty()) else { continue };
            let value = if column == "metadata" {
                serde_json::from_str(cell).map_err(|_| Error::invalid("/metadata", "is not JSON"))?
            } else {
                Value::String(cell.to_owned())
            };
            fields.insert(column.to_owned(), value);
        }
        if let Some(empty) = NEEDED.iter().find(|name| !fields.contains_key(**name)) {
            return Err(Error::invalid(format!("/{empty}"), "is empty"));
        }
        let token: TokenInput = patch::parse(Value::Object(fields))?;
        token.check()?;
        if let Some(first) = self.uids.insert(normalise_uid(token.uid.as_str()), row) {
            return Err(Error::invalid("/uid", format!("is that of row {first} too")));
        }
        if let Some(id) = &token.external_id
            && let Some(first) = self.external_ids.insert(id.as_str().to_owned(), row)
        {
            return Err(Error::invalid("/external_id", format!("is that of row {first} too")));
        }
        self.tokens.push(token);
        Ok(())
    }

    /// The tokens, if every row is one.
    pub fn finish(self) -> Result<Vec<TokenInput>> {
        if !self.wrong.is_empty() {
            return Err(Error::Invalid { fields: self.wrong });
        }
        if self.tokens.is_empty() {
            return Err(Error::invalid("/", "the file has no rows"));
        }
        Ok(self.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[&[&str]]) -> Result<Vec<TokenInput>> {
        let columns = columns(&["id", "kind", "uid", "status", "label", "external_id"])?;
        let mut found = Rows::default();
        for row in rows {
            found.take(&columns, row.iter().copied());
        }
        found.finish()
    }

    fn pointers(found: Result<Vec<TokenInput>>) -> Vec<String> {
        match found {
            Err(Error::Invalid { fields }) => fields.into_iter().map(|field| field.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_tokens_or_named() {
        let tokens =
            read(&[&["x", "rfid", "04:a2", "active", "", ""], &["", "rfid", "'-04A3", "blocked", "Van", "v"]]).unwrap();
        assert_eq!(tokens[1].uid.as_str(), "-04A3");
        assert_eq!(tokens[0].label, None);
        let wrong = read(&[
            &["", "rfid", "04A2", "active", "", "1"],
            &["", "rfid", "04:a2", "active", "", "2"],
            &["", "card", "04A3", "active", "", "3"],
            &["", "rfid", "04A4", "active", "", "1"],
            &["", "emaid", "DE8AA", "active", "", "4"],
            &["", "rfid", "", "active", "", "5"],
        ]);
        assert_eq!(pointers(wrong), ["/1/uid", "/2/kind", "/3/external_id", "/4/uid", "/5/uid"]);
        assert_eq!(pointers(read(&[])), ["/"]);
    }

    #[test]
    fn heads_are_checked() {
        assert!(columns(&["kind", "uid", "status"]).is_ok());
        for head in [&["kind", "uid"][..], &["kind", "uid", "status", "colour"], &["kind", "uid", "status", "uid"]] {
            assert!(columns(head).is_err(), "{head:?}");
        }
    }
}
