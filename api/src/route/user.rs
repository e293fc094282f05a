//! Accounts: opening one, its password, its e-mail, its role. Nothing here says whether an e-mail has an account, but opening
//! one does (`docs/decisions/0008`).

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use boxoffice_ledger::accounts::NAME_BYTES_MAX;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{Request, UserId};

use super::{Outcome, session};
use crate::auth::{ROLES, role_of};
use crate::backend::{Freshness, NewAccount};
use crate::call::Call;
use crate::check::{Check, email};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{
    self, AccountOut, EmailBody, EmailChangeOut, EmailConfirmBody, PasswordBody, PasswordResetOut, RegisterBody, ResetBody,
    ResetConfirmBody, RoleBody,
};
use crate::{idempotency, password};

/// `POST /user`
pub async fn register(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: RegisterBody = json::parse(&call.body)?;
    let account = new_account(body.email, body.name, body.password)?;
    // Nobody is logged in yet: the e-mail stands for the caller, so that strangers' keys never meet.
    let request = request_of(&edge, &call, account.email.as_bytes())?;
    let done = edge.backend.register(call.context(), request, account).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &AccountOut::new(&done.value, Some(done.revision)));
    json::put_location(&mut response, "/user");
    Ok(response)
}

/// Checks what an account is opened with.
pub fn new_account(email_given: String, name: String, password: String) -> Result<NewAccount, HttpProblem> {
    let mut check = Check::default();
    let email = email_field(&mut check, &email_given);
    let name = check.line("/name", &name, NAME_BYTES_MAX);
    password::check(&mut check, "/password", &password, &email);
    check.done()?;
    Ok(NewAccount { email, name, password })
}

/// The id of a write whose caller is not an account, but whoever knows `scope`.
pub fn request_of(edge: &Edge, call: &Call, scope: &[u8]) -> Result<Request, HttpProblem> {
    let key = idempotency::key_of(&call.parts.headers)?;
    let method: &Method = &call.parts.method;
    Ok(edge.requests.derive(scope, method, call.parts.uri.path(), key, &call.body))
}

/// An e-mail in its normal form.
pub fn email_field(check: &mut Check, text: &str) -> String {
    email(text).unwrap_or_else(|| {
        check.wrong("/email", "invalid", "an e-mail address of at most 254 bytes");
        String::new()
    })
}

/// `GET /user`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.account(call.fresh(Freshness::Linearizable), call.user()?.user).await?;
    Ok(json::read(&found, &AccountOut::new(&found.value, None)))
}

/// `POST /user/{id}/role`
pub async fn set_role(edge: Arc<Edge>, call: Call) -> Outcome {
    let user: UserId = call.id("id", "user")?;
    let body: RoleBody = json::parse(&call.body)?;
    // Guests come by themselves, and leave by the link in their mailbox.
    let Some(role) = role_of(&body.role).filter(|role| *role != Role::Guest) else {
        let known = ROLES[1..].iter().copied().map(json::role).collect::<Vec<_>>().join(", ");
        return Err(HttpProblem::field("/role", "invalid", format!("one of {known}")));
    };
    let done = edge.backend.set_role(call.context(), call.user()?, call.write()?, user, role).await?;
    Ok(json::written(StatusCode::OK, &done, &AccountOut::new(&done.value, Some(done.revision))))
}

/// `POST /user/password`: answers with an access token that writes; those from before do not.
pub async fn change_password(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: PasswordBody = json::parse(&call.body)?;
    let caller = call.user()?;
    let mut check = Check::default();
    password::check(&mut check, "/password", &body.password, "");
    check.done()?;
    edge.limits.login_account(&caller.user.to_string(), call.address)?;
    let keep = call.grant.and_then(|grant| grant.session);
    let (old, new) = (body.old_password, body.password);
    let done = edge.backend.change_password(call.context(), caller, call.write()?, keep, old, new).await?;
    let mut response = session::access_answer(&edge, StatusCode::OK, &done.value, keep, None)?;
    json::put_written(response.headers_mut(), &done);
    Ok(response)
}

/// `POST /user/password/reset`: the same answer at once, whether or not there is such an account.
pub async fn ask_reset(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: ResetBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let email = email_field(&mut check, &body.email);
    check.done()?;
    edge.limits.mail(&email)?;
    edge.backend.ask_password_reset(email);
    Ok(json::answer(StatusCode::ACCEPTED, &PasswordResetOut::default()))
}

/// `POST /user/password/reset/confirm`
pub async fn reset_password(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: ResetConfirmBody = json::parse(&call.body)?;
    let mut check = Check::default();
    password::check(&mut check, "/password", &body.password, "");
    check.done()?;
    let request = request_of(&edge, &call, body.token.as_bytes())?;
    let done = edge.backend.reset_password(call.context(), request, &body.token, body.password).await?;
    Ok(json::done(&done))
}

/// `POST /user/email`: mails a link to the new address. Whether that has an account shows only to who opens the link.
pub async fn ask_email(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: EmailBody = json::parse(&call.body)?;
    let caller = call.user()?;
    let mut check = Check::default();
    let email = email_field(&mut check, &body.email);
    check.done()?;
    edge.limits.login_account(&caller.user.to_string(), call.address)?;
    // Counted apart from links to set a password, so that nobody can keep those from an address this way.
    edge.limits.mail(&format!("confirm {email}"))?;
    edge.backend.ask_email_change(call.context(), caller, body.password, email.clone()).await?;
    Ok(json::answer(StatusCode::ACCEPTED, &EmailChangeOut::new(&email)))
}

/// `POST /user/email/confirm`
pub async fn change_email(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: EmailConfirmBody = json::parse(&call.body)?;
    let account = edge.backend.change_email(call.context(), &body.token).await?;
    Ok(json::answer(StatusCode::OK, &AccountOut::new(&account, None)))
}
