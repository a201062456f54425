//! A result on its way to the client.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use platform::Error;
use platform::predictions::{ResultContent, ResultDownload};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::file_names;
use crate::state::Api;

/// Pieces in which a rewritten result is sent, and how many wait for a slow client.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_WAITING_MAX: usize = 4;

/// The result, byte for byte.
pub fn as_stored(download: ResultDownload) -> Response {
    let length = HeaderValue::from(download.bytes);
    let body = match download.content {
        ResultContent::Bytes(bytes) => Body::from(bytes),
        ResultContent::Stream(stream) => Body::from_stream(stream),
    };
    let mut response = csv(&download.file_name, body);
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// The result with `'` before text cells that a spreadsheet would take for a formula.
///
/// It is rewritten on a thread of its own while it is sent, which a slow client can hold up; beyond a number of
/// such threads the answer is that this is busy.
pub fn spreadsheet_safe(api: &Api, download: ResultDownload) -> Result<Response, Error> {
    let permit = Arc::clone(&api.rewriting).try_acquire_owned().map_err(|_| Error::Busy)?;
    let source = match download.content {
        ResultContent::Bytes(bytes) => stream::iter([Ok(bytes)]).boxed(),
        ResultContent::Stream(stream) => stream,
    };
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    let input = SyncIoBridge::new(StreamReader::new(source.map_err(io::Error::other)));
    tokio::task::spawn_blocking(move || {
        let mut output = BufWriter::with_capacity(PIECE_BYTES, PieceSender(sender));
        let done = scoring::spreadsheet_safe(download.delimiter, input, &mut output);
        let done = done.and_then(|()| output.flush());
        if let Err(error) = done {
            // The client must not take what it has for the whole; where it is gone, nobody is told.
            let _ = output.get_ref().0.blocking_send(Err(error));
        }
        drop(permit);
    });
    let pieces =
        stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    Ok(csv(&download.file_name, Body::from_stream(pieces)))
}

/// The headers of a download that no browser shows, runs or keeps.
fn csv(input_name: &str, body: Body) -> Response {
    let disposition = file_names::attachment(&file_names::of_result(input_name));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, disposition),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

/// Hands what is written to the answer's body.
struct PieceSender(mpsc::Sender<io::Result<Bytes>>);

impl Write for PieceSender {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(buffer);
        self.0.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
