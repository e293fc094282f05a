//! The promo half of the fake: one code that takes 3.00 off, and one that is used up.

use async_trait::async_trait;
use boxoffice_ledger::outcome::Rejection;
use boxoffice_ledger::promos::{Discount, PromoAction, PromoReason, PromoTerms};
use boxoffice_ledger::seats::{AllocationView, Tally};

use super::*;

impl Fake {
    /// What a code takes off.
    pub fn discount(&self, promo: Option<&str>) -> Answer<u64> {
        let reason = match promo {
            None => return Ok(0),
            Some("SUMMER") => return Ok(300),
            Some("GONE") => PromoReason::UsedUp,
            Some(_) => PromoReason::Unknown,
        };
        Err(Failure::Rejected(Rejection::PromoRefused { reason }, self.revision()))
    }

    fn the_promo(&self, code: &str, terms: PromoTerms, active: bool) -> PromoView {
        let tally = Tally { held: 1, used: 2, reserved: 300, spent: 600 };
        PromoView { code: code.into(), terms, active, created_at: EXPIRES, tally, currency: euro() }
    }

    fn summer(&self) -> PromoTerms {
        PromoTerms { discount: Discount::Fixed(300), budget: Some(9_000), ..PromoTerms::default() }
    }
}

#[async_trait]
impl Promotions for Fake {
    async fn put_promo(&self, _: Context, _: Caller, _: Request, event: EventId, action: PromoAction) -> Answer<Written<PromoView>> {
        self.enter(&format!("put_promo {action:?}"))?;
        self.known(event)?;
        match action {
            PromoAction::Create { code, terms, .. } => self.written(self.the_promo(&code, terms, true)),
            PromoAction::Switch { code, active } => self.written(self.the_promo(&code, self.summer(), active)),
            PromoAction::Allocate { .. } => Err(Failure::Unknown),
        }
    }

    async fn promos(&self, cx: Context, _: Caller, event: EventId, _: usize, _: Option<&str>) -> Answer<Read<Page<PromoView>>> {
        self.enter("promos")?;
        self.known(event)?;
        self.read(cx, Page { items: vec![self.the_promo("SUMMER", self.summer(), true)], next: Some("1".into()) })
    }

    async fn promo(&self, cx: Context, _: Caller, event: EventId, code: &str) -> Answer<Read<PromoView>> {
        self.enter("promo")?;
        self.known(event)?;
        if code == "SUMMER" { self.read(cx, self.the_promo(code, self.summer(), true)) } else { Err(Failure::NotFound("code")) }
    }

    async fn allocate(&self, _: Context, _: Caller, _: Request, event: EventId, input: AllocationInput) -> Answer<Written<AllocationView>> {
        self.enter(&format!("allocate {} {} {:?}", input.put_back, input.seats.len(), input.areas))?;
        self.known(event)?;
        let free = input.seats.len() as u32;
        self.written(AllocationView { name: input.name.as_str().into(), seats: input.seats, free, areas: input.areas })
    }

    async fn allocations(&self, cx: Context, _: Caller, event: EventId) -> Answer<Read<Vec<AllocationView>>> {
        self.enter("allocations")?;
        self.known(event)?;
        self.read(cx, vec![AllocationView { name: "Fans".into(), seats: vec![SeatIndex(3)], free: 1, areas: vec![(AreaIndex(0), 5)] }])
    }
}
