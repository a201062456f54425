//! A result on its way to the client.

use std::io::{self, BufWriter, Seek, Write};
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
use platform::plans::PlanList;
use platform::predictions::{ResultContent, ResultDownload};
use scoring::campaign::Group;
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
    let mut response = csv(file_names::of_result(&download.file_name), body);
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
    Ok(csv(file_names::of_result(&download.file_name), body_of(receiver)))
}

/// A plan's list, of one group or of both, written while it is sent.
pub fn plan_list(
    api: &Api,
    list: PlanList,
    wanted: Option<Group>,
    is_spreadsheet_safe: bool,
) -> Result<Response, Error> {
    let permit = Arc::clone(&api.rewriting).try_acquire_owned().map_err(|_| Error::Busy)?;
    let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    let name = file_names::of_plan(&list.file_name);
    tokio::task::spawn_blocking(move || {
        let mut output = BufWriter::with_capacity(PIECE_BYTES, PieceSender(sender));
        let done = if is_spreadsheet_safe {
            safe_list(&list, wanted, &mut output)
        } else {
            list.write(wanted, &mut output)
        };
        if let Err(error) = done.and_then(|()| output.flush()) {
            // As above: the client must not take what it has for the whole.
            let _ = output.get_ref().0.blocking_send(Err(error));
        }
        drop(permit);
    });
    Ok(csv(name, body_of(receiver)))
}

/// The list is written whole before it is made safe: one writes what the other reads.
fn safe_list(list: &PlanList, wanted: Option<Group>, output: impl Write) -> io::Result<()> {
    let mut plain = tempfile::tempfile()?;
    list.write(wanted, BufWriter::with_capacity(PIECE_BYTES, &mut plain))?;
    plain.rewind()?;
    scoring::spreadsheet_safe(list.delimiter, plain, output)
}

fn body_of(receiver: mpsc::Receiver<io::Result<Bytes>>) -> Body {
    let pieces =
        stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    Body::from_stream(pieces)
}

/// The headers of a download that no browser shows, runs or keeps.
fn csv(name: String, body: Body) -> Response {
    let disposition = file_names::attachment(&name);
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
