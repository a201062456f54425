//! Uploads: a multipart form with exactly one field, `file`, read as a stream.
//!
//! The stream ends with an error where the client stands still, sends more than it may, or adds anything after the
//! file, so that whoever stores it never takes half an upload for a whole one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use multer::{Field, Multipart};
use platform::Error;
use tokio::time::{Instant, Sleep};

use super::body::{content_length, refuse_content_encoding};
use crate::file_names;
use crate::problem::{Fault, Problem};
use crate::state::Api;

/// What the form may weigh besides its file: boundaries and the field's own head.
const FORM_BYTES_MAX: u64 = 64 * 1024;
const FIELD: &str = "file";

/// A file that is being uploaded.
pub struct Upload {
    /// What the client calls it, cleaned.
    pub file_name: String,
    /// Its bytes, as they come.
    pub content: BoxStream<'static, Result<Bytes, Error>>,
}

impl FromRequest<Api> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let limits = &api.config.limits;
        let (parts, body) = request.into_parts();
        refuse_content_encoding(&parts.headers)?;
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary =
            content_type.and_then(|value| multer::parse_boundary(value).ok()).ok_or_else(|| {
                Problem::unsupported_media_type("Send the file as multipart/form-data, in the field `file`.")
            })?;
        let bytes_max = limits.upload_bytes_max.saturating_add(FORM_BYTES_MAX);
        if content_length(&parts.headers).is_some_and(|length| length > bytes_max) {
            return Err(Problem::too_large(limits.upload_bytes_max));
        }
        let meter = Arc::new(Meter::new(bytes_max));
        let source = Source::new(body, limits.upload_idle_timeout, limits.upload_timeout, Arc::clone(&meter));
        let mut form = Multipart::new(source, boundary);
        let field = next_field(&mut form, &meter).await?.ok_or_else(missing_file)?;
        if field.name() != Some(FIELD) {
            return Err(unexpected_field(field.name()));
        }
        let file_name = file_names::cleaned(field.file_name());
        Ok(Upload { file_name, content: content(form, field, meter) })
    }
}

/// The bytes of `field`, and then the proof that nothing follows it.
fn content(
    form: Multipart<'static>,
    field: Field<'static>,
    meter: Arc<Meter>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let state = (form, Some(field), meter);
    let chunks = stream::try_unfold(state, async |(mut form, field, meter)| {
        let Some(mut field) = field else { return Ok(None) };
        if let Some(chunk) = field.chunk().await.map_err(error_of)? {
            return Ok(Some((chunk, (form, Some(field), meter))));
        }
        drop(field);
        meter.expect_form();
        match form.next_field().await.map_err(error_of)? {
            None => Ok(None),
            Some(_) => Err(Error::BadUpload {
                code: "unexpected_field",
                message: "the form has more than the field `file`".to_owned(),
            }),
        }
    });
    chunks.boxed()
}

async fn next_field(form: &mut Multipart<'static>, meter: &Meter) -> Result<Option<Field<'static>>, Error> {
    meter.expect_form();
    let field = form.next_field().await.map_err(error_of)?;
    meter.expect_file();
    Ok(field)
}

fn missing_file() -> Problem {
    Problem::invalid(vec![Fault::field(FIELD, "The form has no field `file`.")])
}

fn unexpected_field(name: Option<&str>) -> Problem {
    let name = file_names::cleaned(name);
    Problem::invalid(vec![Fault::field(name, "The form has exactly one field, `file`.")])
}

fn error_of(error: multer::Error) -> Error {
    let (code, message) = match &error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<SourceError>() {
            Some(SourceError::Stalled) => ("upload_too_slow", cause.to_string()),
            Some(SourceError::TooLarge) => ("too_large", cause.to_string()),
            Some(SourceError::Broken) | None => ("upload_interrupted", SourceError::Broken.to_string()),
        },
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => ("upload_interrupted", SourceError::Broken.to_string()),
        _ => ("bad_form", format!("the form cannot be read: {error}")),
    };
    Error::BadUpload { code, message }
}

/// Why a request's body gives no more bytes.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error("the upload is too slow")]
    Stalled,
    #[error("the upload is larger than it may be")]
    TooLarge,
    #[error("the upload broke off")]
    Broken,
}

/// How many bytes have come, and how many may. While the parser looks for a field's head it keeps all it gets, so
/// that the head must come soon; a file's bytes pass through.
struct Meter {
    received: AtomicU64,
    ceiling: AtomicU64,
    bytes_max: u64,
}

impl Meter {
    fn new(bytes_max: u64) -> Meter {
        Meter { received: AtomicU64::new(0), ceiling: AtomicU64::new(bytes_max), bytes_max }
    }

    fn expect_form(&self) {
        let ceiling = self.received.load(Ordering::Relaxed).saturating_add(FORM_BYTES_MAX);
        self.ceiling.store(ceiling.min(self.bytes_max), Ordering::Relaxed);
    }

