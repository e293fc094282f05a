//! Every problem code with its status, title and advice, in one table.

/// What can be wrong, as the caller's program sees it. The names are the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // The table below documents each one.
pub enum Code {
    MalformedRequest,
    IdempotencyKeyRequired,
    Unauthenticated,
    BadCredentials,
    BadSignature,
    PaymentDeclined,
    Forbidden,
    CrossSite,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    SeatUnavailable,
    NothingFits,
    OrphanSeats,
    LimitReached,
    PriceChanged,
    SaleNotOn,
    SaleMoveRefused,
    PaymentInProgress,
    TooOften,
    AmountMismatch,
    WrongState,
    CartRefused,
    TicketRefused,
    FieldFrozen,
    EmailTaken,
    HoldExpired,
    HoldEnded,
    LinkOver,
    RevisionGone,
    ChangesGone,
    VersionMismatch,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    ValidationFailed,
    IdempotencyKeyReused,
    PromoRefused,
    PreconditionRequired,
    TooSoon,
    RateLimited,
    Internal,
    NoQuorum,
    Overloaded,
    NotReady,
    PaymentsUnavailable,
    Restoring,
    OutcomeUnknown,
}

/// A line of the table.
pub struct Entry {
    /// Which code it describes.
    pub code: Code,
    /// Its name on the wire; never changes.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Never varies between occurrences.
    pub title: &'static str,
    /// Whether the same request with the same key may succeed later.
    pub retryable: bool,
    /// What the caller should do, for the help page.
    pub help: &'static str,
}

const fn entry(code: Code, name: &'static str, status: u16, title: &'static str, retryable: bool, help: &'static str) -> Entry {
    Entry { code, name, status, title, retryable, help }
}

