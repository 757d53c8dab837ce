//! The console's files, from inside the binary, and the headers that keep a page
//! to itself.
//!
//! *Invariants*
//! - Nothing of another origin is loaded or told: the policy allows this node's own
//!   files and no inline script or style.
//! - Files with a hash in their name are kept by the browser for good; the page
//!   itself is asked for again each time (ETag).
//! - A path under `/v1/` that is no route is never answered with the page.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use primitives::Digest;

use super::pressure::hang_up;
use crate::error::Error;

/// What the console may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Features of the browser that the console uses, and none beside.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), \
clipboard-write=(self), display-capture=(), encrypted-media=(), fullscreen=(self), \
geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), \
midi=(), payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), \
screen-wake-lock=(), serial=(), usb=(), web-share=(), xr-spatial-tracking=()";

/// The files that were there when the node was compiled.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Says how to build the console, where none was built.
const ABSENT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Cordon</title>
<h1>Cordon</h1>
<p>This node was built without its console. Build it with <code>cargo xtask console</code>, then build the node again.</p>
<p lang=\"zh\">此节点编译时未包含控制台。请先运行 <code>cargo xtask console</code>，再重新编译节点。</p>
<p><a href=\"/openapi.json\">openapi.json</a></p>
</html>
";

const INDEX: &str = "index.html";

/// One file, in the forms that it was built in.
struct Asset {
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
    etag: String,
    kind: &'static str,
    immutable: bool,
}

type Assets = BTreeMap<&'static str, Asset>;

static ASSETS: LazyLock<Assets> = LazyLock::new(|| index(FILES));

/// How many files of the console are inside.
pub(super) fn count() -> u32 {
    u32::try_from(FILES.len()).unwrap_or(u32::MAX)
}

fn index(files: &'static [(&'static str, &'static [u8])]) -> Assets {
    let find = |name: String| {
        let found = files.iter().find(|(known, _)| *known == name);
        found.map(|(_, bytes)| *bytes)
    };
    let compressed = |name: &str| {
        let plain = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".br"));
        plain.is_some_and(|plain| find(plain.into()).is_some())
    };
    files
        .iter()
        .filter(|(name, _)| !compressed(name))
        .map(|(name, bytes)| {
            let asset = Asset {
                plain: bytes,
                gzip: find(format!("{name}.gz")),
                brotli: find(format!("{name}.br")),
                etag: Digest::plain(bytes).to_string()[..32].to_owned(),
                kind: kind(name),
                immutable: name.starts_with("assets/"),
            };
            (*name, asset)
        })
        .collect()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Whether a list such as `gzip, br;q=0.9` takes an encoding.
fn takes(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let name = pieces.next().unwrap_or_default();
        let never = pieces.any(|piece| {
            let weight = piece.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        name.eq_ignore_ascii_case(encoding) && !never
    })
}

/// Answers what is no route: a file of the console, or the page itself.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if path.starts_with("/v1/") || path == "/v1" {
        let answer = Error::refused("not-found", "no such route").into_response();
        return if reads { answer } else { hang_up(answer) };
    }
    if !reads {
        return hang_up(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    answer(&ASSETS, path, request.headers())
}

fn answer(assets: &Assets, path: &str, headers: &HeaderMap) -> Response {
    let name = match path.trim_start_matches('/') {
        "" => INDEX,
        name => name,
    };
    if let Some(asset) = assets.get(name) {
        return file(asset, headers);
    }
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let last = path.rsplit('/').next().unwrap_or_default();
    let page = header(ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    if !page || last.contains('.') {
        return Error::refused("not-found", "no such file").into_response();
    }
    match assets.get(INDEX) {
        Some(asset) => file(asset, headers),
        None => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CACHE_CONTROL, "no-store"),
            ];
            (StatusCode::OK, headers, ABSENT).into_response()
        }
    }
}