    fn expect_file(&self) {
        self.ceiling.store(self.bytes_max, Ordering::Relaxed);
    }

    /// Counts, and tells whether the bytes received before these were still allowed. The bytes that cross the
    /// ceiling may hold the field's head together with the file's beginning.
    fn admits(&self, bytes: u64) -> bool {
        let before = self.received.fetch_add(bytes, Ordering::Relaxed);
        before <= self.ceiling.load(Ordering::Relaxed) && before.saturating_add(bytes) <= self.bytes_max
    }
}

/// A request's body with an end to its patience.
struct Source {
    body: BodyDataStream,
    idle_timeout: Duration,
    /// When it is too late, however lively the client.
    end: Instant,
    deadline: Pin<Box<Sleep>>,
    meter: Arc<Meter>,
    is_resting: bool,
}

impl Source {
    fn new(body: Body, idle_timeout: Duration, timeout: Duration, meter: Arc<Meter>) -> Source {
        let end = Instant::now() + timeout;
        let deadline = Box::pin(tokio::time::sleep(idle_timeout));
        Source { body: body.into_data_stream(), idle_timeout, end, deadline, meter, is_resting: false }
    }
}

impl Stream for Source {
    type Item = Result<Bytes, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The parser gathers whatever is ready before it looks at any of it. Resting after each chunk keeps what
        // it holds to one chunk, however fast the client is.
        if std::mem::take(&mut self.is_resting) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                let now = Instant::now();
                let deadline = now + self.idle_timeout;
                self.deadline.as_mut().reset(deadline);
                self.is_resting = true;
                Poll::Ready(Some(if now > self.end {
                    Err(SourceError::Stalled)
                } else if self.meter.admits(chunk.len() as u64) {
                    Ok(chunk)
                } else {
                    Err(SourceError::TooLarge)
                }))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(SourceError::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.deadline.as_mut().poll(context).map(|()| Some(Err(SourceError::Stalled))),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    const BOUNDARY: &str = "xyz";

    fn form_of(parts: &[(&str, &str)]) -> String {
        let mut form = String::new();
        for (name, content) in parts {
            form += &format!(
                "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\n\r\n{content}\r\n"
            );
        }
        form + "--xyz--\r\n"
    }

    async fn read(body: Body, bytes_max: u64) -> Result<Vec<u8>, Error> {
        let meter = Arc::new(Meter::new(bytes_max));
        let hour = Duration::from_secs(3600);
        let source = Source::new(body, Duration::from_millis(50), hour, Arc::clone(&meter));
        let mut form = Multipart::new(source, BOUNDARY);
        let field = next_field(&mut form, &meter).await?.unwrap();
        content(form, field, meter)
            .try_fold(Vec::new(), async |mut all, chunk| {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
    }

    fn code(result: Result<Vec<u8>, Error>) -> &'static str {
        match result.unwrap_err() {
            Error::BadUpload { code, .. } => code,
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_file_comes_through_whole() {
        let body = Body::from(form_of(&[("file", "a,b\n1,2\n")]));
        assert_eq!(read(body, 1000).await.unwrap(), b"a,b\n1,2\n");
    }

    #[tokio::test]
    async fn a_second_field_spoils_the_upload() {
        let body = Body::from(form_of(&[("file", "a"), ("note", "b")]));
        assert_eq!(code(read(body, 1000).await), "unexpected_field");
    }

    #[tokio::test]
    async fn a_broken_upload_is_not_a_short_file() {
        let whole = form_of(&[("file", "a,b\n1,2\n")]);
        let body = Body::from(whole[..whole.len() - 8].to_owned());
        assert_eq!(code(read(body, 1000).await), "upload_interrupted");
    }

    #[tokio::test]
    async fn a_stalled_upload_ends() {
        let head = Bytes::from_static(b"--xyz\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc");
        let chunks = stream::iter([Ok::<_, std::io::Error>(head)]).chain(stream::pending());
        assert_eq!(code(read(Body::from_stream(chunks), 1000).await), "upload_too_slow");
    }

    #[tokio::test]
    async fn an_upload_over_the_limit_ends() {
        let chunks = stream::iter(form_of(&[("file", &"x".repeat(2000))]).into_bytes())
            .map(|byte| Ok::<_, std::io::Error>(Bytes::from(vec![byte])));
        assert_eq!(code(read(Body::from_stream(chunks), 1000).await), "too_large");
    }

    #[tokio::test]
    async fn an_endless_head_of_a_field_ends() {
        let line = Bytes::from(vec![b'x'; 8192]);
        let head = Bytes::from_static(b"--xyz\r\nContent-Disposition: ");
        let chunks = stream::iter([head]).chain(stream::repeat(line)).map(Ok::<_, std::io::Error>);
        assert_eq!(code(read(Body::from_stream(chunks), 1 << 30).await), "too_large");
    }
}
