//! A seat as it should be: free, held or sold, and what that allows.

use serde::{Deserialize, Serialize};

use crate::wgl::Model;

/// What a seat is. Holds are known by numbers of the checker's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seat {
    /// Anybody can hold it.
    Free,
    /// A hold lists it.
    Held(u32),
    /// It was sold to who had this hold.
    Sold(u32),
}

/// What a map shows of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// 0 on the map.
    Free,
    /// 1 on the map.
    Held,
    /// 2 on the map.
    Sold,
}

/// What was done to a seat, and how it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A hold got it.
    Hold(u32),
    /// A hold was refused because of it.
    HoldRefused,
    /// The hold was paid.
    Confirm(u32),
    /// The hold could not be paid, for it was over.
    ConfirmRefused(u32),
    /// The hold was given back.
    Release(u32),
    /// The hold could not be given back, for it was over.
    ReleaseRefused(u32),
    /// The hold ran out.
    Expire(u32),
    /// The order of the hold was cancelled.
    Void(u32),
    /// The map showed this.
    Read(Shown),
}

/// The rules.
#[derive(Clone, Copy, Debug)]
pub struct SeatModel;

impl Model for SeatModel {
    type State = Seat;
    type Act = Act;

    fn start(&self) -> Seat {
        Seat::Free
    }

    fn step(&self, seat: &Seat, act: &Act) -> Option<Seat> {
        let seat = *seat;
        match *act {
            Act::Hold(hold) => (seat == Seat::Free).then_some(Seat::Held(hold)),
            Act::HoldRefused => (seat != Seat::Free).then_some(seat),
            Act::Confirm(hold) => (seat == Seat::Held(hold)).then_some(Seat::Sold(hold)),
            Act::ConfirmRefused(hold) | Act::ReleaseRefused(hold) => (seat != Seat::Held(hold)).then_some(seat),
            Act::Release(hold) | Act::Expire(hold) => (seat == Seat::Held(hold)).then_some(Seat::Free),
            Act::Void(hold) => (seat == Seat::Sold(hold)).then_some(Seat::Free),
            Act::Read(shown) => (seat.shown() == shown).then_some(seat),
        }
    }
}

impl Seat {
    /// What a map shows of it.
    #[must_use]
    pub fn shown(self) -> Shown {
        match self {
            Self::Free => Shown::Free,
            Self::Held(_) => Shown::Held,
            Self::Sold(_) => Shown::Sold,
        }
    }
}
