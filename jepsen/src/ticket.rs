//! A ticket as it should be: whose it is, to whom it is offered, whether it was used, and what that allows.

use crate::wgl::Model;

/// What a ticket is. People are known by numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Whose it is.
    pub owner: u64,
    /// Raised by each step of a transfer; a code is good in one epoch only.
    pub epoch: u64,
    /// To whom it is offered.
    pub offered: Option<u64>,
    /// Whether it has admitted.
    pub used: bool,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not theirs, or not offered to them.
    NotTheirs,
    /// Its state does not allow it.
    State,
}

/// Why a gate says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    /// The code was given away.
    Transferred,
    /// The ticket was used.
    Used,
}

/// What was done with a ticket, and how it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `.0` offered it to `.1`.
    Offer(u64, u64),
    /// `.0` could not offer it.
    OfferRefused(u64, Why),
    /// Its owner took the offer back.
    Withdraw(u64),
    /// There was nothing that they could take back.
    WithdrawRefused(u64, Why),
    /// Whom it was offered to took it.
    Accept(u64),
    /// It was not offered to them.
    AcceptRefused(u64),
    /// A gate let somebody in with the code of this epoch.
    Admitted(u64),
    /// A gate did not.
    NotAdmitted(u64, No),
    /// Its owner looked: epoch, whether it is offered, whether it was used.
    Seen(u64, u64, bool, bool),
    /// Somebody looked whose it is not.
    NotSeen(u64),
}

/// The rules, for a ticket that was bought by somebody.
#[derive(Clone, Copy, Debug)]
pub struct TicketModel {
    /// Who bought it.
    pub buyer: u64,
    /// Its epoch then.
    pub epoch: u64,
}

impl Model for TicketModel {
    type State = Ticket;
    type Act = Act;

    fn start(&self) -> Ticket {
        Ticket { owner: self.buyer, epoch: self.epoch, offered: None, used: false }
    }

    fn step(&self, ticket: &Ticket, act: &Act) -> Option<Ticket> {
        let moved = |owner: u64, offered: Option<u64>| Ticket { owner, epoch: ticket.epoch + 1, offered, used: ticket.used };
        let is_good = |epoch: u64| epoch == ticket.epoch && ticket.offered.is_none();
        let same = || ticket.clone();
        match *act {
            Act::Offer(by, to) => (ticket.owner == by && ticket.offered.is_none() && !ticket.used).then(|| moved(by, Some(to))),
            Act::OfferRefused(by, Why::NotTheirs) | Act::WithdrawRefused(by, Why::NotTheirs) => (ticket.owner != by).then(same),
            Act::OfferRefused(by, Why::State) => (ticket.owner == by && (ticket.used || ticket.offered.is_some())).then(same),
            Act::Withdraw(by) => (ticket.owner == by && ticket.offered.is_some()).then(|| moved(by, None)),
            Act::WithdrawRefused(by, Why::State) => (ticket.owner == by && ticket.offered.is_none()).then(same),
            Act::Accept(by) => (ticket.offered == Some(by)).then(|| moved(by, None)),
            Act::AcceptRefused(by) => (ticket.offered != Some(by)).then(same),
            Act::Admitted(epoch) => (is_good(epoch) && !ticket.used).then(|| Ticket { used: true, ..same() }),
            Act::NotAdmitted(epoch, No::Transferred) => (!is_good(epoch) && epoch <= ticket.epoch).then(same),
            Act::NotAdmitted(epoch, No::Used) => (is_good(epoch) && ticket.used).then(same),
            Act::Seen(by, epoch, offered, used) => {
                let is_so = (ticket.owner, ticket.epoch, ticket.offered.is_some(), ticket.used) == (by, epoch, offered, used);
                is_so.then(same)
            }
            Act::NotSeen(by) => (ticket.owner != by).then(same),
        }
    }
}
