//! Accounts and keys of programs.

use serde_json::json;

use crate::error::Code::{BadCredentials, EmailTaken, LinkOver, NotFound, VersionMismatch, WrongState};
use crate::json::{
    AccountOut, EmailBody, EmailChangeOut, EmailConfirmBody, KeyBody, KeyOut, ListOut, PasswordBody, PasswordResetOut, RegisterBody,
    ResetBody, ResetConfirmBody, RoleBody, SessionOut,
};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = accounts();
    all.extend(secrets());
    all.extend(keys());
    all
}

fn accounts() -> Vec<Operation> {
    vec![
        post("/user", "register", "Open an account")
            .says("A password that is guessed first is refused with `too_common`.")
            .takes(body::<RegisterBody>, json!({"email": "ada@example.com", "name": "Ada", "password": "correct horse battery"}))
            .gives(201, "The account.", answer::<AccountOut>)
            .written()
            .located()
            .refused(&[EmailTaken]),
        get("/user", "getUser", "Look at the caller's account")
            .gives(200, "The account.", answer::<AccountOut>)
            .read()
            .refused(&[NotFound]),
        post("/user/{id}/role", "setRole", "Give an account a role")
            .takes(body::<RoleBody>, json!({"role": "coordinator"}))
            .gives(200, "The account.", answer::<AccountOut>)
            .written()
            .refused(&[WrongState]),
    ]
}

fn secrets() -> Vec<Operation> {
    vec![
        post("/user/password", "changePassword", "Change the password")
            .says("Every other session of the account ends.")
            .takes(body::<PasswordBody>, json!({"old_password": "correct horse battery", "password": "staple battery horse"}))
            .gives(200, "An access token that writes; those from before do not any more.", answer::<SessionOut>)
            .written()
            .with("Set-Cookie", true)
            .refused(&[BadCredentials, NotFound, VersionMismatch]),
        post("/user/password/reset", "askPasswordReset", "Ask for a link to set a password")
            .says("The answer is the same whether or not there is such an account.")
            .takes(body::<ResetBody>, json!({"email": "ada@example.com"}))
            .gives(202, "Asked for.", answer::<PasswordResetOut>),
        post("/user/password/reset/confirm", "resetPassword", "Set a password with a mailed link")
            .takes(body::<ResetConfirmBody>, json!({"token": "from-the-link", "password": "staple battery horse"}))
            .answers(204, "The password is set, and every session has ended.")
            .with("Boxoffice-Revision", true)
            .refused(&[LinkOver, VersionMismatch]),
        post("/user/email", "askEmailChange", "Ask to change the e-mail")
            .says("Mails a link to the new address.")
            .takes(body::<EmailBody>, json!({"email": "ada@new.example", "password": "correct horse battery"}))
            .gives(202, "Asked for.", answer::<EmailChangeOut>)
            .refused(&[BadCredentials, NotFound]),
        post("/user/email/confirm", "changeEmail", "Take up the new e-mail with a mailed link")
            .takes(body::<EmailConfirmBody>, json!({"token": "from-the-link"}))
            .gives(200, "The account.", answer::<AccountOut>)
            .refused(&[LinkOver, EmailTaken, WrongState, NotFound]),
    ]
}

fn keys() -> Vec<Operation> {
    vec![
        post("/key", "createKey", "Make a key for a program")
            .says("The key is shown once; it is kept as a hash.")
            .takes(body::<KeyBody>, json!({"name": "Gate 7", "scopes": ["scan"], "expires_at": "2031-01-01T00:00:00Z"}))
            .gives(201, "The key.", answer::<KeyOut>)
            .written()
            .located()
            .refused(&[WrongState, NotFound]),
        get("/key", "listKeys", "List the caller's keys").gives(200, "The keys.", answer::<ListOut<KeyOut>>).read().refused(&[NotFound]),
        delete("/key/{id}", "revokeKey", "Revoke a key")
            .says("It stops to work everywhere within five seconds.")
            .answers(204, "Revoked.")
            .with("Boxoffice-Revision", true),
    ]
}
