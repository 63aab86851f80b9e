//! Where files are: in a folder, or in S3 and what speaks its protocol. The only place that knows the object store.
//!
//! Files are streamed both ways and never held whole. What is half written is nowhere: a file appears when its last byte is
//! durable.

use std::{
    io, ops::Range, os::unix::fs::DirBuilderExt as _, path::Path as FsPath, pin::pin, sync::Arc, time::Duration,
};

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use md5::{Digest as _, Md5};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, buffered::BufWriter, local::LocalFileSystem,
    memory::InMemory, path::Path,
};
use stromtor_domain::{Error, Result, error::Cause};
use stromtor_persistence::file::Stored;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    config::FileConfig,
    problem::{Failure, Problem},
};

/// Bytes per part on the way into the store; S3 takes no smaller parts than 5 MiB.
const PART: usize = 8 * 1024 * 1024;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 2;
/// Bytes per read.
const READ: usize = 64 * 1024;
/// A sender that is silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// The files.
#[derive(Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// Why a file was not kept; nothing is left of it.
#[derive(Debug)]
pub enum Refused {
    /// More bytes than allowed.
    TooLarge,
    /// The sender broke off.
    Broken(io::Error),
    /// The store failed.
    Store(Error),
}

impl From<Refused> for poem::Error {
    fn from(refused: Refused) -> Self {
        use poem::http::StatusCode;
        match refused {
            Refused::TooLarge => {
                let detail = "the file is larger than allowed";
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail);
                Self::from_response(problem.response())
            }
            Refused::Broken(error) => {
                tracing::info!(%error, "an upload broke off");
                let detail = "the upload broke off";
                Self::from_response(Problem::new(StatusCode::BAD_REQUEST, "upload_incomplete", detail).response())
            }
            Refused::Store(error) => Failure(error).into(),
        }
    }
}

/// The store away or full: worth another attempt.
fn away(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable(Cause::new(error))
}

impl Files {
    /// The configured store.
    pub fn open(config: &FileConfig, data_dir: &FsPath) -> Result<Self> {
        if config.url.is_empty() {
            let folder = data_dir.join("files");
            // Logs of stations may hold what is nobody else's business on this machine.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::internal)?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?.with_fsync(true);
            return Ok(Self { store: Arc::new(store), prefix: Path::default() });
        }
        let url: reqwest::Url = config.url.parse().map_err(|_| Error::internal("files.url is no URL"))?;
        let environment = std::env::vars().filter(|(name, _)| name.starts_with("AWS_"));
        let options = environment.chain(config.options.clone());
        let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(Error::internal)?;
        Ok(Self { store: Arc::from(store), prefix })
    }

    /// Files that are gone with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), prefix: Path::default() }
    }

    fn path(&self, key: &str) -> Result<Path> {
        let key = Path::parse(key).map_err(Error::internal)?;
        Ok(self.prefix.parts().chain(key.parts()).collect())
    }

    /// Keeps what `body` yields under `key`, up to `most` bytes.
    pub async fn put(&self, key: String, body: impl AsyncRead + Send, most: u64) -> Result<Stored, Refused> {
        let path = self.path(&key).map_err(Refused::Store)?;
        let mut writer = BufWriter::with_capacity(self.store.clone(), path, PART).with_max_concurrency(PARTS_AT_ONCE);
        match copy(body, &mut writer, most).await {
            Ok((size, sha256, md5)) => {
                writer.shutdown().await.map_err(|error| Refused::Store(away(error)))?;
                Ok(Stored { key, size_bytes: size as i64, sha256, md5 })
            }
            Err(refused) => {
                if let Err(error) = writer.abort().await {
                    tracing::warn!(%error, "the rest of a broken upload could not be removed");
                }
                Err(refused)
            }
        }
    }

    /// The bytes of a file, or some of them.
    pub async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&self.path(key)?, options).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Error::internal(error),
            other => away(other),
        })?;
        let bytes = futures_util::TryStreamExt::map_err(found.into_stream(), io::Error::other);
        Ok(Box::pin(bytes))
    }

    /// Deletes a file; one that is not there is deleted.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.store.delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }
}

/// Copies everything, and says how much it was: size, SHA-256, MD5.
async fn copy(
    body: impl AsyncRead + Send,
    writer: &mut BufWriter,
    most: u64,
) -> Result<(u64, String, String), Refused> {
    let mut body = pin!(body);
    let (mut sha256, mut md5) = (digest::Context::new(&digest::SHA256), Md5::new());
    let mut size = 0_u64;
    loop {
        let mut chunk = BytesMut::with_capacity(READ);
        let read = tokio::time::timeout(SILENCE, body.read_buf(&mut chunk)).await;
        let read = read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Refused::Broken)?;
        if read == 0 {
            let md5 = hex::encode(md5.finalize());
            return Ok((size, hex::encode(sha256.finish()), md5));
        }
        size += read as u64;
        if size > most {
            return Err(Refused::TooLarge);
        }
        sha256.update(&chunk);
        md5.update(&chunk);
        writer.put(chunk.freeze()).await.map_err(|error| Refused::Store(away(error)))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder() -> (Files, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("stromtor-files-{}", std::process::id()));
        let config = FileConfig {
            url: String::new(),
            max_upload_bytes: 0,
            station_url: String::new(),
            token_ttl_h: 1,
            options: std::collections::BTreeMap::new(),
        };
        (Files::open(&config, &folder).unwrap(), folder)
    }

    #[tokio::test]
    async fn a_file_is_whole_or_not_there() {
        let (files, folder) = in_folder();
        // More than one part, so that the parts of a broken one have been on the disk.
        let bytes: Vec<u8> = (0..PART * 2 + 5).map(|at| (at % 251) as u8).collect();
        let stored = files.put("a/b".into(), &bytes[..], u64::MAX).await.unwrap();
        assert_eq!(stored.size_bytes, bytes.len() as i64);
        let read = |range| {
            let files = &files;
            async move {
                let parts: Vec<Bytes> =
                    futures_util::TryStreamExt::try_collect(files.read("a/b", range).await.unwrap()).await.unwrap();
                parts.concat()
            }
        };
        assert!(read(None).await == bytes);
        assert_eq!(read(Some(3..7)).await, bytes[3..7]);
        assert!(matches!(files.put("a/c".into(), &bytes[..], bytes.len() as u64 - 1).await, Err(Refused::TooLarge)));
        let broken = (&bytes[..]).chain(hung_up());
        assert!(matches!(files.put("a/d".into(), broken, u64::MAX).await, Err(Refused::Broken(_))));
        let left: Vec<_> =
            std::fs::read_dir(folder.join("files/a")).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["b"]);
        let empty = files.put("a/e".into(), &[][..], 0).await.unwrap();
        assert_eq!(empty.md5, "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(&empty.sha256[..16], "e3b0c44298fc1c14");
        files.delete("a/b").await.unwrap();
        files.delete("a/b").await.unwrap();
        assert!(files.read("a/b", None).await.is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A body whose sender is gone.
    fn hung_up() -> impl AsyncRead {
        poem::Body::from_bytes_stream(futures_util::stream::iter([Err::<Bytes, _>(io::Error::other("gone"))]))
            .into_async_read()
    }
}
