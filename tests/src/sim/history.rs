//! What clients were told, and what follows from it at once.

use std::collections::BTreeMap;

use boxoffice_ledger::ids::{EventId, HoldId, Request, UserId};
use boxoffice_ledger::outcome::{Confirmation, HoldInfo};
use boxoffice_ledger::plan::SeatIndex;
use parking_lot::Mutex;

use super::trace::Trace;

/// How long a hold lives, in microseconds: the least that there is.
pub const TTL_US: u64 = 120_000_000;
/// Cluster time may run so much faster than a client's clock while it corrects itself (one part in twenty), and a little more.
const TTL_SURE_US: u64 = TTL_US * 94 / 100 - 1_000_000;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// These seats.
    Hold(EventId, Vec<SeatIndex>),
    /// More time.
    Extend(EventId, HoldId),
    /// The seats go back.
    Release(EventId, HoldId),
    /// The seats are bought.
    Pay(EventId, HoldId),
}

/// What it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The hold as it is now.
    Hold(HoldInfo),
    /// Bought.
    Paid(Confirmation),
    /// Being paid.
    Pending,
}

/// A write of a client.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who.
    pub user: UserId,
    /// With which key.
    pub request: Request,
    /// What.
    pub op: Op,
    /// First asked for, in microseconds since the start.
    pub invoked_us: u64,
}

/// A hold that was acknowledged.
#[derive(Clone, Debug)]
pub struct Held {
    /// As it was answered.
    pub info: HoldInfo,
    /// Its event.
    pub event: EventId,
    /// First asked for, in microseconds since the start.
    pub invoked_us: u64,
    /// Answered.
    pub answered_us: u64,
    /// When its release was first asked for, if it was.
    pub release_us: Option<u64>,
    /// Whether that was acknowledged.
    pub is_released: bool,
    /// When paying was first asked for, if it was.
    pub pay_us: Option<u64>,
    /// What was bought, and when that was answered.
    pub bought: Option<(Confirmation, u64)>,
}

impl Held {
    /// Whether the seats were surely kept for the buyer from before `from_us` to `to_us`.
    fn surely_held(&self, from_us: u64, to_us: u64) -> bool {
        let untouched = |asked: Option<u64>| asked.is_none_or(|asked| asked > to_us);
        let lives = to_us < self.invoked_us + TTL_SURE_US;
        self.answered_us < from_us && lives && untouched(self.release_us) && untouched(self.pay_us)
    }

    /// Whether the seats were surely bought before `from_us`.
    fn surely_bought(&self, from_us: u64) -> bool {
        self.bought.as_ref().is_some_and(|(_, at_us)| *at_us < from_us)
    }
}

/// See the module.
pub struct History {
    trace: Trace,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    holds: BTreeMap<HoldId, Held>,
    acknowledged: BTreeMap<u32, u64>,
    open: Vec<Wish>,
    count: u64,
}

impl History {
    /// Empty.
    #[must_use]
    pub fn new(trace: Trace) -> Self {
        Self { trace, inner: Mutex::default() }
    }

