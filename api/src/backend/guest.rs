//! Guests as they go through the backend: people who buy with an e-mail and no password (`docs/decisions/0010`).

use async_trait::async_trait;
use boxoffice_ledger::ids::Request;

use super::{Answer, Caller, Context, Opened, Visitor, Written};

/// Guests. Nothing here says whether an e-mail has an account, but to whoever reads its letters.
#[async_trait]
pub trait Guests: Send + Sync + 'static {
    /// Opens a guest's account of its own for this e-mail, and a session of it.
    async fn open_guest(&self, cx: Context, email: &str, name: String, visitor: Visitor) -> Answer<Opened>;
    /// Opens a session of the guest that a mailed link leads to.
    async fn open_guest_link(&self, cx: Context, token: &str, visitor: Visitor) -> Answer<Opened>;
    /// Makes a customer's account of the guest's, given a mailed link's token; refused when the e-mail has an account.
    async fn claim_guest(&self, cx: Context, request: Request, token: &str, password: String) -> Answer<Written<()>>;
    /// Gives the guest's tickets to the caller, whose e-mail must be the guest's, given a mailed link's token. May be repeated.
    /// Answers how many tickets went.
    async fn hand_over_guest(&self, cx: Context, caller: Caller, token: &str) -> Answer<u32>;
}
