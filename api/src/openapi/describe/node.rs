//! Nodes: what operators, load balancers and browsers ask for.

use serde_json::json;

use crate::error::Code::{EmailTaken, Forbidden, LinkOver, NotFound, NotReady, TooOften, TooSoon, Unauthenticated, WrongState};
use crate::json::{
    AccountOut, AuditOut, ClaimBody, ClaimOut, DigestOut, GroupCheckOut, HealthOut, KeySetOut, LogOut, NodeOut, ReadyOut, SigningKeyOut,
};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::schemas::{SchemaOf, answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = cluster();
    all.extend(nodes());
    all.extend(pages());
    all
}

fn cluster() -> Vec<Operation> {
    vec![
        get("/admin/claim", "getClaim", "See whether the cluster has had its first admin").local().gives(
            200,
            "Whether it has.",
            answer::<ClaimOut>,
        ),
        post("/admin/claim", "claimCluster", "Become the first admin")
            .says("With the token of the link that the nodes print.")
            .takes(
                body::<ClaimBody>,
                json!({"token": "from-the-link", "email": "ada@example.com", "name": "Ada", "password": "correct horse battery"}),
            )
            .gives(201, "The account.", answer::<AccountOut>)
            .written()
            .refused(&[LinkOver, EmailTaken, WrongState]),
        post("/admin/key/rotate", "rotateSigningKey", "Sign access tokens with a new key")
            .says("Tokens of the old key are good until they end.")
            .gives(200, "The new key.", answer::<SigningKeyOut>)
            .written()
            .refused(&[WrongState, TooSoon, TooOften]),
        get("/admin/audit", "getAudit", "Read the audit trail of a group")
            .gives(200, "A page of the trail; each entry's hash covers the one before.", answer::<AuditOut>)
            .read()
            .paged()
            .refused(&[NotFound]),
        get("/.well-known/jwks.json", "getJwks", "Get the keys that sign access tokens").local().gives(
            200,
            "A JWK set.",
            answer::<KeySetOut>,
        ),
    ]
}

fn nodes() -> Vec<Operation> {
    vec![
        get("/digest/{group}", "getDigest", "Get the digest of a group's state")
            .says("Equal on all replicas at the same index.")
            .local()
            .gives(200, "The digest.", answer::<DigestOut>),
        get("/check/{group}", "checkGroup", "Check a node's copy of a group")
            .says("Everything that must hold of it, worked out anew from its records, on a frozen copy: booking goes on.")
            .local()
            .gives(200, "What was found.", answer::<GroupCheckOut>),
        get("/log/{group}", "getLog", "Read entries of a group's log")
            .says("Commands by name, with the ids of what they are about. Without hashes, passwords, tokens and addresses.")
            .local()
            .gives(200, "A page of entries, the oldest first.", answer::<LogOut>),
        get("/status", "getStatus", "See how this node stands").local().gives(200, "The node.", answer::<NodeOut>),
        get("/healthz", "getHealth", "See whether the process is up").local().gives(200, "It is.", answer::<HealthOut>),
        get("/metrics", "getMetrics", "Read this node's metrics")
            .says("For Prometheus (OpenMetrics text). Operators, and whoever asks from a trusted network.")
            .local()
            .answers(200, "The metrics.")
            .media("application/openmetrics-text", |_| json!({"type": "string"}))
            .refused(&[Unauthenticated, Forbidden]),
        get("/readyz", "getReadiness", "See whether this node should get traffic")
            .local()
            .gives(200, "It should.", answer::<ReadyOut>)
            .refused(&[NotReady]),
    ]
}

fn pages() -> Vec<Operation> {
    let html: SchemaOf = |_| json!({"type": "string", "contentMediaType": "text/html"});
    let document: SchemaOf = |_| json!({"type": "object", "required": ["openapi", "info", "paths"]});
    vec![
        get("/", "getPage", "Open the page").local().answers(200, "The page.").media("text/html", html).tagged(),
        get("/docs", "getDocs", "Read this document in a browser")
            .says("Works offline: it loads nothing from elsewhere.")
            .local()
            .answers(200, "The page.")
            .media("text/html", html)
            .tagged(),
        get("/openapi.json", "getOpenApi", "Get this document").local().gives(200, "The document.", document).tagged(),
        get("/problem/{code}", "getProblem", "Read what a problem is and what to do about it")
            .local()
            .answers(200, "A page for people.")
            .media("text/html", html),
    ]
}
