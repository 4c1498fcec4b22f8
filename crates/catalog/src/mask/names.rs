//! Tell-tale names: what a value's name says about it.
//!
//! A name is split into words at `_`, `-`, `.`, spaces and capitals; its last word decides, so that
//! `new_password` is a password and `password_changed_at` is a time.

use proofbook_event::Value;

/// What a name says about its value; a later class masks more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameClass {
    /// Nothing.
    Plain,
    /// It may be the number of a payment card.
    Card,
    /// It is a key when it looks random.
    Tell,
    /// It holds `name=value` pairs that open a session.
    Cookie,
    /// It is a secret, however short.
    Always,
}

/// Shortest text that is judged by its randomness, in bytes.
const RANDOM_BYTES_MIN: usize = 20;
/// Least randomness of a key, in bits a byte; hexadecimal digits come to about 3.5.
const RANDOM_BITS_MIN: f32 = 3.0;
/// Longest name that is judged, in bytes; of a longer one its end.
const NAME_BYTES_MAX: usize = 64;

impl NameClass {
    /// Tells whether a text under this name is masked as a whole.
    pub(super) fn masks_text(self, text: &str) -> bool {
        match self {
            Self::Plain => false,
            Self::Card => is_card_number(text),
            Self::Tell => looks_random(text),
            Self::Cookie => text.len() >= 8 && text.contains('=') || looks_random(text),
            Self::Always => !text.is_empty(),
        }
    }

    /// Tells whether a number under this name is masked.
    pub(super) fn masks_number(self, value: &Value<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Card => value.as_int().is_some_and(|number| is_card_number(&number.to_string())),
            _ => false,
        }
    }

    /// Returns what a name says about the members of an object that it names.
    ///
    /// The two sides of a secret are secret; what else stands beside them is judged as if random.
    pub(super) fn inside(self, key: &str) -> Self {
        const SIDES: [&str; 10] = [
            "old", "new", "before", "after", "value", "previous", "current", "from", "to", "plain",
        ];
        match self {
            Self::Always if SIDES.contains(&key) => Self::Always,
            Self::Always | Self::Tell => Self::Tell,
            _ => Self::Plain,
        }
    }
}

/// Tells whether a value is the public half of an AWS key and its name says so.
///
/// The id alone opens nothing and is how a leaked key is traced, so where a producer says that it is
/// one it stays; found anywhere else its form is masked, since the secret half is seldom far.
pub(super) fn is_access_key_id(name: &str, value: &str) -> bool {
    matches!(name, "accessKeyId" | "access_key_id" | "aws_access_key_id" | "AccessKeyId")
        && value.len() == 20
        && (value.starts_with("AKIA") || value.starts_with("ASIA"))
}

/// Judges a name.
pub(super) fn class_of(name: &str) -> NameClass {
    let bytes = name.as_bytes();
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = &bytes[..bytes.len() - digits];
    let [.., a, b, c] = stem else { return NameClass::Plain };
    // Nearly every name of an event ends here: the last three letters of all names below.
    match [a | 0x20, b | 0x20, c | 0x20] {
        s if matches!(
            &s,
            b"ord"
                | b"rds"
                | b"swd"
                | b"pwd"
                | b"ass"
                | b"ase"
                | b"ode"
                | b"des"
                | b"ret"
                | b"ets"
                | b"pin"
                | b"cvc"
                | b"cvv"
                | b"csc"
                | b"otp"
                | b"nic"
                | b"ken"
                | b"ens"
                | b"key"
                | b"eys"
                | b"ion"
                | b"kie"
                | b"ies"
                | b"jwt"
                | b"rer"
                | b"ial"
                | b"als"
                | b"ash"
                | b"alt"
                | b"ber"
                | b"ard"
                | b"pan"
        ) =>
        {
            class_of_words(stem)
        }
        _ => NameClass::Plain,
    }
}

