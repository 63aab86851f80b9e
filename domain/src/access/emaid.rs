//! EMAIDs: contract ids of drivers (ISO 15118-1 annex H; eMI3 part 2): country, provider, instance and a check digit.

const CHARACTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

type Matrix = [[usize; 2]; 2];

/// The check equation ("Check Digit Calculation for Contract-IDs"): every character is a vector modulo 2 and one modulo 3;
/// multiplied by rising powers of a matrix each, they add up to nothing.
fn is_balanced(text: &[u8]) -> bool {
    const P2: Matrix = [[0, 1], [1, 1]];
    const P3: Matrix = [[0, 1], [1, 2]];
    let next = |m: Matrix, p: Matrix, modulus: usize| -> Matrix {
        let cell = |row: usize, column: usize| (m[row][0] * p[0][column] + m[row][1] * p[1][column]) % modulus;
        [[cell(0, 0), cell(0, 1)], [cell(1, 0), cell(1, 1)]]
    };
    let (mut by2, mut by3, mut sum2, mut sum3) = ([[1, 0], [0, 1]], [[1, 0], [0, 1]], [0, 0], [0, 0]);
    for c in text {
        let Some(value) = CHARACTERS.iter().position(|known| known == c) else { return false };
        (by2, by3) = (next(by2, P2, 2), next(by3, P3, 3));
        for row in 0..2 {
            sum2[row] = (sum2[row] + by2[row][0] * (value / 18) + by2[row][1] * (value / 9 % 2)) % 2;
            sum3[row] = (sum3[row] + by3[row][0] * (value % 9 / 3) + by3[row][1] * (value % 3)) % 3;
        }
    }
    sum2 == [0, 0] && sum3 == [0, 0]
}

/// The check digit of the 14 characters before it; `None` when they are not letters and digits.
#[must_use]
pub fn check_digit(body: &str) -> Option<char> {
    (body.len() == 14).then_some(())?;
    CHARACTERS.iter().find(|digit| is_balanced(&[body.as_bytes(), &[**digit]].concat())).map(|digit| char::from(*digit))
}

/// Checks an EMAID, with or without separators and check digit; the canonical form has both: `DE-8AA-CA2B3C4D5-L`.
pub fn parse(text: &str) -> Result<String, String> {
    let wrong = || "is not an EMAID such as DE-8AA-CA2B3C4D5-L".to_owned();
    let upper = text.trim().to_ascii_uppercase();
    let parts: Vec<&str> = upper.split(['-', '*']).collect();
    let compact = parts.concat();
    let shaped = match parts.len() {
        1 => true,
        3 | 4 => {
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            lengths[..3] == [2, 3, 9] && lengths.get(3).is_none_or(|length| *length == 1)
        }
        _ => false,
    };
    let fine = shaped
        && matches!(compact.len(), 14 | 15)
        && compact.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && compact[..2].bytes().all(|byte| byte.is_ascii_uppercase());
    if !fine {
        return Err(wrong());
    }
    let digit = check_digit(&compact[..14]).ok_or_else(wrong)?;
    if compact[14..].chars().next().is_some_and(|given| given != digit) {
        return Err(format!("has the wrong check digit; it would be {digit}"));
    }
    Ok(format!("{}-{}-{}-{digit}", &compact[..2], &compact[2..5], &compact[5..14]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_check_digits() {
        // Published examples of the scheme.
        for (body, digit) in [
            ("NN123ABCDEFGHI", 'T'),
            ("FRXYZ123456789", '2'),
            ("ITA1B2C3E4F5G6", '4'),
            ("ESZU8WOX834H1D", 'R'),
            ("PT73902837ABCZ", 'Z'),
            ("DE83DUIEN83QGZ", 'D'),
            ("DE83DUIEN83ZGQ", 'M'),
            ("DE8AA001234567", '0'),
        ] {
            assert_eq!(check_digit(body), Some(digit), "{body}");
        }
    }

    #[test]
    fn both_spellings() {
        for text in
            ["DE-8AA-CA2B3C4D5-L", "de8aaca2b3c4d5l", "DE8AACA2B3C4D5", "DE*8AA*CA2B3C4D5*L", "DE-8AA-CA2B3C4D5"]
        {
            assert_eq!(parse(text).unwrap(), "DE-8AA-CA2B3C4D5-L", "{text}");
        }
        for text in
            ["", "DE-8AA-CA2B3C4D5-X", "D1-8AA-CA2B3C4D5", "DE-8AAC-A2B3C4D5-L", "DE8AACA2B3C4D5LL", "DÉ8AACA2B3C4D5"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn one_wrong_character_is_noticed(body in "[A-Z]{2}[A-Z0-9]{12}", at in 0_usize..14, other in "[A-Z0-9]") {
            let digit = check_digit(&body).unwrap();
            let mut changed = body.clone();
            changed.replace_range(at..=at, &other);
            prop_assume!(changed != body);
            prop_assert_ne!(check_digit(&changed), Some(digit));
        }
    }
}