fn file(asset: &Asset, headers: &HeaderMap) -> Response {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let accepted = header(ACCEPT_ENCODING).unwrap_or_default();
    let (encoding, bytes) = match (asset.brotli, asset.gzip) {
        (Some(brotli), _) if takes(accepted, "br") => (Some("br"), brotli),
        (_, Some(gzip)) if takes(accepted, "gzip") => (Some("gzip"), gzip),
        _ => (None, asset.plain),
    };
    let etag = match encoding {
        Some(encoding) => format!("\"{}-{encoding}\"", asset.etag),
        None => format!("\"{}\"", asset.etag),
    };
    let cache = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known =
        header(IF_NONE_MATCH).is_some_and(|given| given.split(',').any(|tag| tag.trim() == etag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = bytes.into_response();
        let kind = HeaderValue::from_static(asset.kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        if let Some(encoding) = encoding {
            let encoding = HeaderValue::from_static(encoding);
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    response
}

/// Puts the headers on every answer that keep a page, and what it reads, to itself.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if api {
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    static BUILT: &[(&str, &[u8])] = &[
        ("assets/app-1a2b.js", b"let a = 1"),
        ("assets/app-1a2b.js.br", b"br"),
        ("assets/app-1a2b.js.gz", b"gz"),
        ("icon.svg", b"<svg/>"),
        ("index.html", b"<!doctype html>"),
    ];

    fn get(assets: &Assets, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        answer(assets, path, &headers)
    }

    fn value(response: &Response, name: HeaderName) -> Option<&str> {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn a_hashed_file_is_kept_for_good_in_the_form_that_the_browser_takes() {
        let assets = index(BUILT);
        let get = |encoding| {
            get(
                &assets,
                "/assets/app-1a2b.js",
                &[(ACCEPT_ENCODING, encoding)],
            )
        };
        let brotli = get("gzip, deflate, br");
        assert_eq!(value(&brotli, CONTENT_ENCODING), Some("br"));
        assert_eq!(value(&get("gzip, br;q=0"), CONTENT_ENCODING), Some("gzip"));
        assert_eq!(value(&get("identity"), CONTENT_ENCODING), None);
        let cache = value(&brotli, CACHE_CONTROL).unwrap();
        assert!(cache.contains("immutable"), "{cache}");
        let kind = value(&brotli, CONTENT_TYPE).unwrap();
        assert_eq!(kind, "text/javascript; charset=utf-8");
        assert!(!assets.contains_key("assets/app-1a2b.js.br"));
    }

    #[test]
    fn the_page_is_asked_for_again_and_not_sent_again() {
        let assets = index(BUILT);
        let page = get(&assets, "/", &[]);
        assert_eq!(value(&page, CACHE_CONTROL), Some("no-cache"));
        let etag = value(&page, ETAG).unwrap().to_owned();
        let again = get(&assets, "/", &[(IF_NONE_MATCH, &etag)]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(value(&again, ETAG), Some(etag.as_str()));
    }

    #[test]
    fn a_page_of_the_console_is_the_page_and_a_missing_file_is_missing() {
        let assets = index(BUILT);
        let html = [(ACCEPT, "text/html,*/*")];
        assert_eq!(get(&assets, "/cases/1", &html).status(), StatusCode::OK);
        assert_eq!(
            get(&assets, "/cases/1", &[]).status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            get(&assets, "/assets/old.js", &html).status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            get(&assets, "/../secret.txt", &html).status(),
            StatusCode::NOT_FOUND
        );
    }

    #[test]
    fn without_a_console_the_page_says_how_to_build_it() {
        let page = get(&Assets::new(), "/", &[(ACCEPT, "text/html")]);
        assert_eq!(page.status(), StatusCode::OK);
        assert!(ABSENT.contains("cargo xtask console"));
        assert!(!ABSENT.contains("style") && !ABSENT.contains("<script"));
    }

    #[test]
    fn the_policy_allows_nothing_inline_and_no_other_origin() {
        for word in ["unsafe", "http:", "https:", "*"] {
            assert!(!POLICY.contains(word), "{word}");
        }
    }
}
