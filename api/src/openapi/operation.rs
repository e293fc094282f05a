//! What a description says of one route, and how it is written down: a chain of short calls.

use serde_json::{Map, Value, json};

use super::schemas::{SchemaOf, Schemas};
use crate::error::Code;
use crate::router::Verb;

/// A description of a route.
pub struct Operation {
    /// Method.
    pub verb: Verb,
    /// Path, as in the table of routes.
    pub path: &'static str,
    /// Name in generated clients; never changes.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// More, in Markdown.
    pub text: &'static str,
    /// Its body with an example.
    pub body: Option<(SchemaOf, Value)>,
    /// Media types of its body, if that is not JSON.
    pub uploads: &'static [&'static str],
    /// What it answers when all is well.
    pub answers: Vec<Answer>,
    /// Problems of its own, beside those that follow from the table.
    pub problems: &'static [Code],
    /// Headers of its own, as (name, required, what it is).
    pub headers: &'static [(&'static str, bool, &'static str)],
    /// The cookie that may stand for a caller on a route that is open to everybody.
    pub cookie: Option<&'static str>,
    /// Whether the answer comes from the node alone, so that freshness means nothing.
    pub is_local: bool,
}

/// An answer when all is well.
pub struct Answer {
    status: u16,
    text: &'static str,
    content: Vec<(&'static str, SchemaOf)>,
    headers: Vec<(&'static str, bool)>,
}

fn operation(verb: Verb, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let (body, answers, cookie) = (None, Vec::new(), None);
    Operation { verb, path, id, summary, text: "", body, uploads: &[], answers, problems: &[], headers: &[], cookie, is_local: false }
}

/// A description of a GET.
pub fn get(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    operation(Verb::Get, path, id, summary)
}

/// A description of a POST.
pub fn post(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    operation(Verb::Post, path, id, summary)
}

/// A description of a PATCH.
pub fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    operation(Verb::Patch, path, id, summary)
}

/// A description of a DELETE.
pub fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    operation(Verb::Delete, path, id, summary)
}

impl Operation {
    /// Says more.
    pub fn says(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// Takes a body.
    pub fn takes(self, schema: SchemaOf, example: Value) -> Self {
        Self { body: Some((schema, example)), ..self }
    }

    /// Takes a file of one of these media types as its body.
    pub fn uploads(self, uploads: &'static [&'static str]) -> Self {
        Self { uploads, ..self }
    }

    /// Takes a header.
    pub fn header(self, headers: &'static [(&'static str, bool, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// Gives JSON.
    pub fn gives(self, status: u16, text: &'static str, schema: SchemaOf) -> Self {
        self.answers(status, text).media("application/json", schema)
    }

    /// Gives an answer, without a body unless [`Operation::media`] follows.
    pub fn answers(mut self, status: u16, text: &'static str) -> Self {
        self.answers.push(Answer { status, text, content: Vec::new(), headers: Vec::new() });
        self
    }

    /// The answer may be of this media type.
    pub fn media(self, kind: &'static str, schema: SchemaOf) -> Self {
        self.answer(|answer| answer.content.push((kind, schema)))
    }

    /// The answer is a read: it carries revision and age.
    pub fn read(self) -> Self {
        self.with("Boxoffice-Revision", true).with("Boxoffice-Age-Ms", true)
    }

    /// The answer is a write: it carries its revision, and whether it is that of an earlier request with the same key.
    pub fn written(self) -> Self {
        self.with("Boxoffice-Revision", true).with("Idempotent-Replayed", false)
    }

    /// The answer comes packed for who takes that.
    pub fn packed(self) -> Self {
        self.with("Vary", false).with("Content-Encoding", false)
    }

    /// The answer says where the new thing is.
    pub fn located(self) -> Self {
        self.with("Location", true)
    }

    /// The answer is a page, with the next one in a Link.
    pub fn paged(self) -> Self {
        self.with("Link", false)
    }

    /// The answer carries an ETag; a read answers 304 to who has it.
    pub fn tagged(self) -> Self {
        let is_read = self.verb == Verb::Get;
        let tagged = self.with("ETag", true);
        if is_read { tagged.answers(304, "What the caller has, by If-None-Match, is current.").with("ETag", true) } else { tagged }
    }

    /// The answer carries a header; whether always.
    pub fn with(self, header: &'static str, always: bool) -> Self {
        self.answer(|answer| answer.headers.push((header, always)))
    }

    /// Can be refused for these reasons, beside those that follow from the table of routes.
    pub fn refused(self, problems: &'static [Code]) -> Self {
        Self { problems, ..self }
    }

    /// A cookie may stand for the caller.
    pub fn cookie(self, name: &'static str) -> Self {
        Self { cookie: Some(name), ..self }
    }

    /// The node alone answers.
    pub fn local(self) -> Self {
        Self { is_local: true, ..self }
    }

    /// Whether callers can say how fresh the answer has to be.
    pub fn has_freshness(&self) -> bool {
        self.verb == Verb::Get && !self.is_local
    }

    /// Whether a read answers 304 to who has the answer already.
    pub fn is_tagged(&self) -> bool {
        self.answers.iter().any(|answer| answer.status == 304)
    }

    fn answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Some(last) = self.answers.last_mut() {
            change(last);
        }
        self
    }

