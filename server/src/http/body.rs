//! Bodies: bounded before and after decompression, and read as JSON without ever quoting what was sent.

use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use tributary_sync_core::wire::message::REQUEST_BYTES_MAX;

use super::intake::Intake;
use crate::service::error::{Code, ErrorItem, Result, ServiceError};

/// The largest JSON body of the API's small requests.
const SMALL_BYTES_MAX: usize = 256 * 1024;
/// A zstd frame that asks for a window above 2^23 = 8 MiB is refused: that much it may decompress to at all.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    /// By its name in `Content-Encoding`.
    fn named(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "identity" | "" => Ok(Self::Plain),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Code::EncodingUnsupported.into()),
        }
    }
}

/// A body as it came, at most 8 MiB; decode it where blocking is allowed.
#[derive(Debug)]
pub struct RawBody {
    bytes: Bytes,
    encoding: Encoding,
}

impl RawBody {
    /// A body as a request with this `Content-Encoding` brings it.
    pub fn packed(bytes: Vec<u8>, content_encoding: &str) -> Result<Self> {
        Ok(Self {
            bytes: bytes.into(),
            encoding: Encoding::named(content_encoding)?,
        })
    }
    /// The body without its compression, at most `limit` bytes.
    pub fn decode(self, limit: usize) -> Result<Bytes> {
        let limit = limit.min(REQUEST_BYTES_MAX);
        let mut out = Vec::new();
        let read = match self.encoding {
            Encoding::Plain if self.bytes.len() <= limit => return Ok(self.bytes),
            Encoding::Plain => return Err(Code::BodyTooLarge.into()),
            Encoding::Gzip => bounded(
                flate2::read::MultiGzDecoder::new(&self.bytes[..]),
                limit,
                &mut out,
            ),
            Encoding::Zstd => zstd(&self.bytes, limit, &mut out),
        };
        // What a decoder says may quote what it read.
        read.map_err(|_| ServiceError::from(Code::BodyMalformed))?;
        if out.len() > limit {
            return Err(Code::BodyTooLarge.into());
        }
        Ok(out.into())
    }
}

/// Reads one byte more than allowed, so that too much is seen without being kept.
fn bounded(decoder: impl Read, limit: usize, out: &mut Vec<u8>) -> io::Result<()> {
    decoder.take(limit as u64 + 1).read_to_end(out).map(drop)
}

fn zstd(bytes: &[u8], limit: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::new(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    bounded(decoder, limit, out)
}

fn encoding(req: &HttpRequest) -> Result<Encoding> {
    let Some(value) = req.headers().get(header::CONTENT_ENCODING) else {
        return Ok(Encoding::Plain);
    };
    let name = value.to_str().map_err(|_| Code::EncodingUnsupported)?;
    Encoding::named(name)
}

async fn receive(payload: web::Payload, intake: Option<Intake>, limit: usize) -> Result<Bytes> {
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let refused = intake.and_then(|intake| intake.refused());
            Err(refused.unwrap_or(Code::BodyMalformed).into())
        }
        Err(_) => Err(Code::BodyTooLarge.into()),
    }
}

fn raw(
    req: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> impl Future<Output = Result<RawBody>> + use<> {
    let encoding = encoding(req);
    let announced = req
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse().ok());
    let payload = web::Payload::from_request(req, payload).into_inner();
    let intake = Intake::of(req);
    async move {
        let encoding = encoding?;
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(Code::BodyTooLarge.into());
        }
        let payload = payload.map_err(|_| ServiceError::from(Code::BodyMalformed))?;
        let bytes = receive(payload, intake, limit).await?;
        Ok(RawBody { bytes, encoding })
    }
}

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

impl FromRequest for RawBody {
    type Error = ServiceError;
    type Future = Extraction<Self>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(raw(req, payload, REQUEST_BYTES_MAX))
    }
}

/// A small JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ServiceError;
    type Future = Extraction<Self>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = req
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok()?.split(';').next())
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/json"));
        let raw = raw(req, payload, SMALL_BYTES_MAX);
        Box::pin(async move {
            if !is_json {
                return Err(Code::ContentTypeUnsupported.into());
            }
            let bytes = raw.await?.decode(SMALL_BYTES_MAX)?;
            read_json(&bytes).map(Json)
        })
    }
}

