//! EVSE-IDs: the name of a charge point between operators and providers (ISO 15118-2 annex H; eMI3 part 2).

fn parse_evse_id(text: &str) -> Result<String, String> {
    let wrong = || "is not an EVSE-ID such as DE*ISE*E1234*1".to_owned();
    let upper = text.trim().to_ascii_uppercase();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // <country>*<operator>*E<outlet>: two letters, three characters, E and up to 30 characters or separators. The
    // separators may be left out.
    let country = upper.get(..2).filter(|part| part.bytes().all(|b| b.is_ascii_uppercase())).ok_or_else(wrong)?;
    let rest = upper[2..].strip_prefix('*').unwrap_or(&upper[2..]);
    let operator = rest.get(..3).filter(|part| letters(part)).ok_or_else(wrong)?;
    let rest = rest[3..].strip_prefix('*').unwrap_or(&rest[3..]);
    let outlet = rest.strip_prefix('E').ok_or_else(wrong)?;
    let clean = outlet.starts_with(|c: char| c.is_ascii_alphanumeric())
        && outlet.len() <= 31
        && !outlet.ends_with('*')
        && outlet.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*');
    if clean { Ok(format!("{country}*{operator}*E{outlet}")) } else { Err(wrong()) }
}

text! {
    /// EVSE-ID, for example `DE*ISE*E1234*1`. Input may lack the first two separators and be in lower case; it is kept
    /// with them, in upper case.
    EvseId { example: "DE*ISE*E1234*1", max: 48, parse: parse_evse_id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_form() {
        for text in ["DE*ISE*E1234*1", "de*ise*e1234*1", "DEISEE1234*1", "DE*ISEE1234*1"] {
            assert_eq!(EvseId::parse(text).unwrap().as_str(), "DE*ISE*E1234*1", "{text}");
        }
        assert_eq!(EvseId::parse("AT*C4O*E1").unwrap().as_str(), "AT*C4O*E1");
        for text in [
            "",
            "DE",
            "DE*IS*E1",
            "D1*ISE*E1",
            "DE*ISE*1234",
            "DE*ISE*E",
            "DE*ISE*E*1",
            "DE*ISE*E1*",
            "DE*ISE*E1-2",
            "ÄÖ*ISE*E1",
        ] {
            assert!(EvseId::parse(text).is_err(), "{text}");
        }
        assert!(EvseId::parse(&format!("DE*ISE*E{}", "1".repeat(31))).is_ok());
        assert!(EvseId::parse(&format!("DE*ISE*E{}", "1".repeat(32))).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = EvseId::parse(&text);
        }

        #[test]
        fn canonical_form_is_stable(country in "[A-Za-z]{2}", operator in "[A-Za-z0-9]{3}", outlet in "[A-Za-z0-9]{1,20}") {
            let once = EvseId::parse(&format!("{country}{operator}E{outlet}")).unwrap();
            prop_assert_eq!(EvseId::parse(once.as_str()).unwrap(), once.clone());
            prop_assert_eq!(EvseId::parse(&format!("{country}*{operator}*e{outlet}")).unwrap(), once);
        }
    }
}
