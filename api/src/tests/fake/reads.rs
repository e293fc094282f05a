//! How far the fake is: both groups are one.

use async_trait::async_trait;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Money;
use boxoffice_ledger::outcome::SaleState;

use super::{Fake, euro, event_id};
use crate::backend::{Answer, Context, EventAvailability, Reach, Reads, Revision};

#[async_trait]
impl Reads for Fake {
    fn reach(&self, _: EventId) -> Reach {
        self.inner.lock().freshness = Some(crate::backend::Freshness::Local);
        Reach { catalog: Revision { group: 0, ..self.revision() }, sale: self.revision(), age_ms: 12 }
    }

    async fn reached(&self, cx: Context, event: EventId) -> Answer<Reach> {
        self.enter("reached")?;
        let reach = self.reach(event);
        self.inner.lock().freshness = Some(cx.freshness);
        Ok(reach)
    }

    async fn availability(&self, _: Context, events: &[EventId]) -> Answer<Vec<EventAvailability>> {
        self.enter("availability")?;
        let from_price = Some(Money { amount: 9_900, currency: euro() });
        let one = |event: EventId| EventAvailability { event, state: SaleState::OnSale, available: 5, capacity: 120, from_price };
        Ok(events.iter().copied().filter(|event| *event == event_id()).map(one).collect())
    }
}
