//! The field app as files: `server/web/dist`, built into the program, packed once.
//!
//! Names never change, so browsers ask each time whether a file did, and get no bytes if not; the app's service worker
//! keeps what it needs offline. Not here: what the app does (`server/web`), and any answer of the API, which no cache keeps.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use actix_web::http::header::{self, AcceptEncoding, Encoding, EntityTag, Header as _};
use actix_web::web::{self, Bytes, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

use crate::service::error::{Code, Result, ServiceError};

/// Scripts of this server and the WASM they start; pictures and sound that the person just took; nothing from elsewhere.
/// No text becomes markup or a script's address but by the one policy of the app's `trusted.ts`.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types default";
/// A form may ask for a picture, a sound or a place; nobody else may.
const PERMISSIONS: &str = "camera=(self), geolocation=(self), microphone=(self)";
/// Where the files lie when the program is built.
const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist");
/// Of zstd: packed once a process, unpacked on phones.
const ZSTD_LEVEL: i32 = 19;

/// One file.
struct File {
    name: &'static str,
    built_in: &'static [u8],
    packed: OnceLock<Packed>,
}

/// A file in every form in which it is sent.
#[derive(Clone)]
struct Packed {
    /// Of the content, whatever the packing.
    tag: String,
    plain: Bytes,
    gzip: Bytes,
    zstd: Bytes,
}

impl Packed {
    fn new(content: &[u8]) -> io::Result<Self> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(content)?;
        let hash = hex::encode(Sha256::digest(content));
        Ok(Self {
            tag: hash[..32].to_owned(),
            gzip: gzip.finish()?.into(),
            zstd: zstd::bulk::compress(content, ZSTD_LEVEL)?.into(),
            plain: Bytes::copy_from_slice(content),
        })
    }

    /// The smallest form that the asker reads.
    fn for_reader(&self, accepts: Option<&AcceptEncoding>) -> (&'static str, &Bytes) {
        let forms = [
            (Encoding::zstd(), "zstd", &self.zstd),
            (Encoding::gzip(), "gzip", &self.gzip),
            (Encoding::identity(), "identity", &self.plain),
        ];
        let chosen = accepts.and_then(|a| a.negotiate(forms.iter().map(|(coding, ..)| coding)));
        let found = forms
            .into_iter()
            .find(|(coding, ..)| Some(coding) == chosen.as_ref());
        found.map_or(("identity", &self.plain), |(_, name, bytes)| (name, bytes))
    }
}

impl File {
    /// The file, packed when it is first asked for. While the program is developed: as it lies on the disk now.
    fn packed(&self) -> io::Result<Packed> {
        if cfg!(debug_assertions)
            && let Ok(content) = std::fs::read(Path::new(DIST).join(self.name))
        {
            return Packed::new(&content);
        }
        if let Some(packed) = self.packed.get() {
            return Ok(packed.clone());
        }
        let packed = Packed::new(self.built_in)?;
        Ok(self.packed.get_or_init(|| packed).clone())
    }
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(File {
            name: $name,
            built_in: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/", $name)),
            packed: OnceLock::new(),
        }),*]
    };
}

/// Every file there is; a test compares with the folder.
static FILES: [File; FILE_COUNT] = files![
    "app.css",
    "app.js",
    "core.wasm",
    "derive.js",
    "icon-192.png",
    "icon-512.png",
    "icon.svg",
    "index.html",
    "manifest.webmanifest",
    "plain-192.png",
    "plain-512.png",
    "plain.svg",
    "plain.webmanifest",
    "sw.js",
];
const FILE_COUNT: usize = 14;

/// The addresses of the app.
pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/enrol").get(front))
        .service(resource("/field").get(front))
        .service(resource("/field/").get(index))
        .service(resource("/field/{file}").get(file));
}

/// To the app. The browser takes along what stands behind the `#` of an enrolment link; nobody sees it on the way.
async fn front() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "/field/"))
        .finish()
}

async fn index(request: HttpRequest) -> Result<HttpResponse> {
    answer(&request, "index.html").await
}

async fn file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse> {
    answer(&request, &name).await
}

async fn answer(request: &HttpRequest, name: &str) -> Result<HttpResponse> {
    let file = FILES.iter().find(|file| file.name == name);
    let file = file.ok_or_else(|| ServiceError::from(Code::RouteUnknown))?;
    let packed = web::block(|| file.packed()).await;
    let packed = packed
        .map_err(|_| ServiceError::from(Code::Overloaded))?
        .map_err(|e| ServiceError::from(Code::Internal).because(e.to_string()))?;
    // Weak: one tag for all packings of a file.
    let tag = EntityTag::new_weak(packed.tag.clone());
    let has_it = has(request, &tag);
    let mut response = match has_it {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header(header::ETag(tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::PERMISSIONS_POLICY, PERMISSIONS));
    if has_it {
        return Ok(response.finish());
    }
    let accepts = AcceptEncoding::parse(request).ok();
    let (coding, bytes) = packed.for_reader(accepts.as_ref());
    Ok(response
        .insert_header((header::CONTENT_TYPE, media_type(file.name)))
        .insert_header((header::CONTENT_ENCODING, coding))
        .body(bytes.clone()))
}

/// Whether the asker has this very file.
fn has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match header::IfNoneMatch::parse(request) {
        Ok(header::IfNoneMatch::Items(tags)) => tags.iter().any(|its| its.weak_eq(tag)),
        Ok(header::IfNoneMatch::Any) => true,
        Err(_) => false,
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_build_is_served() {
        let listed: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        let there = std::fs::read_dir(DIST).unwrap();
        let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // Of what the build was made: for the test that looks whether it is stale.
        let there: BTreeSet<String> = there.filter(|name| name != "inputs.sha256").collect();
        assert_eq!(listed, there);
        let unknown = "application/octet-stream";
        assert!(listed.iter().all(|name| media_type(name) != unknown));
    }
}
