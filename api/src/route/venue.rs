//! Venues.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::ids::VenueId;

use super::{Outcome, cacheable, linked, tagged};
use crate::backend::{Freshness, Problem, VenueInput};
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::{Code, HttpProblem};
use crate::import::{self, Fix, ImportError, UnknownFix};
use crate::json::{self, VenueBody, VenueOut, VenuePlanOut, WarningOut};

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest name of a city, in bytes.
pub const CITY_BYTES_MAX: usize = 120;

/// `GET /venue`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let (limit, cursor) = call.page()?;
    let found = edge.backend.venues(call.fresh(Freshness::Local), limit, cursor).await?;
    let list = json::list(found.value.items.iter().map(|venue| VenueOut::new(venue)).collect(), found.value.next.clone());
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    cacheable(&mut response);
    Ok(response)
}

/// `GET /venue/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let venue: VenueId = call.id("id", "venue")?;
    let found = edge.backend.venue(call.fresh(Freshness::Local), venue).await?;
    let mut response = json::read(&found, &VenueOut::new(&found.value));
    cacheable(&mut response);
    Ok(tagged(&call, response, &format!("\"{}\"", found.value.version)))
}

/// `POST /venue`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    put(edge, call, None).await
}

/// `PATCH /venue/{id}`
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let target = (call.id("id", "venue")?, call.if_match()?);
    put(edge, call, Some(target)).await
}

async fn put(edge: Arc<Edge>, call: Call, target: Option<(VenueId, u64)>) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let input = input(&json::parse(&call.body)?, target.is_none())?;
    let done = edge.backend.put_venue(call.context(), caller, request, target, input).await?;
    let status = if target.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = json::written(status, &done, &VenueOut::new(&done.value).at(done.revision));
    if target.is_none() {
        json::put_location(&mut response, &format!("/venue/{}", done.value.id));
    }
    Ok(tagged(&call, response, &format!("\"{}\"", done.value.version)))
}

/// `POST /venue/{id}/plan`
pub async fn put_plan(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let venue: VenueId = call.id("id", "venue")?;
    let fix = call.asked("fix").map_or(Ok(Fix::None), str::parse);
    let fix = fix.map_err(|error: UnknownFix| HttpProblem::field("?fix", "invalid", error.to_string()))?;
    let body = call.body.clone();
    // A chart of some megabytes takes a while to read: not on a thread that answers others.
    let read = tokio::task::spawn_blocking(move || import::read_plan(&body, fix)).await;
    let imported = read.map_err(|_| HttpProblem::new(Code::Internal, "The plan could not be read."))?.map_err(refused)?;
    if let Err(problems) = imported.plan.validate() {
        let problems: Vec<Problem> =
            problems.iter().map(|problem| Problem { pointer: String::new(), code: "invalid_plan", detail: problem.to_string() }).collect();
        return Err(HttpProblem::invalid(&problems));
    }
    let done = edge.backend.put_plan(call.context(), caller, request, venue, imported.plan).await?;
    let venue = VenueOut::new(&done.value).at(done.revision);
    let response = json::written(StatusCode::CREATED, &done, &VenuePlanOut::new(venue, &imported.warnings));
    Ok(tagged(&call, response, &format!("\"{}\"", done.value.version)))
}

/// What was wrong with an upload, and the fix that would make it right, if one alone does.
fn refused(error: ImportError) -> HttpProblem {
    let detail = error.to_string();
    match error {
        ImportError::TooLarge => HttpProblem::new(Code::PayloadTooLarge, detail),
        ImportError::Malformed(_) => HttpProblem::new(Code::MalformedRequest, detail),
        ImportError::UnknownFormat => HttpProblem::field("", "unknown_format", detail),
        ImportError::Invalid(problems) => {
            let problem = HttpProblem::new(Code::ValidationFailed, detail)
                .with("errors", serde_json::to_value(WarningOut::list(&problems)).unwrap_or_default())
                .with("errors_total", problems.total().into());
            match problems.fix() {
                Some(fix) => problem.with("fix", format!("?fix={fix}").into()),
                None => problem,
            }
        }
    }
}

fn input(body: &VenueBody, new: bool) -> Result<VenueInput, HttpProblem> {
    let mut check = Check::default();
    if new {
        for (pointer, field) in [("/name", &body.name), ("/city", &body.city), ("/time_zone", &body.time_zone)] {
            if field.is_none() {
                check.wrong(pointer, "missing", "a new venue needs name, city and time_zone");
            }
        }
    }
    let input = VenueInput {
        name: body.name.as_deref().map(|text| check.line("/name", text, NAME_BYTES_MAX)),
        city: body.city.as_deref().map(|text| check.line("/city", text, CITY_BYTES_MAX)),
        country: body.country.clone(),
        time_zone: body.time_zone.clone(),
    };
    if let Some(country) = &input.country
        && !country.is_empty()
        && !(country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        check.wrong("/country", "invalid", "an ISO 3166 code of two capital letters, such as DE");
    }
    if input.time_zone.as_deref().is_some_and(|zone| !is_time_zone(zone)) {
        check.wrong("/time_zone", "invalid", "an IANA time zone, such as Europe/Berlin");
    }
    check.done()?;
    Ok(input)
}

/// Whether this is the name of a time zone. On a machine without a time-zone database only the form is checked.
fn is_time_zone(name: &str) -> bool {
    let form = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte));
    form && (jiff::tz::db().is_definitively_empty() || jiff::tz::db().get(name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_known_by_name() {
        assert!(is_time_zone("Europe/Berlin") && is_time_zone("UTC"));
        for bad in ["", "../etc/passwd\0", "Europe Berlin", &"x".repeat(65)] {
            assert!(!is_time_zone(bad), "{bad}");
        }
    }
}
