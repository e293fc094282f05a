//! Carts: where they lie, and what their users do with them. What their holds and the provider do is in `news`.

mod check;
mod news;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{AccountLedger, CART, answer, hash_record, no};
use crate::carts::{CART_ATTEMPTS_MAX, CART_LIFE, CARTS_MAX, Cart, CartItem, CartState, ItemState};
use crate::change::Change;
use crate::codec::cart as codec;
use crate::command::{CartCommand, NewItem};
use crate::cow::CowMap;
use crate::digest::Accumulator;
use crate::ids::{AttemptId, CartId, UserId};
use crate::money::Currency;
use crate::orders::{ATTEMPT_TIME, Attempt};
use crate::outcome::{AccountOutcome, Answer, AttemptState, Rejection};
use crate::time::Timestamp;

/// The carts of a user group.
#[derive(Clone, Debug, Default)]
pub struct Carts {
    carts: CowMap<CartId, Arc<Cart>>,
    /// Each user's carts, ascending by id, which is the order of their creation.
    of_user: CowMap<UserId, Arc<Vec<CartId>>>,
    /// Carts that are being paid, released or settled.
    busy: BTreeSet<CartId>,
    /// When attempts are given up.
    due: BTreeSet<(Timestamp, CartId)>,
    digest: Accumulator,
}

fn hash(cart: &Cart) -> u128 {
    hash_record(CART, &codec::cart(cart))
}

pub(super) fn wrong(detail: &str) -> Rejection {
    Rejection::WrongState { detail: detail.into() }
}

impl Carts {
    /// A cart.
    #[must_use]
    pub fn get(&self, id: CartId) -> Option<&Cart> {
        self.carts.get(&id).map(|cart| &**cart)
    }

    /// A user's carts, the newest first.
    pub fn of(&self, user: UserId) -> impl Iterator<Item = &Cart> {
        self.of_user.get(&user).into_iter().flat_map(|ids| ids.iter().rev()).filter_map(|id| self.get(*id))
    }

    /// Carts for which something is to be done, ascending by id, at most `max`.
    pub fn busy(&self, max: usize) -> impl Iterator<Item = &Cart> {
        self.busy.iter().take(max).filter_map(|id| self.get(*id))
    }

    /// When the first attempt is given up.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.due.first().map(|due| due.0)
    }

    pub(super) fn accumulator(&self) -> Accumulator {
        self.digest
    }

    /// All carts, ascending by id.
    pub(super) fn sorted(&self) -> Vec<(&CartId, &Arc<Cart>)> {
        self.carts.sorted()
    }

    /// Puts a cart in the place of the one with its id; answers whether it is a new one.
    pub(super) fn store(&mut self, cart: Cart) -> bool {
        let known = self.take_out(cart.id);
        self.digest.add(hash(&cart));
        if cart.is_busy() {
            self.busy.insert(cart.id);
        }
        if let Some(at) = cart.gives_up_at() {
            self.due.insert((at, cart.id));
        }
        if !known {
            let own = Arc::make_mut(self.of_user.get_or_insert_with(cart.user, Arc::default));
            own.insert(own.partition_point(|id| *id < cart.id), cart.id);
        }
        self.carts.insert(cart.id, Arc::new(cart));
        !known
    }

    /// Takes a cart out of everything but its user's list.
    fn take_out(&mut self, id: CartId) -> bool {
        let Some(old) = self.carts.remove(&id) else { return false };
        self.digest.remove(hash(&old));
        self.busy.remove(&id);
        if let Some(at) = old.gives_up_at() {
            self.due.remove(&(at, id));
        }
        true
    }

    /// Makes room for one more cart of a user.
    fn make_room(&mut self, user: UserId, at: Timestamp) -> Result<(), Rejection> {
        let Some(ids) = self.of_user.get(&user).filter(|ids| ids.len() >= CARTS_MAX) else { return Ok(()) };
        let over = ids.iter().position(|id| self.get(*id).is_none_or(|cart| cart.is_over(at)));
        let full = Rejection::LimitReached { limit: CARTS_MAX as u32, have: ids.len() as u32 };
        let place = over.ok_or(full)?;
        let mut rest = ids.to_vec();
        let gone = rest.remove(place);
        self.of_user.insert(user, Arc::new(rest));
        self.take_out(gone);
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let (mut digest, mut busy, mut due) = (Accumulator::default(), BTreeSet::new(), BTreeSet::new());
        let mut listed = 0;
        for (user, ids) in self.of_user.sorted() {
            listed += ids.len();
            let own = |id: &CartId| self.get(*id).is_some_and(|cart| cart.user == *user);
            if ids.len() > CARTS_MAX || !ids.is_sorted() || !ids.iter().all(own) {
                return Err(format!("the carts of {user} are too many, out of order or of someone else"));
            }
        }
        for (id, cart) in self.carts.sorted() {
            digest.add(hash(cart));
            check::cart(cart).map_err(|what| format!("cart {id}: {what}"))?;
            if cart.is_busy() {
                busy.insert(*id);
            }
            due.extend(cart.gives_up_at().map(|at| (at, *id)));
        }
        if listed != self.carts.len() || busy != self.busy || due != self.due {
            return Err(String::from("a list of carts is another"));
        }
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the carts is another")) }
    }
}

/// Commands.
impl AccountLedger {
    /// The carts of this group's users.
    #[must_use]
    pub fn carts(&self) -> &Carts {
        &self.carts
    }

