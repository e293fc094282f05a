//! The guests' half of the fake: every link but one is over.

use async_trait::async_trait;
use boxoffice_ledger::outcome::Rejection;

use super::identity::SESSION;
use super::*;

impl Fake {
    fn guest(&self, email: &str) -> Opened {
        let account = Account { role: Role::Guest, ..self.account_of(UserId::new(5, Slot::new(1), 7), email) };
        Opened { account, session: SESSION, refresh_token: "refresh-1".into() }
    }
}

#[async_trait]
impl Guests for Fake {
    async fn open_guest(&self, _: Context, email: &str, name: String, visitor: Visitor) -> Answer<Opened> {
        self.enter(&format!("open_guest {email} {name} {}", visitor.address))?;
        Ok(self.guest(email))
    }

    async fn open_guest_link(&self, _: Context, token: &str, _: Visitor) -> Answer<Opened> {
        self.enter("open_guest_link")?;
        if token == "link" { Ok(self.guest("gus@example.org")) } else { Err(Failure::LinkOver) }
    }

    async fn claim_guest(&self, _: Context, request: Request, token: &str, _: String) -> Answer<Written<()>> {
        self.enter(&format!("claim_guest {:032x}", request.id.0))?;
        match token {
            "link" => self.written(()),
            "taken" => Err(Failure::Rejected(Rejection::EmailTaken, self.revision())),
            _ => Err(Failure::LinkOver),
        }
    }

    async fn hand_over_guest(&self, _: Context, _: Caller, token: &str) -> Answer<u32> {
        self.enter("hand_over_guest")?;
        if token == "link" { Ok(2) } else { Err(Failure::LinkOver) }
    }
}
