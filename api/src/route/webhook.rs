//! What the payment provider tells us unasked.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::Outcome;
use crate::call::Call;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};

/// The header with the provider's signature over the raw body.
const SIGNATURE: &str = "stripe-signature";

/// `POST /payment/webhook`
pub async fn receive(edge: Arc<Edge>, call: Call) -> Outcome {
    let signature = call.parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let signature = signature.ok_or_else(|| HttpProblem::new(Code::MalformedRequest, "The signature header is missing."))?;
    edge.backend.payment_event(call.context(), &call.body, signature).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
