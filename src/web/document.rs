//! `/openapi.json` and the page that shows it, made from the routes themselves; nothing is loaded from elsewhere.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::Path,
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use utoipa::{
    PartialSchema,
    openapi::{
        ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Response as Described, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    App,
    error::{ApiError, Problem},
};

/// What any route may answer, beside what it says itself.
const ANY: [(&str, &str); 6] = [
    ("400", "Something about the request is not understood"),
    ("401", "A token is needed, or this one is not known"),
    ("403", "Not from where you ask, or not with this token"),
    ("429", "Too much is asked; Retry-After says when to try again"),
    ("500", "Something went wrong here; the log has the request id"),
    ("503", "Not now; Retry-After says when to try again"),
];
/// The page has scripts of its own, and pictures that are written out in its stylesheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Completes what the routes say of themselves.
pub(super) fn complete(api: &mut OpenApi) {
    api.info = InfoBuilder::new()
        .title("bluf")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Threads and their bottom lines, every claim with its quotes."))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("token".to_owned(), RefOr::T(bearer));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post), ("delete", &mut item.delete)] {
            if let Some(operation) = operation {
                operation.operation_id = Some(named(method, path));
                describe(operation);
            }
        }
    }
}

/// What generated clients call an operation: `get_threads_id_summary`.
fn named(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |name, word| format!("{name}_{word}"))
}

fn describe(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, what) in ANY {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(Described::new(what)));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && (status.starts_with('4') || status.starts_with('5'))
            && response.content.is_empty()
        {
            let what = std::mem::take(&mut response.description);
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            *response = ResponseBuilder::new().description(what).content("application/problem+json", problem).build();
        }
    }
    if operation.security.is_none() {
        operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// Where the document and its page are.
pub(super) fn routes(api: OpenApi) -> Router<App> {
    let document: Arc<OnceLock<String>> = Arc::default();
    let json = move || async move {
        let text = document.get_or_init(|| api.to_json().unwrap_or_default()).clone();
        ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "private, max-age=3600")], text)
    };
    let page = |Path(file): Path<String>| async move { file_of_page(&file) };
    Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { file_of_page("") }))
        .route("/docs/{*file}", get(page))
}

fn file_of_page(file: &str) -> Result<Response, ApiError> {
    let config = utoipa_swagger_ui::Config::new(["/openapi.json"]).validator_url("none");
    let found = utoipa_swagger_ui::serve(file, Arc::new(config)).map_err(|e| ApiError::internal(&e))?;
    let found = found.ok_or_else(no_page)?;
    let mut response = ([(CONTENT_TYPE, found.content_type)], found.bytes.into_owned()).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    if found.gzpipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// Nothing is at that address.
pub(super) fn no_page() -> ApiError {
    ApiError::not_found("no_page", "There is nothing at this address; /docs has every one that there is.")
}
