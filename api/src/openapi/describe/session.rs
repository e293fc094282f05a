//! Sessions.

use serde_json::json;

use crate::error::Code::{BadCredentials, CrossSite, NotFound};
use crate::json::{ListOut, LoginBody, RefreshBody, SessionEntryOut, SessionOut};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        post("/session", "logIn", "Log in")
            .says("The refresh token comes as a cookie that scripts cannot read, or in the answer if `refresh` asks for that.")
            .takes(body::<LoginBody>, json!({"email": "ada@example.com", "password": "correct horse battery"}))
            .gives(201, "A session with its first access token.", answer::<SessionOut>)
            .with("Set-Cookie", true)
            .refused(&[BadCredentials]),
        get("/session", "listSessions", "List the caller's sessions")
            .gives(200, "The sessions.", answer::<ListOut<SessionEntryOut>>)
            .read()
            .refused(&[NotFound]),
        delete("/session", "logOut", "Log out")
            .says("Ends this session; with `all=true` all of the caller's.")
            .cookie("refresh")
            .answers(204, "Logged out.")
            .with("Set-Cookie", true)
            .with("Boxoffice-Revision", false)
            .refused(&[NotFound]),
        post("/session/refresh", "refreshSession", "Get a new access token")
            .says("The refresh token is good once; the answer brings the next. One that comes twice ends its session.")
            .cookie("refresh")
            .takes(body::<RefreshBody>, json!({}))
            .gives(200, "A new access token.", answer::<SessionOut>)
            .with("Set-Cookie", true)
            .refused(&[CrossSite]),
        delete("/session/{id}", "endSession", "End one of the caller's sessions")
            .answers(204, "It has ended.")
            .with("Boxoffice-Revision", true),
    ]
}