    /// The answers when all is well, by status.
    pub fn success(&self, schemas: &mut Schemas) -> Map<String, Value> {
        self.answers.iter().map(|answer| (answer.status.to_string(), answer.describe(schemas))).collect()
    }
}

impl Answer {
    fn describe(&self, schemas: &mut Schemas) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().chain(&[("X-Request-Id", true)]).map(|&(name, always)| (name.to_owned(), header(name, always))).collect();
        let mut described = json!({"description": self.text, "headers": headers});
        if !self.content.is_empty() {
            let content = self.content.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema(schemas)})));
            described["content"] = content.collect::<Map<String, Value>>().into();
        }
        described
    }
}

/// A reference to a header; the ones that always come have a name of their own.
pub fn header(name: &str, always: bool) -> Value {
    json!({"$ref": format!("#/components/headers/{name}{}", if always { "" } else { "-optional" })})
}

/// What each header of an answer is.
const HEADERS: &[(&str, &str, &str)] = &[
    (
        "Boxoffice-Revision",
        "string",
        "The state that the answer reflects, `<group>:<index>`; two with a comma between them where it shows two groups.",
    ),
    ("Boxoffice-Age-Ms", "integer", "How old the answer may be, in milliseconds."),
    ("Idempotent-Replayed", "string", "`true`: this is the outcome of an earlier request with the same key."),
    ("Location", "string", "Where the new thing is."),
    ("Link", "string", "The next page, with `rel=\"next\"`, if there is one."),
    ("ETag", "string", "The version: for If-None-Match, and for If-Match when changing it."),
    ("Vary", "string", "The request's headers on which the representation depends."),
    ("Content-Encoding", "string", "`gzip` or `zstd`, for who takes it."),
    ("Set-Cookie", "string", "The page's cookies."),
    ("Content-Disposition", "string", "A name for the file."),
    ("X-Request-Id", "string", "The request's name: taken over from the caller, or drawn."),
    ("Retry-After", "integer", "Seconds to wait before the next try."),
    ("RateLimit-Policy", "string", "What is allowed."),
    ("RateLimit", "string", "What is left of it."),
    ("WWW-Authenticate", "string", "How to say who is calling."),
];

/// All headers, each once as always there and once as optional.
pub fn headers() -> Value {
    let both = HEADERS.iter().flat_map(|&(name, kind, text)| {
        let line = |always: bool| json!({"description": text, "required": always, "schema": {"type": kind}});
        [(name.to_owned(), line(true)), (format!("{name}-optional"), line(false))]
    });
    both.collect::<Map<String, Value>>().into()
}
