//! Secrets of webhooks and signatures made with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use boxoffice_ledger::ids::WebhookId;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::webhooks::Webhook;
use ring::hmac;

/// Makes the secrets of webhooks from the cluster's: nothing that is replicated, logged or backed up holds one.
pub struct Secrets {
    key: [u8; 32],
}

impl Secrets {
    /// Of a cluster with this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key("boxoffice 2026 webhook secrets", secret) }
    }

    /// The secrets that sign now, the current one first.
    pub fn current(&self, webhook: &Webhook, now: Timestamp) -> Vec<[u8; 32]> {
        let mut secrets = vec![self.secret(webhook.id, webhook.secret_epoch)];
        if now < webhook.old_secret_until && webhook.secret_epoch > 1 {
            secrets.push(self.secret(webhook.id, webhook.secret_epoch - 1));
        }
        secrets
    }

    /// The current secret as its owner needs it.
    pub fn text(&self, webhook: WebhookId, epoch: u32) -> String {
        format!("whsec_{}", BASE64.encode(self.secret(webhook, epoch)))
    }

    fn secret(&self, webhook: WebhookId, epoch: u32) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&webhook.0.to_le_bytes()).update(&epoch.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// The value of `webhook-signature`: a signature with each secret.
pub fn sign<S: AsRef<[u8]>>(secrets: &[S], id: &str, at_s: u64, body: &[u8]) -> String {
    let one = |secret: &S| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()));
        context.update(format!("{id}.{at_s}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::ids::UserId;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // The vector of the Standard Webhooks libraries; also: printf 'ID.1614265330.BODY' | openssl dgst -sha256 -mac HMAC ...
        let secret = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(sign(&[secret], ID, 1_614_265_330, BODY), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_while_one_replaces_the_other() {
        let secrets = Secrets::new(&[7; 32]);
        let made = Webhook {
            id: WebhookId(5),
            owner: UserId(1),
            all_events: false,
            url: String::new(),
            types: Vec::new(),
            event: None,
            active: true,
            secret_epoch: 1,
            old_secret_until: Timestamp(0),
            created_at: Timestamp(0),
            given_up_at: None,
            version: 1,
        };
        assert_eq!(secrets.current(&made, Timestamp(1)).len(), 1);
        let rotated = Webhook { secret_epoch: 2, old_secret_until: Timestamp(100), ..made.clone() };
        let both = secrets.current(&rotated, Timestamp(99));
        assert_eq!(both[1..], secrets.current(&made, Timestamp(1)));
        assert_eq!(sign(&both, ID, 5, BODY).split(' ').count(), 2);
        assert_eq!(secrets.current(&rotated, Timestamp(100)), both[..1]);
        let text = secrets.text(WebhookId(5), 2);
        assert_eq!(BASE64.decode(text.strip_prefix("whsec_").unwrap()).unwrap(), both[0]);
        assert_ne!(text, secrets.text(WebhookId(6), 2));
        assert_ne!(text, Secrets::new(&[8; 32]).text(WebhookId(5), 2));
    }
}
