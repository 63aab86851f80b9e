//! The server's secret: seals what must be read again, fingerprints what need only be recognised.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use stromtor_domain::{Error, Result};

/// The server's secret key and what is derived from it.
pub struct Secrets {
    mac: hmac::Key,
    seal: RandomizedNonceKey,
    random: SystemRandom,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From the configured key, or from `data_dir`/secret.key, which is made at first start.
    pub fn load(configured: &str, data_dir: &Path) -> Result<Self> {
        let text = if configured.is_empty() {
            let file = data_dir.join("secret.key");
            match fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let mut key = [0_u8; 32];
                    SystemRandom::new().fill(&mut key).map_err(|_| Error::internal("no randomness"))?;
                    let text = hex::encode(key);
                    fs::create_dir_all(data_dir).map_err(Error::internal)?;
                    let mut options = fs::OpenOptions::new();
                    let mut file =
                        options.write(true).create_new(true).mode(0o600).open(&file).map_err(Error::internal)?;
                    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::internal)?;
                    text
                }
                Err(error) => return Err(Error::internal(error)),
            }
        } else {
            configured.to_owned()
        };
        let key = hex::decode(text.trim()).ok().filter(|key| key.len() == 32);
        Self::new(&key.ok_or_else(|| Error::internal("secrets.key must be 32 bytes in hexadecimal"))?)
    }

    /// From key material: one key per purpose (HKDF-SHA-256).
    pub fn new(key: &[u8]) -> Result<Self> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stromtor").extract(key);
        let derive = |purpose: &[u8]| -> Result<[u8; 32]> {
            let mut out = [0_u8; 32];
            root.expand(&[purpose], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut out))
                .map_err(|_| Error::internal("key derivation"))?;
            Ok(out)
        };
        Ok(Self {
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"fingerprint")?),
            seal: RandomizedNonceKey::new(&AES_256_GCM, &derive(b"seal")?)
                .map_err(|_| Error::internal("sealing key"))?,
            random: SystemRandom::new(),
        })
    }

    /// Fingerprint of a random key or token, as it is kept (HMAC-SHA-256).
    #[must_use]
    pub fn fingerprint(&self, secret: &[u8]) -> Vec<u8> {
        hmac::sign(&self.mac, secret).as_ref().to_vec()
    }

    /// Whether a secret has this fingerprint; takes the same time either way.
    #[must_use]
    pub fn matches(&self, secret: &[u8], fingerprint: &[u8]) -> bool {
        hmac::verify(&self.mac, secret, fingerprint).is_ok()
    }

    /// A new random secret: 32 bytes, URL-safe text.
    pub fn random_token(&self) -> Result<String> {
        let mut bytes = [0_u8; 32];
        self.random.fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A new station key: 20 printable bytes, as an OCPP AuthorizationKey may be (whitepaper ed. 2, 16 to 20 bytes).
    pub fn random_station_key(&self) -> Result<String> {
        let mut bytes = [0_u8; 15];
        self.random.fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Encrypts (AES-256-GCM, random nonce in front).
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .seal
            .seal_in_place_append_tag(Aad::empty(), &mut sealed)
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Secrets::seal`] made.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let wrong = || Error::internal("sealed with another secrets.key");
        let (nonce, body) = sealed.split_at_checked(12).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut body = body.to_vec();
        let plain = self.seal.open_in_place(nonce, Aad::empty(), &mut body).map_err(|_| wrong())?;
        Ok(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let (ours, other) = (Secrets::new(&[1; 32]).unwrap(), Secrets::new(&[2; 32]).unwrap());
        let sealed = ours.seal(b"key").unwrap();
        assert_eq!(ours.open(&sealed).unwrap(), b"key");
        assert!(other.open(&sealed).is_err());
        assert!(ours.matches(b"a", &ours.fingerprint(b"a")));
        assert!(!ours.matches(b"b", &ours.fingerprint(b"a")));
    }
}
