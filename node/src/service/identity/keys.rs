//! Keys of programs.

use boxoffice_api::backend::{Answer, Caller, Context, Failure, KeyView, MadeKey, NewKey, Read, Written};
use boxoffice_ledger::accounts::Key;
use boxoffice_ledger::command::{AccountCommand, KeyCommand, Scopes};
use boxoffice_ledger::ids::{KeyId, Request, UserId};
use boxoffice_ledger::outcome::AccountOutcome;

use crate::credentials::{Kind, Named};
use crate::mint;
use crate::service::{Service, asked, refused};

impl Service {
    /// Makes a key. A repeat gets the same text: it follows from the request, and the first id is in the first answer.
    pub(super) async fn make_key(&self, cx: Context, caller: Caller, request: Request, new: NewKey) -> Answer<Written<MadeKey>> {
        let user = caller.user;
        // The id that the text names only says which key it is meant to be; what counts is the hash of the whole text.
        let named = Named { user, object: request.id.0 };
        let text = self.credentials.of_request(Kind::Key, named, request);
        let command = KeyCommand::Create {
            request,
            key: KeyId::new(mint::now_ms(), user.slot(), mint::entropy()),
            name: new.name.clone(),
            secret: self.credentials.hash(&text),
            scopes: new.scopes,
            expires_at: new.expires_at,
        };
        let command = AccountCommand::Audited(asked(cx, caller, AccountCommand::Key { user, command }));
        let applied = self.write_account(cx, user, &command).await?;
        match &applied.outcome {
            AccountOutcome::KeyCreated { key } => Ok(applied.written(MadeKey { id: *key, text, new })),
            AccountOutcome::Rejected(rejection) => refused(rejection.clone(), applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }

    /// The keys of an account, the newest first.
    pub(super) async fn list_keys(&self, cx: Context, user: UserId) -> Answer<Read<Vec<KeyView>>> {
        let group = self.user_group(user);
        let (revision, age_ms) = self.fresh(cx, group).await?;
        let accounts = self.accounts(group)?.read();
        let at = accounts.at();
        let keys = accounts.user(user).map(|account| account.keys.as_slice()).unwrap_or_default();
        let value = keys.iter().rev().filter(|key| !key.is_over(at)).map(view).collect();
        Ok(Read { value, revision, age_ms })
    }

    /// Ends a key of the caller's.
    pub(super) async fn end_key(&self, cx: Context, caller: Caller, key: KeyId) -> Answer<Written<()>> {
        let user = caller.user;
        let command = AccountCommand::Key { user, command: KeyCommand::Revoke { key, actor: user } };
        let applied = self.write_account(cx, user, &AccountCommand::Audited(asked(cx, caller, command))).await?;
        match applied.outcome {
            AccountOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(applied.written(())),
        }
    }

    /// Who a key speaks for. One that was made on another node a moment ago is found.
    pub(super) async fn holder_of_key(&self, cx: Context, text: &str) -> Answer<Option<(Caller, Scopes)>> {
        let Some(named) = self.credentials.read(Kind::Key, text) else { return Ok(None) };
        let (user, secret, now) = (named.user, self.credentials.hash(text), self.clock());
        let group = self.user_group(user);
        let accounts = self.accounts(group)?;
        let look = || {
            let ledger = accounts.read();
            let account = ledger.user(user)?;
            let key = account.key(secret, now.max(ledger.at()))?;
            Some((Caller { user, role: account.role }, key.scopes))
        };
        Ok(self.find(cx, group, look).await?.map(|(found, ..)| found))
    }
}

fn view(key: &Key) -> KeyView {
    KeyView {
        id: key.id,
        created_at: key.created_at,
        new: NewKey { name: key.name.clone(), scopes: key.scopes, expires_at: key.expires_at },
    }
}