    /// Writes that were acknowledged.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.inner.lock().count
    }

    /// All holds that were acknowledged.
    #[must_use]
    pub fn holds(&self) -> Vec<Held> {
        self.inner.lock().holds.values().cloned().collect()
    }

    /// The holds of a user that are neither released nor bought.
    #[must_use]
    pub fn open_holds(&self, user: UserId) -> Vec<Held> {
        let inner = self.inner.lock();
        let open = |held: &&Held| held.info.user == user && held.release_us.is_none() && held.bought.is_none();
        inner.holds.values().filter(open).cloned().collect()
    }

    /// What was written into a group, as far as clients know.
    #[must_use]
    pub fn acknowledged(&self, group: u32) -> u64 {
        self.inner.lock().acknowledged.get(&group).copied().unwrap_or(0)
    }

    /// A write is about to be asked for.
    pub fn asked(&self, wish: &Wish) {
        let now = self.trace.now_us();
        let mut inner = self.inner.lock();
        match &wish.op {
            Op::Release(_, hold) => drop(inner.holds.get_mut(hold).map(|held| held.release_us.get_or_insert(now))),
            Op::Pay(_, hold) => drop(inner.holds.get_mut(hold).map(|held| held.pay_us.get_or_insert(now))),
            Op::Hold(..) | Op::Extend(..) => {}
        }
    }

    /// It is unknown what became of a write.
    pub fn leave_open(&self, wish: Wish) {
        self.inner.lock().open.push(wish);
    }

    /// The writes of which that is unknown, from now on to be settled by the caller.
    #[must_use]
    pub fn take_open(&self) -> Vec<Wish> {
        std::mem::take(&mut self.inner.lock().open)
    }

    /// A write was acknowledged, at this index of its group; `replayed` = that was answered before.
    pub fn answered(&self, wish: &Wish, done: &Done, group: u32, index: u64) {
        let now = self.trace.now_us();
        let mut inner = self.inner.lock();
        inner.count += 1;
        let newest = inner.acknowledged.entry(group).or_default();
        *newest = index.max(*newest);
        match (&wish.op, done) {
            (Op::Hold(event, seats), Done::Hold(info)) => {
                if info.seats != *seats || info.user != wish.user {
                    self.trace.wrong("wrong_answer", format!("asked for {seats:?}, got {info:?}"));
                }
                let held = Held {
                    info: info.clone(),
                    event: *event,
                    invoked_us: wish.invoked_us,
                    answered_us: now,
                    release_us: None,
                    is_released: false,
                    pay_us: None,
                    bought: None,
                };
                self.exclusive(&inner, &held);
                inner.holds.entry(info.hold).or_insert(held);
            }
            (Op::Release(_, hold), Done::Hold(_)) => drop(inner.holds.get_mut(hold).map(|held| held.is_released = true)),
            (Op::Pay(_, hold), Done::Paid(confirmation)) => {
                if let Some(held) = inner.holds.get_mut(hold) {
                    held.bought.get_or_insert((confirmation.clone(), now));
                }
            }
            _ => {}
        }
    }

    /// Nobody else has, or has bought, the seats of a new hold.
    fn exclusive(&self, inner: &Inner, new: &Held) {
        for old in inner.holds.values().filter(|old| old.event == new.event && old.info.hold != new.info.hold) {
            let Some(seat) = old.info.seats.iter().find(|seat| new.info.seats.contains(seat)) else { continue };
            if old.surely_bought(new.invoked_us) {
                self.trace.wrong("double_sale", format!("seat {} was bought by {:?}, and held by {:?}", seat.0, old.info, new.info));
            } else if old.surely_held(new.invoked_us, new.answered_us) {
                let detail = format!("seat {} was held by {:?}, and given to {:?}", seat.0, old.info, new.info);
                // Its time was over for the ledger, or it never was there.
                let name = if new.info.expires_at.0 >= old.info.expires_at.0 + TTL_US { "early_expiry" } else { "double_hold" };
                self.trace.wrong(name, detail);
            }
        }
    }

    /// A map was read with everything in it that was acknowledged before `asked_us`: two bits a seat.
    pub fn read(&self, event: EventId, states: &[u8], asked_us: u64) {
        let now = self.trace.now_us();
        let state = |seat: SeatIndex| states.get(seat.0 as usize / 4).map_or(3, |byte| byte >> (seat.0 % 4 * 2) & 3);
        let inner = self.inner.lock();
        for held in inner.holds.values().filter(|held| held.event == event) {
            let least = if held.surely_bought(asked_us) {
                2
            } else if held.surely_held(asked_us, now) {
                1
            } else {
                continue;
            };
            if let Some(seat) = held.info.seats.iter().find(|seat| state(**seat) < least) {
                let detail = format!("seat {} is {} in a linearizable map, after {held:?}", seat.0, state(*seat));
                self.trace.wrong("stale_read", detail);
            }
        }
    }
}
