//! Pages of lists (OCPI 2.2.1 section 4.1.5): a period of `last_updated`, an offset, a limit.

use crate::values::DateTime;

/// What a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// Changed at or after.
    pub date_from: Option<DateTime>,
    /// Changed before.
    pub date_to: Option<DateTime>,
    /// How many to leave out.
    pub offset: u64,
    /// How many to give at the most.
    pub limit: Option<u64>,
}

impl PageQuery {
    /// From a query string; what it does not know is left alone. The error names the parameter.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let url = format!("http://x/?{query}");
        let url = reqwest::Url::parse(&url).map_err(|_| "the query cannot be read".to_owned())?;
        for (name, value) in url.query_pairs() {
            let number = || value.parse::<u64>().map_err(|_| format!("{name} is not a number"));
            // A plus that was not encoded has become a space.
            let time = || DateTime::parse(&value.replace(' ', "+")).map_err(|why| format!("{name} {why}"));
            match &*name {
                "date_from" => page.date_from = Some(time()?),
                "date_to" => page.date_to = Some(time()?),
                "offset" => page.offset = number()?,
                "limit" => page.limit = Some(number()?).filter(|limit| *limit > 0),
                _ => {}
            }
        }
        Ok(page)
    }

    /// The address of the page after this one, with everything that was asked for.
    #[must_use]
    pub fn next(&self, url: &str, limit: u64) -> String {
        let mut query = Vec::new();
        if let Some(from) = self.date_from {
            query.push(format!("date_from={from}"));
        }
        if let Some(to) = self.date_to {
            query.push(format!("date_to={to}"));
        }
        query.push(format!("offset={}", self.offset.saturating_add(limit)));
        query.push(format!("limit={limit}"));
        format!("<{url}?{}>; rel=\"next\"", query.join("&"))
    }
}

/// The address of the next page in a `Link` header (RFC 8288), read leniently.
#[must_use]
pub fn next_link(header: &str) -> Option<String> {
    header.split(">").zip(header.split(">").skip(1)).find_map(|(before, after)| {
        let url = before.rsplit_once('<')?.1.trim();
        // The link's own parameters end where the next link begins.
        let own = after.split(",<").next().unwrap_or(after).split(", <").next().unwrap_or(after);
        let own = own.to_ascii_lowercase().replace([' ', '"', '\''], "");
        (own.split(';').any(|part| part.trim_end_matches(',') == "rel=next") && !url.is_empty()).then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_asked_for_stays() {
        let page = PageQuery::parse("date_from=2026-11-23T12:00:00Z&limit=10&offset=20&x=1").unwrap();
        assert_eq!((page.offset, page.limit), (20, Some(10)));
        let link = page.next("https://x.example/ocpi/cdrs", 5);
        assert_eq!(
            link,
            "<https://x.example/ocpi/cdrs?date_from=2026-11-23T12:00:00Z&offset=25&limit=5>; rel=\"next\""
        );
        let next = next_link(&link).unwrap();
        let again = PageQuery::parse(next.split_once('?').unwrap().1).unwrap();
        assert_eq!(again, PageQuery { offset: 25, limit: Some(5), ..page });
        assert!(PageQuery::parse("date_from=yesterday").unwrap_err().starts_with("date_from"));
        assert!(PageQuery::parse("limit=-1").is_err());
        assert_eq!(PageQuery::parse("date_to=2026-11-23T13:00:00+01:00").unwrap().date_to, page.date_from);
    }

    #[test]
    fn links_come_in_many_shapes() {
        for (header, wanted) in [
            ("<https://a/b?c=1>; rel=\"next\"", Some("https://a/b?c=1")),
            ("<https://a/b>;rel=next", Some("https://a/b")),
            ("<https://a/1>; rel=\"prev\", <https://a/2>; rel=\"next\"", Some("https://a/2")),
            ("<https://a/1>; rel=\"next\", <https://a/2>; rel=\"last\"", Some("https://a/1")),
            ("<https://a/1>; rel=\"prev\"", None),
            ("https://a/1; rel=\"next\"", None),
            ("", None),
            ("<>; rel=next", None),
        ] {
            assert_eq!(next_link(header).as_deref(), wanted, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_and_query_does_no_harm(text in ".{0,60}") {
            let _ = next_link(&text);
            let _ = PageQuery::parse(&text);
        }
    }
}
