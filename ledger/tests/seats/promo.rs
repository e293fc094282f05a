//! Commands about promo codes, in words: `code SUMMER percent=1000|fixed=500 [opens=Fans] [uses=N] [each=N] [budget=N] [since=10s]
//! [until=20s] [currency=USD]`, `codeoff|codeon SUMMER`, `aside|putback Fans A1 A2 Floor*5`; `name=long50` instead of a name.

use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::promos::{Discount, PromoAction, PromoTerms};

use crate::script::{Words, moment, repeated};

pub fn action(words: &Words<'_>) -> PromoAction {
    let code = words.get("name").map_or_else(|| words.plain[1].into(), repeated);
    if words.plain[0] != "code" {
        return PromoAction::Switch { code, active: words.plain[0] == "codeon" };
    }
    let discount = match (words.number("percent"), words.number("fixed")) {
        (Some(bps), _) => Discount::Percent(bps as u32),
        (_, Some(amount)) => Discount::Fixed(amount),
        _ => Discount::None,
    };
    let number = |name| words.number(name).map(|number| number as u32);
    let terms = PromoTerms {
        discount,
        allocation: words.get("opens").map(repeated),
        uses_max: number("uses"),
        per_user_max: number("each"),
        budget: words.number("budget"),
        from: words.get("since").map(moment),
        until: words.get("until").map(moment),
    };
    PromoAction::Create { code, terms, currency: words.get("currency").and_then(Currency::parse) }
}

pub fn allocate(words: &Words<'_>, seats: Vec<SeatIndex>, areas: Vec<(AreaIndex, u32)>) -> PromoAction {
    let name = words.get("name").map_or_else(|| words.plain[1].into(), repeated);
    PromoAction::Allocate { name, put_back: words.plain[0] == "putback", seats, areas }
}
