//! Files that people upload: plans of pretix and seats.io, listings of events, the fixtures of a tournament.

use boxoffice_api::import::{self, Fix, ImportError, demo, listings as list, worldcup};
use boxoffice_ledger::codec::plan::{decode_plan, encode_plan};

/// A plan, as it is and with what may be mended.
pub fn plan_import(bytes: &[u8]) -> bool {
    let read = |fix| match import::read_plan(bytes, fix) {
        Ok(imported) => {
            let written = encode_plan(&imported.plan);
            assert_eq!(decode_plan(&written).as_ref(), Ok(&imported.plan));
            true
        }
        Err(ImportError::Invalid(problems)) => {
            assert!(problems.total() > 0);
            false
        }
        Err(_) => false,
    };
    let (strict, mended) = (read(Fix::None), read(Fix::Renumber));
    assert!(mended || !strict, "what is good needs no mending");
    mended
}

/// Listings of events.
pub fn listings(bytes: &[u8]) -> bool {
    list::read(bytes).is_ok()
}

/// The fixtures of a tournament.
pub fn fixtures(bytes: &[u8]) -> bool {
    worldcup::read(bytes, demo::WORLDCUP_STADIUMS).is_ok()
}
