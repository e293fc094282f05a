//! How far the fake is: both groups are one.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Money;
use boxoffice_ledger::outcome::{SaleState, SeatState};
use bytes::Bytes;

use super::{Fake, euro, event_id, plan_hash};
use crate::backend::{Answer, Context, EventAvailability, Reach, Read, Reads, Revision, SeatMap, SectionCount};

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

    async fn seat_map_as_of(&self, cx: Context, event: EventId, revision: Revision) -> Answer<Read<SeatMap>> {
        self.enter("seat_map_as_of")?;
        self.known(event)?;
        Ok(Read { revision, ..self.read(cx, self.map(event))? })
    }

    async fn availability(&self, _: Context, events: &[EventId]) -> Answer<Vec<EventAvailability>> {
        self.enter("availability")?;
        let from_price = Some(Money { amount: 9_900, currency: euro() });
        let one = |event: EventId| EventAvailability { event, state: SaleState::OnSale, available: 5, capacity: 120, from_price };
        Ok(events.iter().copied().filter(|event| *event == event_id()).map(one).collect())
    }
}

impl Fake {
    /// The map of its seats now.
    pub(super) fn map(&self, event: EventId) -> SeatMap {
        let seats = self.inner.lock().seats.clone();
        let mut states = vec![0_u8; seats.len().div_ceil(4)];
        for (at, &state) in seats.iter().enumerate() {
            states[at / 4] |= state.two_bits() << (at % 4 * 2);
        }
        let count = |name: &str, all: &[SeatState]| SectionCount {
            name: name.into(),
            available: all.iter().filter(|&&state| state == SeatState::Available).count() as u32,
            held: all.iter().filter(|&&state| state.two_bits() == 1).count() as u32,
            sold: all.iter().filter(|&&state| state == SeatState::Sold).count() as u32,
            capacity: all.len() as u32,
        };
        let floor = SectionCount { name: "Floor".into(), available: 98, held: 1, sold: 1, capacity: 100 };
        SeatMap {
            event,
            layout: plan_hash(),
            plan: Arc::clone(&self.plan),
            states: Bytes::from(states),
            counts: vec![count("A", &seats[..10]), count("B", &seats[10..]), floor],
            prices: vec![12_500, 9_900],
            price_versions: vec![],
            currency: euro(),
            state: SaleState::OnSale,
        }
    }
}
