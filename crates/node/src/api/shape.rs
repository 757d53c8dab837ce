//! One shape of errors, whoever answers: what the web framework says of a request that
//! it can't read is brought into the form of the rest, and the description says so of
//! every operation.

use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{
        StatusCode,
        header::{ALLOW, CONNECTION, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::view_error;
use crate::error::Error;

/// Bytes of what the framework says that are passed on.
const SAID_BYTES_MAX: usize = 4 * 1024;

/// Gives the framework's own errors the shape of all others.
pub(super) async fn errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() || is_json(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, SAID_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let (rule, usual) = match status {
        StatusCode::NOT_FOUND => ("not-found", "no such route"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "the route has no such method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the request's body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("content-type", "the body is of another type"),
        _ => ("format", "the request has another form"),
    };
    let said = if said.is_empty() { usual } else { &said };
    let view = view_error(&Error::refused(rule, said));
    let mut response = (status, Json(view)).into_response();
    for name in [ALLOW, CONNECTION] {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// Adds to a description what holds of every operation: the errors' shape, which
/// credentials are taken, and that files are bytes. `open` are the operations that need none.
pub(super) fn describe(mut document: Value, open: &[&str]) -> Value {
    let error = json!({
        "description": "An error, in the one shape of all: docs/api.md says which statuses there are",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ApiError"}}},
    });
    document["components"]["securitySchemes"] = json!({
        "signed": {"type": "apiKey", "in": "header", "name": "Authorization",
            "description": "An officer's signature over the request, or the operator's token"},
    });
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        for (_, operation) in operations.as_object_mut().into_iter().flatten() {
            operation["responses"]["default"] = error.clone();
            for content in ["/requestBody/content", "/responses/200/content"] {
                let file = operation.pointer_mut(content);
                if let Some(file) = file.and_then(|content| content.get_mut("application/zip")) {
                    file["schema"] = json!({"type": "string", "format": "binary"});
                }
            }
            if !open.contains(&path.as_str()) {
                operation["security"] = json!([{"signed": []}]);
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_how_it_fails_and_who_may_ask() {
        let bare = json!({"components": {}, "paths": {
            "/open": {"get": {"responses": {}}},
            "/closed": {"put": {"responses": {"200": {}}, "requestBody": {"content":
                {"application/zip": {"schema": {"type": "array"}}}}}},
        }});
        let whole = describe(bare, &["/open"]);
        let closed = &whole["paths"]["/closed"]["put"];
        assert!(closed["responses"]["200"].is_object());
        assert!(closed["responses"]["default"]["content"].is_object());
        let file = &closed["requestBody"]["content"]["application/zip"]["schema"];
        assert_eq!(file["format"], "binary");
        assert_eq!(closed["security"], json!([{"signed": []}]));
        assert!(whole["paths"]["/open"]["get"]["security"].is_null());
    }
}
