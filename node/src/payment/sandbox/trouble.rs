//! Refusals in the form that Stripe gives them: `{"error": {"type", "code", "message", ...}}`.

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// HTTP status.
    pub status: u16,
    body: Value,
}

impl Trouble {
    fn new(status: u16, kind: &str, code: &str, message: &str) -> Self {
        Self { status, body: json!({"type": kind, "code": code, "message": message}) }
    }

    /// The request is wrong, or does not fit the object's state.
    pub fn invalid(code: &str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", code, message)
    }

    /// No such object.
    pub fn missing(what: &str, id: &str) -> Self {
        Self::new(404, "invalid_request_error", "resource_missing", &format!("No such {what}: '{id}'"))
    }

    /// No such path.
    pub fn unknown_path(method: &str, path: &str) -> Self {
        Self::new(404, "invalid_request_error", "url_invalid", &format!("Unrecognized request URL ({method}: {path})."))
    }

    /// The key is missing or wrong.
    pub fn unauthorized() -> Self {
        Self::new(401, "invalid_request_error", "api_key_invalid", "Invalid API Key provided.")
    }

    /// The idempotency key came with other parameters.
    pub fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(400, "idempotency_error", "idempotency_key_in_use", message)
    }

    /// Down for now.
    pub fn down() -> Self {
        Self::new(503, "api_error", "api_unavailable", "The provider is down.")
    }

    /// The card was declined.
    pub fn declined(code: &str, decline_code: &str) -> Self {
        let trouble = Self::new(402, "card_error", code, "Your card was declined.");
        trouble.with("decline_code", decline_code.into())
    }

    /// Names the parameter that is wrong.
    #[must_use]
    pub fn about(self, parameter: &str) -> Self {
        self.with("param", parameter.into())
    }

    /// With another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    /// The body of the answer.
    pub fn body(self) -> Value {
        json!({"error": self.body})
    }
}
