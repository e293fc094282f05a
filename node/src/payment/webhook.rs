//! What the provider tells us unasked. A message is only a hint: whoever gets one asks the provider for the truth, so one that is
//! late, repeated or out of order does no harm, and a forged one does not get past its signature.

use std::collections::{HashSet, VecDeque};

use boxoffice_ledger::ids::RefundId;
use parking_lot::Mutex;
use serde_json::Value;

pub use super::signature::Refused;
use super::{Origin, RefundStanding, Standing, signature, stripe};

/// Message ids that a node remembers.
const REMEMBERED_MAX: usize = 10_000;

/// Something that happened at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id of the message.
    pub id: String,
    /// When it happened, in seconds since the Unix epoch by the provider's clock.
    pub created_s: u64,
    /// The provider's name of what happened.
    pub kind: String,
    /// The provider's id of the attempt that it is about.
    pub reference: String,
    /// Whose attempt that is, where the message says so; else the provider can be asked by the reference.
    pub origin: Option<Origin>,
    /// What it is about, as it stood then.
    pub about: About,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// An attempt.
    Attempt(Standing),
    /// Money given back.
    Refund {
        /// Ours, if we asked for it.
        refund: Option<RefundId>,
        /// How much, in minor units.
        amount: u64,
        /// Where it stood.
        standing: RefundStanding,
    },
    /// The buyer's bank asks for the money back.
    Dispute {
        /// The provider's id of the dispute.
        id: String,
        /// How much, in minor units.
        amount: u64,
        /// The provider's words for where it stood, such as `needs_response`, `won` or `lost`.
        status: String,
        /// The provider's word for why.
        reason: String,
    },
    /// Something else about the attempt.
    Other,
}

/// A message that is signed as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was not handled here before.
    Fresh(Box<ProviderEvent>),
    /// It was.
    Repeat,
    /// It is about nothing of this cluster.
    NotOurs,
}

/// Where a node receives messages.
pub struct Inbox {
    secrets: Vec<Vec<u8>>,
    cluster: String,
    handled: Mutex<Handled>,
}

#[derive(Default)]
struct Handled {
    ids: HashSet<String>,
    oldest_first: VecDeque<String>,
}

impl Inbox {
    /// Accepts what one of the secrets has signed. Without secrets, nothing.
    #[must_use]
    pub fn new(secrets: Vec<String>, cluster: String) -> Self {
        let secrets = secrets.into_iter().map(String::into_bytes).collect();
        Self { secrets, cluster, handled: Mutex::default() }
    }

    /// Checks and reads a message: its raw body and its signature header, at `now_s` seconds since the Unix epoch.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn receive(&self, body: &[u8], signature: &str, now_s: u64) -> Result<Received, Refused> {
        signature::verify(&self.secrets, signature, body, now_s)?;
        let message: Value = serde_json::from_slice(body).map_err(|_| Refused::Malformed)?;
        let Some(event) = parse(&message)? else { return Ok(Received::NotOurs) };
        if event.origin.as_ref().is_some_and(|origin| origin.cluster != self.cluster) {
            return Ok(Received::NotOurs);
        }
        let is_repeat = self.handled.lock().ids.contains(&event.id);
        Ok(if is_repeat { Received::Repeat } else { Received::Fresh(Box::new(event)) })
    }

    /// Notes that a message was handled, so that a repeat is dropped. Bounded, and lost with the process.
    pub fn remember(&self, id: &str) {
        let mut handled = self.handled.lock();
        if !handled.ids.insert(id.to_owned()) {
            return;
        }
        handled.oldest_first.push_back(id.to_owned());
        if handled.oldest_first.len() > REMEMBERED_MAX
            && let Some(oldest) = handled.oldest_first.pop_front()
        {
            handled.ids.remove(&oldest);
        }
    }
}

