//! Everything of a tenant as one tar archive, sent while it is made: the lists as they are at one
//! moment, then every file that is kept, in bounded memory.

mod lists;
pub mod spreadsheet;
mod tar;

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use platform::export::{self, ExportedFile};
use platform::{Access, Error, Platform};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::io::ReaderStream;

use crate::state::Api;
use lists::List;

/// Pieces of an archive that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

/// Why an archive ends before its end.
enum Stopped {
    /// The client went away.
    Unheard,
    /// Something failed; the client must not take what it has for the whole.
    Failed(String),
}

/// An archive of the caller's tenant, whose lists have been read already.
///
/// # Errors
/// [`Error::Busy`] where too many exports are under way; [`Error::Forbidden`] for a read-only key.
pub async fn archive(
    api: &Api,
    access: Access,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, Error> {
    let permit = api.exporting.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    let lists = lists::collect(api, &access).await?;
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    tokio::spawn(send(api.platform.clone(), access, lists, Archive(sender), permit));
    Ok(stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver))))
}

async fn send(
    platform: Platform,
    access: Access,
    lists: Vec<List>,
    archive: Archive,
    permit: OwnedSemaphorePermit,
) {
    if let Err(Stopped::Failed(error)) = archive.write(&platform, &access, lists).await {
        tracing::warn!(error, "An export was broken off.");
        let _ = archive.0.send(Err(io::Error::other("the export was broken off"))).await;
    }
    drop(permit);
}

/// An archive on its way to the client.
struct Archive(mpsc::Sender<io::Result<Bytes>>);

impl Archive {
    async fn write(&self, platform: &Platform, access: &Access, lists: Vec<List>) -> Result<(), Stopped> {
        for list in lists {
            let content = ReaderStream::new(list.file).map(|piece| piece.map_err(|error| error.to_string()));
            self.file(list.name, list.bytes, chrono::Utc::now(), content).await?;
        }
        // Each page asks again whether the caller may read: a key that was revoked ends the export.
        let mut page = export::files(platform, access, None).await?;
        while let Some(last) = page.last() {
            let next = export::files(platform, access, Some(last)).await?;
            for files in page {
                let id = files.prediction;
                self.stored(&format!("inputs/{id}"), files.input(platform).await?).await?;
                self.stored(&format!("results/{id}.csv"), files.result(platform).await?).await?;
            }
            page = next;
        }
        let mut page = export::training_files(platform, access, None).await?;
        while let Some(last) = page.last() {
            let next = export::training_files(platform, access, Some(last)).await?;
            for files in page {
                let id = files.training;
                self.stored(&format!("trainings/{id}/customers"), files.input(platform).await?).await?;
                self.stored(&format!("trainings/{id}/model.json"), files.model(platform).await?).await?;
                self.stored(&format!("trainings/{id}/report.html"), files.report(platform).await?).await?;
            }
            page = next;
        }
        self.piece(tar::end()).await
    }

    async fn stored(&self, name: &str, file: Option<ExportedFile>) -> Result<(), Stopped> {
        let Some(file) = file else { return Ok(()) };
        let content = file.content.map(|piece| piece.map_err(|error| error.to_string()));
        self.file(name, file.bytes, file.modified_at, content).await
    }

    async fn file(
        &self,
        name: &str,
        bytes: u64,
        modified_at: chrono::DateTime<chrono::Utc>,
        content: impl Stream<Item = Result<Bytes, String>> + Send,
    ) -> Result<(), Stopped> {
        self.piece(tar::header(name, bytes, modified_at)).await?;
        let mut content = std::pin::pin!(content);
        let mut sent = 0;
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(Stopped::Failed)?;
            sent += piece.len() as u64;
            self.piece(piece).await?;
        }
        if sent != bytes {
            return Err(Stopped::Failed(format!("{name} has {sent} bytes and not {bytes}")));
        }
        self.piece(tar::padding(bytes)).await
    }

    async fn piece(&self, piece: impl Into<Bytes>) -> Result<(), Stopped> {
        let piece = piece.into();
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Stopped::Unheard)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error.to_string())
    }
}
