//! The script of people: the first admin, accounts, sessions, keys, roles; and what nodes tell.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::people::{PASSWORD, as_person, link, new_email, token};
use boxoffice_tests::shop::{self, id};
use serde_json::{Value, json};

use super::script::Script;

const OTHER_PASSWORD: &str = "a better one than that";

impl Script<'_, '_> {
    /// Pages, keys, and how the node stands.
    pub async fn nodes(&mut self) {
        let (visitor, operator) = (self.visitor.clone(), self.cluster.client(1, Role::Operator));
        for id in ["getPage", "getDocs", "getOpenApi", "getJwks", "getTicketKeys", "getHealth", "getReadiness", "getClaim"] {
            self.call(&visitor, id, &[], Value::Null).await;
        }
        self.call(&visitor, "getProblem", &[("code", "not_found")], Value::Null).await;
        self.call(&operator, "getStatus", &[], Value::Null).await;
        let trail = self.call(&operator, "getAudit", &[], Value::Null).await;
        let group = trail["groups"][0].to_string();
        self.call(&operator, "getAudit", &[("group", &group), ("limit", "1")], Value::Null).await;
        self.call(&operator, "getDigest", &[("group", "0")], Value::Null).await;
        let asked = self.call(&operator, "askBackup", &[], Value::Null).await;
        self.call(&operator, "getBackups", &[], Value::Null).await;
        self.call(&operator, "getBackup", &[("id", asked["id"].as_str().expect("an id"))], Value::Null).await;
        for group in ["0", "1"] {
            self.call(&operator, "checkGroup", &[("group", group)], Value::Null).await;
            self.call(&operator, "getLog", &[("group", group), ("from", "1"), ("limit", "5")], Value::Null).await;
        }
        let admin = self.cluster.client(1, Role::Admin);
        self.call(&admin, "rotateSigningKey", &[], Value::Null).await;
    }

    /// The first admin, and accounts from their opening to their last session.
    pub async fn accounts(&mut self) {
        let visitor = self.visitor.clone();
        let (cluster, patience) = (self.cluster, PATIENCE);
        let claim = shop::eventually("the link in the log", patience, async || token(&cluster.log(1), "claim")).await;
        let root = json!({"token": claim, "email": new_email("root"), "name": "Root", "password": PASSWORD});
        self.call(&visitor, "claimCluster", &[], root).await;
        let (email, ada) = self.account("ada").await;
        self.call(&ada, "getUser", &[], Value::Null).await;
        self.sessions(&email, &ada).await;
        let key = json!({"name": "Shop", "scopes": ["book", "tickets"], "expires_at": "2031-01-01T00:00:00Z"});
        let key = self.call(&ada, "createKey", &[], key).await;
        self.call(&ada, "listKeys", &[], Value::Null).await;
        self.call(&ada, "revokeKey", &[("id", &id(&key))], Value::Null).await;
        let change = json!({"old_password": PASSWORD, "password": OTHER_PASSWORD});
        let session = self.call(&ada, "changePassword", &[], change).await;
        let ada = as_person(&self.visitor, &session);
        let next = new_email("ada-moved");
        self.call(&ada, "askEmailChange", &[], json!({"email": next, "password": OTHER_PASSWORD})).await;
        let mailed = link(self.cluster, &next, "email").await;
        let account = self.call(&visitor, "changeEmail", &[], json!({"token": mailed})).await;
        self.call(&visitor, "askPasswordReset", &[], json!({"email": next})).await;
        let mailed = shop::eventually("the link to reset", patience, async || token(&cluster.letter_to(&next).await.ok()?, "reset")).await;
        self.call(&visitor, "resetPassword", &[], json!({"token": mailed, "password": PASSWORD})).await;
        let session = self.call(&visitor, "logIn", &[], json!({"email": next, "password": PASSWORD})).await;
        self.call(&as_person(&self.visitor, &session), "logOut", &[("all", "true")], Value::Null).await;
        let admin = self.cluster.client(1, Role::Admin);
        self.call(&admin, "setRole", &[("id", &id(&account))], json!({"role": "gate"})).await;
    }

    async fn sessions(&mut self, email: &str, person: &Client) {
        let visitor = self.visitor.clone();
        let other = self.call(&visitor, "logIn", &[], json!({"email": email, "password": PASSWORD, "refresh": true})).await;
        self.call(&visitor, "refreshSession", &[], json!({"refresh_token": other["refresh_token"]})).await;
        self.call(person, "listSessions", &[], Value::Null).await;
        self.call(person, "endSession", &[("id", &id(&other))], Value::Null).await;
    }

    /// Somebody with an account, logged in; and the e-mail.
    pub async fn account(&mut self, name: &str) -> (String, Client) {
        let (visitor, email) = (self.visitor.clone(), new_email(name));
        self.call(&visitor, "register", &[], json!({"email": email, "name": name, "password": PASSWORD})).await;
        let session = self.call(&visitor, "logIn", &[], json!({"email": email, "password": PASSWORD})).await;
        (email, as_person(&visitor, &session))
    }
}
