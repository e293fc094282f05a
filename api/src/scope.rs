//! Which scope lets a program's key use which route. What is not listed is for people who are logged in.

use boxoffice_ledger::command::Scope;

use crate::router::{Route, Verb};

#[rustfmt::skip]
static ROUTES: &[(Verb, &str, Scope)] = &[
    (Verb::Post, "/event/{id}/hold", Scope::Book),
    (Verb::Get, "/event/{id}/hold/{hold}", Scope::Book),
    (Verb::Delete, "/event/{id}/hold/{hold}", Scope::Book),
    (Verb::Post, "/event/{id}/hold/{hold}/extend", Scope::Book),
    (Verb::Post, "/event/{id}/hold/{hold}/pay", Scope::Book),
    (Verb::Post, "/cart", Scope::Book),
    (Verb::Get, "/cart/{id}", Scope::Book),
    (Verb::Delete, "/cart/{id}", Scope::Book),
    (Verb::Post, "/cart/{id}/pay", Scope::Book),
    (Verb::Get, "/user/cart", Scope::Book),
    (Verb::Post, "/order/{id}/refund", Scope::Book),
    (Verb::Post, "/user/ticket/{id}/refund", Scope::Book),
    (Verb::Get, "/order/{id}", Scope::Tickets),
    (Verb::Get, "/user/order", Scope::Tickets),
    (Verb::Get, "/user/ticket", Scope::Tickets),
    (Verb::Get, "/user/ticket/{id}", Scope::Tickets),
    (Verb::Get, "/user/transfer", Scope::Tickets),
    (Verb::Post, "/scan", Scope::Scan),
    (Verb::Get, "/event/{id}/gate", Scope::Scan),
    (Verb::Post, "/event/{id}/scan/offline", Scope::Scan),
    (Verb::Get, "/event/{id}/scan", Scope::Events),
    (Verb::Get, "/event/{id}/ticket", Scope::Events),
    (Verb::Post, "/event", Scope::Events),
    (Verb::Post, "/event/import", Scope::Events),
    (Verb::Patch, "/event/{id}", Scope::Events),
    (Verb::Post, "/event/{id}/publish", Scope::Events),
    (Verb::Post, "/event/{id}/postpone", Scope::Events),
    (Verb::Post, "/event/{id}/open", Scope::Events),
    (Verb::Post, "/event/{id}/pause", Scope::Events),
    (Verb::Post, "/event/{id}/resume", Scope::Events),
    (Verb::Post, "/event/{id}/close", Scope::Events),
    (Verb::Post, "/event/{id}/cancel", Scope::Events),
    (Verb::Post, "/event/{id}/block", Scope::Events),
    (Verb::Post, "/event/{id}/promo", Scope::Events),
    (Verb::Get, "/event/{id}/promo", Scope::Events),
    (Verb::Get, "/event/{id}/promo/{promo}", Scope::Events),
    (Verb::Patch, "/event/{id}/promo/{promo}", Scope::Events),
    (Verb::Post, "/event/{id}/allocation", Scope::Events),
    (Verb::Get, "/event/{id}/allocation", Scope::Events),
    (Verb::Patch, "/event/{id}/price", Scope::Events),
    (Verb::Post, "/event/{id}/price/preview", Scope::Events),
    (Verb::Get, "/event/{id}/sale", Scope::Events),
    (Verb::Post, "/order/{id}/cancel", Scope::Events),
    (Verb::Post, "/venue", Scope::Events),
    (Verb::Patch, "/venue/{id}", Scope::Events),
    (Verb::Post, "/venue/{id}/plan", Scope::Events),
    (Verb::Post, "/media", Scope::Events),
    (Verb::Post, "/performer", Scope::Events),
    (Verb::Patch, "/performer/{id}", Scope::Events),
    (Verb::Get, "/changes", Scope::Events),
    (Verb::Post, "/webhook", Scope::Events),
    (Verb::Get, "/webhook", Scope::Events),
    (Verb::Get, "/webhook/{id}", Scope::Events),
    (Verb::Patch, "/webhook/{id}", Scope::Events),
    (Verb::Delete, "/webhook/{id}", Scope::Events),
    (Verb::Post, "/webhook/{id}/rotate", Scope::Events),
    (Verb::Post, "/webhook/{id}/test", Scope::Events),
    (Verb::Post, "/webhook/{id}/replay", Scope::Events),
    (Verb::Get, "/webhook/{id}/delivery", Scope::Events),
    (Verb::Get, "/cluster/member", Scope::Operate),
    (Verb::Post, "/cluster/member/{id}/drain", Scope::Operate),
    (Verb::Post, "/cluster/member/{id}/undrain", Scope::Operate),
    (Verb::Post, "/cluster/group/{group}/leader", Scope::Operate),
    (Verb::Post, "/cluster/rebalance", Scope::Operate),
    (Verb::Post, "/backup", Scope::Operate),
    (Verb::Get, "/backup", Scope::Operate),
    (Verb::Get, "/backup/{id}", Scope::Operate),
    (Verb::Get, "/digest/{group}", Scope::Operate),
    (Verb::Get, "/check/{group}", Scope::Operate),
    (Verb::Get, "/log/{group}", Scope::Operate),
    (Verb::Get, "/status", Scope::Operate),
    (Verb::Get, "/admin/audit", Scope::Operate),
];

/// The scope that a route needs, if keys may use it at all.
pub fn of(route: &Route) -> Option<Scope> {
    ROUTES.iter().find(|(verb, path, _)| *verb == route.method && *path == route.path).map(|(_, _, scope)| *scope)
}

/// A scope's name.
pub fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::Book => "book",
        Scope::Tickets => "tickets",
        Scope::Events => "events",
        Scope::Scan => "scan",
        Scope::Operate => "operate",
    }
}

/// The scope of this name.
pub fn by_name(text: &str) -> Option<Scope> {
    Scope::ALL.into_iter().find(|&scope| name(scope) == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router;

    #[test]
    fn every_listed_route_is_in_the_table() {
        for (verb, path, _) in ROUTES {
            let known = router::ROUTES.iter().any(|route| route.method == *verb && route.path == *path);
            assert!(known, "{verb:?} {path}");
        }
    }

    #[test]
    fn keys_never_manage_accounts() {
        let private = |path: &str| {
            ["/user/password", "/user/email", "/user/guest", "/session", "/key", "/admin/key"].iter().any(|start| path.starts_with(start))
        };
        assert!(ROUTES.iter().all(|(_, path, _)| !private(path)));
        for scope in Scope::ALL {
            assert_eq!(by_name(name(scope)), Some(scope));
        }
    }
}