#[rustfmt::skip]
static TABLE: &[Entry] = &[
    entry(Code::MalformedRequest, "malformed_request", 400, "The request cannot be read", false,
        "The path, a header, the query or the JSON body is not well formed. detail says which and where. Nothing happened."),
    entry(Code::IdempotencyKeyRequired, "idempotency_key_required", 400, "An Idempotency-Key header is required", false,
        "Send a header Idempotency-Key of 1 to 255 printable ASCII characters, unique to this attempt, and repeat it when you retry."),
    entry(Code::Unauthenticated, "unauthenticated", 401, "Please log in", false,
        "There is no access token, or it is not valid any more. Get one with POST /session and send it as Authorization: Bearer."),
    entry(Code::BadCredentials, "bad_credentials", 401, "E-mail or password are wrong", false,
        "Which of the two is not said. Check both, or register with POST /user."),
    entry(Code::BadSignature, "bad_signature", 401, "The message is not signed as it should be", false,
        "Stripe-Signature must be made with a secret that this cluster knows, over this very body, in the last five minutes."),
    entry(Code::PaymentDeclined, "payment_declined", 402, "The payment was declined", false,
        "decline_code is the provider's reason. The seats stay held until expires_at: pay again with another method and key."),
    entry(Code::Forbidden, "forbidden", 403, "Your role does not allow this", false,
        "The request needs another role, which an admin can give with POST /user/{id}/role, or a key with another scope."),
    entry(Code::CrossSite, "cross_site", 403, "Refused: the request comes from another site", false,
        "A session cookie is only accepted for changes that come from this site's own pages. Programs send Authorization: Bearer instead."),
    entry(Code::NotFound, "not_found", 404, "Not found", false,
        "Nothing has this name, or it belongs to someone else."),
    entry(Code::MethodNotAllowed, "method_not_allowed", 405, "This path does not know that method", false,
        "The Allow header lists the methods of this path."),
    entry(Code::RequestTimeout, "request_timeout", 408, "The request took too long to arrive", true,
        "The body was not complete in time. Nothing happened."),
    entry(Code::SeatUnavailable, "seat_unavailable", 409, "One or more seats are already taken", false,
        "All or nothing: no seat was held. conflicts lists what is taken, alternatives what is free instead, revision when this was true."),
    entry(Code::NothingFits, "nothing_fits", 409, "No free seats fit the request", false,
        "Ask for fewer seats, another section, a higher max_price, or allow the party to be split."),
    entry(Code::OrphanSeats, "orphan_seats", 409, "The choice would leave a single seat", false,
        "Single free seats between taken ones are not allowed here. seats lists those that would be left: take them too, or move by one."),
    entry(Code::LimitReached, "limit_reached", 409, "You have as many tickets as one buyer may have", false,
        "limit is the most that one account may hold or own for this event, have is what you have."),
    entry(Code::PriceChanged, "price_changed", 409, "The price has changed", false,
        "It is dearer than expect_total. total is the price now: ask again with it if you agree."),
    entry(Code::SaleNotOn, "sale_not_on", 409, "The sale is not open", false,
        "state says where the sale stands and opens_at when it opens, if that is known."),
    entry(Code::SaleMoveRefused, "sale_move_refused", 409, "The sale cannot move that way", false,
        "state says where the sale stands. For example only a paused sale can be resumed, and a cancelled one never moves again."),
    entry(Code::PaymentInProgress, "payment_in_progress", 409, "A payment is under way", true,
        "Wait for the payment that is running: GET the hold until it is no longer paying."),
    entry(Code::TooOften, "too_often", 409, "This was done as often as it can be", false,
        "For example a hold can be extended to three times its first life and no further."),
    entry(Code::AmountMismatch, "amount_mismatch", 409, "The amount is not the order's total", false,
        "The payment does not match the order. Nothing was sold."),
    entry(Code::WrongState, "wrong_state", 409, "That does not fit its state", false,
        "detail says what stands in the way."),
    entry(Code::CartRefused, "cart_refused", 409, "A hold of the cart cannot be paid", false,
        "Nothing was charged, and the cart is over. cart.items says which hold and why: make another cart of the others, which stay held."),
    entry(Code::TicketRefused, "ticket_refused", 409, "The ticket does not admit", false,
        "reason says why: bad_code, wrong_event, unknown_ticket, void, transferred, outside_doors, already_used, no_reentry, not_inside."),
    entry(Code::FieldFrozen, "field_frozen", 409, "This cannot be changed any more", false,
        "pointer names the field. Plan, terms and venue of an event are fixed once it can be sold."),
    entry(Code::EmailTaken, "email_taken", 409, "This e-mail has an account already", false,
        "Log in with POST /session instead."),
    entry(Code::HoldExpired, "hold_expired", 410, "The hold has expired", false,
        "The seats went back on sale. Hold again; nothing was charged."),
    entry(Code::HoldEnded, "hold_ended", 410, "The hold is over", false,
        "state says how it ended: converted (it was paid), released, or revoked."),
    entry(Code::LinkOver, "link_over", 410, "The link is not good any more", false,
        "Links that are sent by mail work once and for a while. Ask for another one."),
    entry(Code::RevisionGone, "revision_gone", 410, "This revision belongs to an earlier life of the cluster", false,
        "The cluster was restored from a backup since. Drop what you remembered and read again."),
    entry(Code::ChangesGone, "changes_gone", 410, "These changes are not here any more", false,
        "oldest lists, by group, where this node can go on from. Another node may still have more: ask it before starting over."),
    entry(Code::VersionMismatch, "version_mismatch", 412, "It has changed since you read it", false,
        "current is its version now. Read it again and repeat your change with the new ETag in If-Match."),
    entry(Code::PayloadTooLarge, "payload_too_large", 413, "The body is too large", false,
        "Bodies may have 64 KiB, seating plans 16 MiB."),
    entry(Code::UriTooLong, "uri_too_long", 414, "The path or query is too long", false,
        "Paths and queries may have 2,048 bytes, a search 256 characters."),
    entry(Code::UnsupportedMediaType, "unsupported_media_type", 415, "The body must be JSON", false,
        "Send Content-Type: application/json, without compression."),
    entry(Code::ValidationFailed, "validation_failed", 422, "A field is not right", false,
        "errors lists each field by JSON pointer, with what would be right. Nothing happened."),
    entry(Code::IdempotencyKeyReused, "idempotency_key_reused", 422, "This Idempotency-Key was used for another request", false,
        "The same key came before with another body. Use a new key for a new request."),
    entry(Code::PromoRefused, "promo_refused", 422, "The promo code cannot be used", false,
        "reason says why: unknown, expired, used_up, not_for_these_seats. Nothing was held: hold without the code, or with another one."),
    entry(Code::PreconditionRequired, "precondition_required", 428, "An If-Match header is required", false,
        "Read the object first and send its ETag in If-Match, so that no one else's change is lost."),
    entry(Code::TooSoon, "too_soon", 429, "Too soon", true,
        "Try again after Retry-After."),
    entry(Code::RateLimited, "rate_limited", 429, "Too many requests", true,
        "Try again after Retry-After. RateLimit-Policy says what is allowed. Nothing happened."),
    entry(Code::Internal, "internal", 500, "A fault of ours", false,
        "Please report it with the request_id. For a write, read back what happened before repeating it."),
    entry(Code::NoQuorum, "no_quorum", 503, "No majority of the cluster can be reached", true,
        "Nothing happened. Looking goes on; booking resumes as soon as a majority is back. Try again after Retry-After."),
    entry(Code::Overloaded, "overloaded", 503, "Too busy", true,
        "Nothing happened. Try again after Retry-After, or at another node."),
    entry(Code::NotReady, "not_ready", 503, "This node is not ready", true,
        "It is starting, catching up or draining. Use another node."),
    entry(Code::PaymentsUnavailable, "payments_unavailable", 503, "This cluster takes no payments", false,
        "Its operator has to name a payment provider in the section [payment] of the nodes' configuration. The seats stay held."),
    entry(Code::Restoring, "restoring", 503, "The cluster was restored from a backup and does not sell yet", true,
        "The payment provider is being asked what was paid after the backup. Looking goes on; sales open by themselves. Nothing happened."),
    entry(Code::OutcomeUnknown, "outcome_unknown", 504, "It is not known whether this happened", true,
        "Repeat the request with the same Idempotency-Key: you get the first outcome if it happened, and it happens once if it did not."),
];

impl Code {
    /// Its line of the table.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// The code of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == name).map(|entry| entry.code)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.code)
    }
}
