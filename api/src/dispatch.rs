//! From a request to its route: the table of routes as a tree of paths, built once.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Body as _;
use percent_encoding::percent_decode_str;

use crate::edge::Edge;
use crate::error::Code;
use crate::layers;
use crate::router::{ROUTES, Route, Verb};

/// Routes of one path, by method.
type Methods = [Option<&'static Route>; 4];

/// Every path of the table. Building it cannot fail on what comes from outside: the table is a constant, and every test of a route
/// builds the same tree.
static PATHS: LazyLock<matchit::Router<Methods>> = LazyLock::new(|| {
    let mut paths = matchit::Router::new();
    let mut names: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let mut methods = Methods::default();
        for route in ROUTES.iter().filter(|route| route.path == name) {
            methods[route.method as usize] = Some(route);
        }
        paths.insert(name, methods).expect("no two paths of the table clash");
    }
    paths
});

/// The parameters of a path, percent-decoded.
#[derive(Debug, Default)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// A parameter; "" if the path has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// `None` when one is not UTF-8 after decoding, or has control characters.
    fn decode(raw: &matchit::Params<'static, '_>) -> Option<Self> {
        let decode = |(name, value)| {
            let value = percent_decode_str(value).decode_utf8().ok()?;
            if value.chars().any(char::is_control) { None } else { Some((name, value.into_owned())) }
        };
        raw.iter().map(decode).collect::<Option<_>>().map(Self)
    }
}

/// Answers a request that came from this address.
pub async fn answer(edge: &Arc<Edge>, request: Request, from: IpAddr) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    let mut response = match PATHS.at(request.uri().path()) {
        Err(_) => layers::unrouted(edge, &request, Code::NotFound),
        Ok(found) => match verb(request.method()).and_then(|verb| found.value[verb as usize]) {
            Some(route) => {
                let params = Params::decode(&found.params);
                layers::run(edge, route, params, request, from).await
            }
            None => {
                let mut response = layers::unrouted(edge, &request, Code::MethodNotAllowed);
                if response.status() == StatusCode::METHOD_NOT_ALLOWED {
                    response.headers_mut().insert(header::ALLOW, allowed(found.value));
                }
                response
            }
        },
    };
    if head {
        let length = response.body().size_hint().exact();
        if let Some(length) = length.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        *response.body_mut() = Body::empty();
    }
    response
}

fn verb(method: &Method) -> Option<Verb> {
    match *method {
        Method::GET | Method::HEAD => Some(Verb::Get),
        Method::POST => Some(Verb::Post),
        Method::PATCH => Some(Verb::Patch),
        Method::DELETE => Some(Verb::Delete),
        _ => None,
    }
}

/// The Allow header of a path.
fn allowed(methods: &Methods) -> HeaderValue {
    let names = methods.iter().flatten().map(|route| match route.method {
        Verb::Get => "GET, HEAD",
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    });
    HeaderValue::try_from(names.collect::<Vec<_>>().join(", ")).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use crate::tests::harness::Edge;

    #[tokio::test]
    async fn head_is_answered_as_get_without_the_body() {
        let edge = Edge::new();
        let (whole, head) = (edge.get("/healthz").await, edge.send("HEAD", "/healthz", &[], "").await);
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), whole.text.len().to_string());
        assert_eq!(edge.send("HEAD", "/nowhere", &[], "").await.status.as_u16(), 404);
    }
}