    pub(super) fn cart(&mut self, user: UserId, id: CartId, command: &CartCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            CartCommand::Open { request, currency, items } => {
                self.once(*request, check::open(user, id, items), |ledger| ledger.open_cart(user, id, *currency, items, changes))
            }
            CartCommand::Pay { request, attempt, method } => self.once(*request, check::pay(user, *attempt, method), |ledger| {
                ledger.move_cart(user, id, changes, |cart, at| begin(cart, *attempt, method, at))
            }),
            CartCommand::Release { request } => self.once(*request, Ok(()), |ledger| ledger.move_cart(user, id, changes, release)),
            CartCommand::Items { attempt, news } => {
                self.told(user, id, check::items(news), changes, |cart, at| news::items(cart, *attempt, news, at))
            }
            CartCommand::Payment { attempt, news } => {
                self.told(user, id, check::payment(news), changes, |cart, at| news::payment(cart, *attempt, news, at))
            }
        }
    }

    /// Gives up every attempt whose time is over.
    pub(super) fn expire_carts(&mut self, changes: &mut Vec<Change>) {
        while let Some((_, id)) = self.carts.due.first().copied().filter(|due| due.0 <= self.at) {
            let Some(mut cart) = self.carts.get(id).cloned() else { return };
            news::give_up(&mut cart, self.at);
            changes.push(Change::Cart { user: cart.user, cart: id });
            self.carts.store(cart);
        }
    }

    fn open_cart(
        &mut self,
        user: UserId,
        id: CartId,
        currency: Currency,
        items: &[NewItem],
        changes: &mut Vec<Change>,
    ) -> Result<AccountOutcome, Rejection> {
        if self.carts.get(id).is_some() {
            return Err(wrong("a cart with this id exists"));
        }
        self.carts.make_room(user, self.at)?;
        let item = |new: &NewItem| CartItem {
            event: new.event,
            hold: new.hold,
            order: new.order,
            total: new.total,
            state: ItemState::Waiting,
            code: Arc::default(),
        };
        let cart = Cart {
            id,
            user,
            state: CartState::Open,
            currency,
            items: items.iter().map(item).collect(),
            attempts: Vec::new(),
            opened_at: self.at,
            expires_at: self.at.plus(CART_LIFE),
            ends: false,
        };
        Ok(self.put_cart(cart, changes))
    }

    /// Changes a cart of this user.
    fn move_cart(
        &mut self,
        user: UserId,
        id: CartId,
        changes: &mut Vec<Change>,
        act: impl FnOnce(&mut Cart, Timestamp) -> Result<(), Rejection>,
    ) -> Result<AccountOutcome, Rejection> {
        let old = self.carts.get(id).filter(|cart| cart.user == user).ok_or_else(|| no("cart"))?;
        let mut cart = old.clone();
        act(&mut cart, self.at)?;
        if cart == *old {
            return Ok(AccountOutcome::Cart(cart.into()));
        }
        Ok(self.put_cart(cart, changes))
    }

    /// As [`AccountLedger::move_cart`], for news: what changes nothing was said before.
    fn told(
        &mut self,
        user: UserId,
        id: CartId,
        well_formed: Result<(), Rejection>,
        changes: &mut Vec<Change>,
        act: impl FnOnce(&mut Cart, Timestamp) -> Result<(), Rejection>,
    ) -> Answer<AccountOutcome> {
        let before = changes.len();
        let said = answer(well_formed.and_then(|()| self.move_cart(user, id, changes, act)));
        Answer { replayed: changes.len() == before && matches!(said.outcome, AccountOutcome::Cart(_)), ..said }
    }

    fn put_cart(&mut self, cart: Cart, changes: &mut Vec<Change>) -> AccountOutcome {
        changes.push(Change::Cart { user: cart.user, cart: cart.id });
        self.carts.store(cart.clone());
        AccountOutcome::Cart(cart.into())
    }
}

/// Begins an attempt: the holds are to be pinned for it.
fn begin(cart: &mut Cart, attempt: AttemptId, method: &str, at: Timestamp) -> Result<(), Rejection> {
    match cart.state {
        CartState::Confirmed => return Err(wrong("the cart is paid")),
        CartState::Released => return Err(wrong("the cart is over: make another one")),
        CartState::Open => {}
        _ => return Err(Rejection::AttemptLive),
    }
    if cart.is_over(at) {
        return Err(wrong("the cart's time is over: make another one"));
    }
    if cart.attempts.iter().any(|known| known.id == attempt) {
        return Err(wrong("an attempt with this id exists"));
    }
    let new = Attempt { method: method.into(), deadline: at.plus(ATTEMPT_TIME), ..Attempt::new(attempt, AttemptState::Created, at) };
    cart.attempts.push(new);
    cart.ends = cart.attempts.len() >= CART_ATTEMPTS_MAX;
    cart.state = CartState::Pinning;
    cart.items.iter_mut().for_each(|item| item.state = ItemState::Waiting);
    Ok(())
}

/// Throws a cart away.
fn release(cart: &mut Cart, at: Timestamp) -> Result<(), Rejection> {
    match cart.state {
        CartState::Released => return Ok(()),
        CartState::Open => cart.state = CartState::Released,
        CartState::Pinning | CartState::Paying => news::give_up(cart, at),
        CartState::Releasing => {}
        CartState::Selling | CartState::Capturing | CartState::Settling | CartState::Confirmed => {
            return Err(wrong("the cart is paid: give its orders back instead"));
        }
    }
    cart.ends = true;
    Ok(())
}