/// Reads a message. `None`: it is about something that boxoffice did not make.
fn parse(message: &Value) -> Result<Option<ProviderEvent>, Refused> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty() && text.len() <= 255).map(ToOwned::to_owned);
    let (id, kind) = (text(&message["id"]).ok_or(Refused::Malformed)?, text(&message["type"]).ok_or(Refused::Malformed)?);
    let created_s = message["created"].as_u64().ok_or(Refused::Malformed)?;
    let object = &message["data"]["object"];
    let origin = Origin::of_metadata(&object["metadata"]);
    let amount = object["amount"].as_u64().unwrap_or_default();
    let (reference, about) = match object["object"].as_str().ok_or(Refused::Malformed)? {
        "payment_intent" if origin.is_some() => (&object["id"], stripe::standing(object).map_or(About::Other, About::Attempt)),
        "refund" => {
            let refund = object["metadata"]["refund"].as_str().and_then(|text| RefundId::parse(text).ok());
            (&object["payment_intent"], About::Refund { refund, amount, standing: stripe::refund_standing(object) })
        }
        "dispute" => {
            let id = text(&object["id"]).ok_or(Refused::Malformed)?;
            let word = |name: &str| text(&object[name]).unwrap_or_default();
            (&object["payment_intent"], About::Dispute { id, amount, status: word("status"), reason: word("reason") })
        }
        "charge" => (&object["payment_intent"], About::Other),
        _ => return Ok(None),
    };
    let Some(reference) = text(reference).filter(|text| stripe::is_reference(text)) else { return Ok(None) };
    Ok(Some(ProviderEvent { id, created_s, kind, reference, origin, about }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::ids::{AttemptId, EventId};
    use serde_json::json;

    const NOW: u64 = 1_790_000_000;

    fn inbox() -> Inbox {
        Inbox::new(vec!["whsec_1".into()], "arena".into())
    }

    fn metadata(cluster: &str) -> Value {
        json!({"attempt": AttemptId(5).to_string(), "order": "ord_x", "event": EventId(9).to_string(), "cluster": cluster})
    }

    fn message(kind: &str, object: Value) -> Vec<u8> {
        json!({"id": "evt_1", "object": "event", "type": kind, "created": NOW, "data": {"object": object}}).to_string().into_bytes()
    }

    fn intent(status: &str, cluster: &str) -> Vec<u8> {
        let object = json!({"id": "pi_1", "object": "payment_intent", "status": status, "amount": 700,
            "amount_capturable": 700, "amount_received": 700, "metadata": metadata(cluster)});
        message("payment_intent.amount_capturable_updated", object)
    }

    fn receive(inbox: &Inbox, body: &[u8]) -> Result<Received, Refused> {
        inbox.receive(body, &signature::sign(b"whsec_1", NOW, body), NOW)
    }

    fn fresh(body: &[u8]) -> ProviderEvent {
        match receive(&inbox(), body) {
            Ok(Received::Fresh(event)) => *event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_attempt_is_read_with_its_origin() {
        let event = fresh(&intent("requires_capture", "arena"));
        assert_eq!(event.about, About::Attempt(Standing::Authorized { amount: 700 }));
        let origin = event.origin.unwrap();
        assert_eq!((origin.attempt, origin.event, origin.order.as_str()), (AttemptId(5), Some(EventId(9)), "ord_x"));
        assert_eq!((event.reference.as_str(), event.created_s), ("pi_1", NOW));
    }

    #[test]
    fn a_refund_and_a_dispute_are_read() {
        let refund = RefundId(77);
        let object = json!({"id": "re_1", "object": "refund", "amount": 300, "status": "pending", "payment_intent": "pi_1",
            "metadata": {"refund": refund.to_string()}});
        let event = fresh(&message("refund.created", object));
        assert_eq!(event.about, About::Refund { refund: Some(refund), amount: 300, standing: RefundStanding::Pending });
        let object = json!({"id": "dp_1", "object": "dispute", "amount": 700, "status": "needs_response", "reason": "fraudulent",
            "payment_intent": "pi_1", "metadata": {}});
        let event = fresh(&message("charge.dispute.created", object));
        assert!(matches!(event.about, About::Dispute { amount: 700, .. }) && event.origin.is_none());
    }

    #[test]
    fn a_handled_message_is_a_repeat_and_the_memory_is_bounded() {
        let (inbox, body) = (inbox(), intent("succeeded", "arena"));
        assert!(matches!(receive(&inbox, &body), Ok(Received::Fresh(_))));
        inbox.remember("evt_1");
        assert_eq!(receive(&inbox, &body), Ok(Received::Repeat));
        (0..=REMEMBERED_MAX).for_each(|number| inbox.remember(&format!("evt_n{number}")));
        assert!(matches!(receive(&inbox, &body), Ok(Received::Fresh(_))));
        assert_eq!(inbox.handled.lock().ids.len(), REMEMBERED_MAX);
    }

    #[test]
    fn what_belongs_to_others_is_not_ours() {
        assert_eq!(receive(&inbox(), &intent("succeeded", "other")), Ok(Received::NotOurs));
        let plain = message("payment_intent.succeeded", json!({"id": "pi_1", "object": "payment_intent", "status": "succeeded"}));
        assert_eq!(receive(&inbox(), &plain), Ok(Received::NotOurs));
        assert_eq!(receive(&inbox(), &message("customer.created", json!({"object": "customer"}))), Ok(Received::NotOurs));
    }

    #[test]
    fn an_unsigned_message_is_not_even_read() {
        let body = intent("succeeded", "arena");
        let forged = signature::sign(b"whsec_2", NOW, &body);
        assert_eq!(inbox().receive(&body, &forged, NOW), Err(Refused::Forged));
        assert_eq!(inbox().receive(b"not json", &signature::sign(b"whsec_1", NOW, b"not json"), NOW), Err(Refused::Malformed));
        assert_eq!(Inbox::new(Vec::new(), "arena".into()).receive(&body, &forged, NOW), Err(Refused::Forged));
    }

    fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        const WORDS: [&str; 9] = ["payment_intent", "refund", "dispute", "charge", "succeeded", "failed", "", "pi_1", "../x"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            proptest::sample::select(&WORDS[..]).prop_map(Value::from),
        ];
        let names = ["id", "type", "created", "data", "object", "metadata", "status", "amount", "payment_intent", "attempt"];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::vec((proptest::sample::select(names.to_vec()), inner), 0..8)
                    .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn no_signed_garbage_panics(message in any_json()) {
            let _ = receive(&inbox(), message.to_string().as_bytes());
        }
    }
}