/// Reads JSON; an error says where and what was expected, never what was found.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let pointer = pointer(e.path());
        json_error(pointer, e.inner())
    })?;
    reader.end().map_err(|e| json_error(String::new(), &e))?;
    Ok(value)
}

fn json_error(pointer: String, error: &serde_json::Error) -> ServiceError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => {
            let (code, detail) = describe(&error.to_string());
            ServiceError::from(Code::FieldInvalid).item(ErrorItem::at(pointer, code, detail))
        }
        serde_json::error::Category::Eof => ServiceError::from(Code::JsonMalformed).item(
            ErrorItem::at(pointer, "json_cut", "The JSON ends too early."),
        ),
        _ => ServiceError::from(Code::JsonMalformed).item(ErrorItem::at(
            pointer,
            "json_syntax",
            format!("Not well-formed JSON at line {line}, column {column}."),
        )),
    }
}

/// What of serde's message may be said: our own words, never those that were sent.
fn describe(message: &str) -> (&'static str, String) {
    let own = message.split(" at line ").next().unwrap_or_default();
    if own.starts_with("missing field") {
        return (
            "field_missing",
            format!("{}.", own.replacen("missing", "Missing", 1)),
        );
    }
    if own.starts_with("duplicate field") {
        return (
            "field_twice",
            format!("{}.", own.replacen("duplicate", "Duplicate", 1)),
        );
    }
    let code = if own.starts_with("unknown field") {
        "field_unknown"
    } else {
        "field_wrong"
    };
    let expected = own.rsplit_once(", expected ").map(|(_, expected)| expected);
    // Lists of names are ours; anything with a quotation mark might not be.
    match expected.filter(|text| !text.contains('"')) {
        Some(expected) if code == "field_unknown" => {
            (code, format!("Not a field of this; expected {expected}."))
        }
        Some(expected) => (code, format!("Expected {expected}.")),
        None => (code, "Not allowed here.".to_owned()),
    }
}

fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => out.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                out.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")))
            }
            Segment::Enum { variant } => out.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read")]
        items: Vec<u32>,
    }

    fn refused(json: &str) -> ServiceError {
        read_json::<Sample>(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_error_says_where_and_never_what() {
        let e = refused(r#"{"items": [1, "her name"]}"#);
        assert_eq!(
            (e.code, e.errors[0].pointer.as_deref()),
            (Code::FieldInvalid, Some("/items/1"))
        );
        assert!(!format!("{e} {:?}", e.errors).contains("her name"), "{e}");
        for json in [
            r#"{"her name": 1}"#,
            r#"{"items": "her name, expected \"her name\""}"#,
            r#"{"items": {"her name": 2}}"#,
        ] {
            let e = refused(json);
            assert!(!e.errors[0].detail.contains("her name"), "{e:?}");
        }
        assert_eq!(refused("{}").errors[0].code, "field_missing");
        assert_eq!(refused(r#"{"items": [1"#).code, Code::JsonMalformed);
        assert_eq!(refused("{} her name").errors[0].code, "field_missing");
        assert_eq!(
            read_json::<u32>(b"1 her name").unwrap_err().code,
            Code::JsonMalformed
        );
        assert_eq!(
            read_json::<String>(b"\"\xff\"").unwrap_err().code,
            Code::JsonMalformed
        );
    }

    #[test]
    fn a_bomb_is_refused_in_little_memory() {
        let zeros = vec![0_u8; 64 * 1024 * 1024];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&zeros).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(&zeros[..], 19).unwrap();
        for (bytes, encoding) in [(gzip, Encoding::Gzip), (zstd, Encoding::Zstd)] {
            let body = RawBody {
                bytes: bytes.into(),
                encoding,
            };
            assert_eq!(
                body.decode(REQUEST_BYTES_MAX).unwrap_err().code,
                Code::BodyTooLarge,
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn compressed_bodies_come_out_whole_and_cut_ones_not_at_all() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"interview").unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(&b"interview"[..], 3).unwrap();
        for (bytes, encoding) in [(gzip, Encoding::Gzip), (zstd, Encoding::Zstd)] {
            let whole = RawBody {
                bytes: bytes.clone().into(),
                encoding,
            };
            assert_eq!(&whole.decode(100).unwrap()[..], b"interview");
            let cut = RawBody {
                bytes: bytes[..bytes.len() - 3].to_vec().into(),
                encoding,
            };
            assert_eq!(cut.decode(100).unwrap_err().code, Code::BodyMalformed);
        }
    }
}
