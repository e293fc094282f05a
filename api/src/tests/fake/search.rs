//! The search half of the fake: everything finds the one event.

use async_trait::async_trait;

use super::*;

#[async_trait]
impl Search for Fake {
    async fn search_events(&self, cx: Context, query: &SearchQuery, limit: usize, _: Option<&str>) -> Answer<Read<Found>> {
        self.enter(&format!("search {} {:?} {limit}", query.text, query.city))?;
        let value =
            |facet: Facet| FacetValue { value: format!("{facet:?}"), name: (facet == Facet::Venue).then(|| "Hall".to_owned()), events: 1 };
        let hit = FoundEvent { view: self.view(None), availability: Availability::Few };
        let facets = query.facets.iter().map(|facet| (*facet, vec![value(*facet)])).collect();
        self.read(cx, Found { items: vec![hit], next: None, facets })
    }

    async fn suggest(&self, cx: Context, typed: &str, limit: usize) -> Answer<Read<Vec<Suggestion>>> {
        self.enter(&format!("suggest {typed} {limit}"))?;
        self.read(cx, vec![Suggestion { kind: SuggestionKind::Performer, text: "Midnight Radio".into(), events: 1 }])
    }
}
