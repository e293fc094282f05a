//! Pages that many look at, rendered once a version and served from memory: an event, its seat map, its calendar entry.
//!
//! ```text
//! request -> how far is this node? -> is the kept sheet's stamp still the event's? -- yes --> its bytes, with that revision
//!                                                                                  -- no ---> render once for all who wait
//! ```
//! Apply moves an event's mark before the node says that it has applied the entry. So a sheet whose stamp has not moved after the
//! node's reach was read shows everything up to there, however long ago it was rendered: the same bytes serve a reader who takes
//! what is here, one who has seen a revision elsewhere, and one who asks for a linearizable answer.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use boxoffice_ledger::ids::EventId;
use bytes::Bytes;

use crate::backend::{Freshness, Reach};
use crate::call::Call;
use crate::coding::Coding;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, Expand};
use crate::kept::Kept;
use crate::marks::{Mark, Stamp};
use crate::route::{Outcome, PUBLIC_FOR_A_MOMENT};

/// Whole seat maps that are kept; one of a stadium has 30 kB.
const MAPS_MAX: usize = 512;
/// Other sheets that are kept; each has a few kB.
const PAGES_MAX: usize = 8192;

/// What a sheet shows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Its JSON, with these references whole.
    Event(Expand),
    /// schema.org.
    LinkedData,
    /// iCalendar.
    Calendar,
    /// Its seats.
    Map,
}

impl Kind {
    fn media(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Event(_) | Self::Map => "application/json",
            Self::LinkedData => "application/ld+json",
            Self::Calendar => "text/calendar; charset=utf-8",
        })
    }

    /// What the choice among representations of the same path depends on.
    fn vary(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Map => "accept-encoding",
            _ => "accept, accept-encoding",
        })
    }
}

/// A body that was just written.
pub struct Drawn {
    /// It.
    pub body: Vec<u8>,
    /// The version of the object, which leads the ETag where a change wants it in If-Match.
    pub version: Option<u64>,
    /// Whether everybody may see it. Otherwise it is not kept.
    pub public: bool,
}

/// A body in one coding.
struct Variant {
    coding: Coding,
    bytes: Bytes,
    tag: HeaderValue,
}

impl Variant {
    fn new(coding: Coding, bytes: Bytes, tag: &str) -> Self {
        let tag = match coding {
            Coding::Identity => format!("\"{tag}\""),
            Coding::Gzip => format!("\"{tag}-gzip\""),
            Coding::Zstd => format!("\"{tag}-zstd\""),
        };
        Self { coding, bytes, tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

/// A rendered page with its codings; each is packed when it is first asked for.
pub struct Sheet {
    mark: Arc<Mark>,
    stamp: Stamp,
    /// The same on every node that shows the same.
    tag: String,
    plain: Variant,
    gzip: OnceLock<Option<Variant>>,
    zstd: OnceLock<Option<Variant>>,
    public: bool,
}

impl Sheet {
    fn new(mark: Arc<Mark>, stamp: Stamp, drawn: Drawn) -> Self {
        let hash = blake3::hash(&drawn.body).to_hex();
        let tag = match drawn.version {
            Some(version) => format!("{version}-{}", &hash[..16]),
            None => hash[..16].to_owned(),
        };
        let plain = Variant::new(Coding::Identity, drawn.body.into(), &tag);
        Self { mark, stamp, tag, plain, gzip: OnceLock::new(), zstd: OnceLock::new(), public: drawn.public }
    }

    fn variant(&self, coding: Coding) -> &Variant {
        let packed = match coding {
            Coding::Identity => return &self.plain,
            Coding::Gzip => &self.gzip,
            Coding::Zstd => &self.zstd,
        };
        let pack = || coding.pack(&self.plain.bytes).map(|bytes| Variant::new(coding, bytes, &self.tag));
        packed.get_or_init(pack).as_ref().unwrap_or(&self.plain)
    }
}

/// The sheets of a node.
pub struct Sheets {
    maps: Kept<EventId, Arc<Sheet>>,
    pages: Kept<(EventId, Kind), Arc<Sheet>>,
}

impl Default for Sheets {
    fn default() -> Self {
        Self { maps: Kept::new(MAPS_MAX), pages: Kept::new(PAGES_MAX) }
    }
}

impl Sheets {
    fn kept(&self, event: EventId, kind: Kind) -> Option<Arc<Sheet>> {
        match kind {
            Kind::Map => self.maps.get(&event),
            _ => self.pages.get(&(event, kind)),
        }
    }

    fn keep(&self, event: EventId, kind: Kind, sheet: &Arc<Sheet>) {
        match kind {
            Kind::Map => self.maps.put(event, Arc::clone(sheet)),
            _ => self.pages.put((event, kind), Arc::clone(sheet)),
        }
    }
}

/// Answers with a sheet: the kept one, or one that `draw` writes.
///
/// # Errors
/// What the backend says, and what `draw` does.
pub async fn answer(
    edge: &Arc<Edge>,
    call: &Call,
    event: EventId,
    kind: Kind,
    draw: impl AsyncFnOnce() -> Result<Drawn, HttpProblem>,
) -> Outcome {
    let cx = call.fresh(Freshness::Local);
    // Before the sheet is looked at: see the module.
    let reach = match cx.freshness {
        Freshness::Local => edge.backend.reach(event),
        _ => edge.backend.reached(cx, event).await?,
    };
    let marks = edge.hub.marks();
    let usable = |sheet: &Arc<Sheet>| marks.stamp(&sheet.mark) == sheet.stamp;
    if let Some(sheet) = edge.sheets.kept(event, kind).filter(usable) {
        return Ok(written(call, kind, &sheet, reach));
    }
    let mark = marks.of(event);
    let _turn = mark.rendering.lock().await;
    if let Some(sheet) = edge.sheets.kept(event, kind).filter(usable) {
        return Ok(written(call, kind, &sheet, reach));
    }
    let stamp = marks.stamp(&mark);
    let sheet = Arc::new(Sheet::new(Arc::clone(&mark), stamp, draw().await?));
    if sheet.public {
        edge.sheets.keep(event, kind, &sheet);
    }
    Ok(written(call, kind, &sheet, reach))
}

fn written(call: &Call, kind: Kind, sheet: &Sheet, reach: Reach) -> Response<Body> {
    let variant = sheet.variant(Coding::asked(&call.parts.headers));
    let mut response = if call.has_tag(variant.tag.as_bytes()) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = axum::http::StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(variant.bytes.clone()))
    };
    let changed = response.status() == axum::http::StatusCode::OK;
    let headers = response.headers_mut();
    headers.reserve(json::HEADERS_USUAL);
    if changed {
        headers.insert(header::CONTENT_TYPE, kind.media());
        if let Some(coding) = variant.coding.header() {
            headers.insert(header::CONTENT_ENCODING, coding);
        }
    }
    headers.insert(header::ETAG, variant.tag.clone());
    headers.insert(header::VARY, kind.vary());
    if matches!(kind, Kind::Event(_)) && sheet.public {
        sheet.mark.view();
    }
    // Whoever asks for more than what is here asks this node, not a cache on the way.
    if sheet.public && call.freshness.is_none() {
        headers.insert(header::CACHE_CONTROL, PUBLIC_FOR_A_MOMENT);
    }
    match kind {
        Kind::Map => json::put_read(headers, reach.sale, reach.age_ms),
        _ => json::put_reach(headers, reach),
    }
    response
}