/// Judges a name by its last two words.
fn class_of_words(name: &[u8]) -> NameClass {
    let mut buffer = [0_u8; NAME_BYTES_MAX * 2];
    let words = normalize(&name[name.len().saturating_sub(NAME_BYTES_MAX)..], &mut buffer);
    let mut from_last = words.rsplit(|byte| *byte == b'_').filter(|word| !word.is_empty());
    let last = from_last.next().unwrap_or_default();
    let previous = from_last.next().unwrap_or_default();

    let always = matches!(
        last,
        b"password"
            | b"passwords"
            | b"passwd"
            | b"pwd"
            | b"passphrase"
            | b"passcode"
            | b"secret"
            | b"secrets"
            | b"pin"
            | b"cvc"
            | b"cvv"
            | b"csc"
            | b"otp"
            | b"mnemonic"
    ) || last.ends_with(b"password")
        || last.ends_with(b"passwd")
        || words == b"pass"
        || last == b"codes" && matches!(previous, b"recovery" | b"backup");
    if always {
        return NameClass::Always;
    }
    if matches!(last, b"cookie" | b"cookies") {
        return NameClass::Cookie;
    }
    let tell = match last {
        // Places in a list, and what cloud interfaces call their idempotency keys, are no secrets.
        b"token" | b"tokens" => !matches!(
            previous,
            b"next"
                | b"page"
                | b"continuation"
                | b"pagination"
                | b"sync"
                | b"cursor"
                | b"idempotency"
                | b"request"
                | b"client"
        ),
        b"authorization" | b"jwt" | b"bearer" | b"credential" | b"credentials" | b"apikey"
        | b"apikeys" | b"secretkey" | b"privatekey" | b"accesskey" => true,
        b"key" | b"keys" => matches!(
            previous,
            b"api"
                | b"secret"
                | b"private"
                | b"access"
                | b"encryption"
                | b"signing"
                | b"auth"
                | b"shared"
                | b"master"
                | b"account"
                | b"service"
                | b"ssh"
                | b"webhook"
                | b"client"
                | b"storage"
                | b"deploy"
        ),
        b"hash" | b"salt" => previous.ends_with(b"password") || previous == b"secret",
        _ => last.ends_with(b"token") || last.ends_with(b"apikey"),
    };
    let card = match last {
        b"card" | b"pan" | b"cardnumber" => true,
        b"number" => matches!(previous, b"card" | b"cc" | b"credit" | b"debit" | b"account"),
        _ => false,
    };
    match (tell, card) {
        (true, _) => NameClass::Tell,
        (_, true) => NameClass::Card,
        _ => NameClass::Plain,
    }
}

/// Writes the name in lower case with `_` between its words.
fn normalize<'b>(name: &[u8], buffer: &'b mut [u8; NAME_BYTES_MAX * 2]) -> &'b [u8] {
    let mut length = 0;
    let mut after_small = false;
    for byte in name {
        if byte.is_ascii_uppercase() && after_small {
            buffer[length] = b'_';
            length += 1;
        }
        buffer[length] = match byte {
            b'-' | b'.' | b' ' | b':' => b'_',
            other => other.to_ascii_lowercase(),
        };
        length += 1;
        after_small = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    }
    &buffer[..length]
}

/// Tells whether a text looks like a key: long, without blanks, of many different characters.
pub(super) fn looks_random(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < RANDOM_BYTES_MIN
        || bytes.iter().any(u8::is_ascii_whitespace)
        || text.contains("://")
    {
        return false;
    }
    let digit = bytes.iter().any(u8::is_ascii_digit);
    let both_cases =
        bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase);
    (digit || both_cases) && entropy_bits(bytes) >= RANDOM_BITS_MIN
}

/// Returns the Shannon entropy of the bytes' distribution, in bits a byte.
fn entropy_bits(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f32 / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Tells whether a text is the number of a payment card, with or without blanks and dashes.
///
/// 13 to 19 digits that begin like a known network's, with the right length and check digit (ISO/IEC
/// 7812-1, Luhn).
pub(super) fn is_card_number(text: &str) -> bool {
    let mut digits = [0_u8; 19];
    let mut count = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if count < digits.len() => {
                digits[count] = byte - b'0';
                count += 1;
            }
            b' ' | b'-' => {}
            _ => return false,
        }
    }
    let digits = &digits[..count];
    count >= 13 && is_of_network(digits) && luhn(digits)
}

/// Tells whether digits begin and end like a known network's cards.
fn is_of_network(digits: &[u8]) -> bool {
    let begin = digits[..4].iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    let count = digits.len();
    match begin {
        4000..=4999 => matches!(count, 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => count == 16,
        3400..=3499 | 3700..=3799 => count == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => count == 14,
        3528..=3589 | 6011 | 6440..=6599 | 6200..=6299 => (16..=19).contains(&count),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) << (place % 2);
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests;
