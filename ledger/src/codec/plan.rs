//! Encoding of seating plans, small (a bowl of 82,500 seats takes about 200 kB) and safe to decode from anyone.
//!
//! Rows say what is regular in them: names that count, runs of levels, coordinates as second differences, which are
//! zero along a straight row. Decoding walks the sections itself, so that nothing is allocated beyond the plan's limits.

mod fields;
mod row;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use prost::Message;

use super::{CodecError, common, envelope, wire};
use crate::plan::{Area, LEVELS_MAX, Level, LevelIndex, NAME_BYTES_MAX, Plan, Point, Row, SEATS_MAX, SECTIONS_MAX, Section};
use fields::{Field, Fields};

/// Encodes a plan. The same plan always gives the same bytes, so their hash names it.
#[must_use]
pub fn encode_plan(plan: &Plan) -> Vec<u8> {
    let section =
        |section: &Section| wire::PlanSection { name: section.name.clone(), rows: section.rows.iter().map(row::encode).collect() };
    envelope::encode(&wire::Plan {
        version: envelope::VERSION,
        name: plan.name.clone(),
        levels: plan.levels.iter().map(|level| wire::PlanLevel { name: level.name.clone(), color: level.color }).collect(),
        sections: plan.sections.iter().map(section).collect(),
        areas: plan.areas.iter().map(area).collect(),
        focal_x: plan.focal.x,
        focal_y: plan.focal.y,
    })
}

fn area(area: &Area) -> wire::PlanArea {
    wire::PlanArea { name: area.name.clone(), capacity: area.capacity, level: area.level.0.into(), x: area.at.x, y: area.at.y }
}

/// Decodes a plan. What comes out is within the limits of size, but not yet checked by [`Plan::validate`].
///
/// # Errors
/// [`CodecError::Unknown`] for another version or a field unknown to this build, [`CodecError::Broken`] for bytes that
/// are no plan or a plan over the limits.
pub fn decode_plan(bytes: &[u8]) -> Result<Plan, CodecError> {
    envelope::check_version(bytes)?;
    let mut plan = Plan::default();
    let mut seats_left = SEATS_MAX as usize;
    let mut rows_left = SEATS_MAX as usize;
    for field in Fields::new(bytes) {
        match field? {
            (1, Field::Varint(_)) => {}
            (2, Field::Bytes(name)) => plan.name = read_name(name)?,
            (3, Field::Bytes(level)) => {
                limit("levels", plan.levels.len(), LEVELS_MAX)?;
                let level: wire::PlanLevel = small(level)?;
                plan.levels.push(Level { name: level.name, color: level.color });
            }
            (4, Field::Bytes(section)) => {
                limit("sections", plan.sections.len(), SECTIONS_MAX)?;
                plan.sections.push(read_section(section, &mut rows_left, &mut seats_left)?);
            }
            (5, Field::Bytes(area)) => {
                limit("areas", plan.areas.len(), SECTIONS_MAX)?;
                plan.areas.push(read_area(&small(area)?)?);
            }
            (6, Field::Varint(x)) => plan.focal.x = fields::zigzag(x),
            (7, Field::Varint(y)) => plan.focal.y = fields::zigzag(y),
            (tag, _) => return Err(CodecError::Unknown(format!("field {tag} of a plan"))),
        }
    }
    Ok(plan)
}

fn read_section(bytes: &[u8], rows_left: &mut usize, seats_left: &mut usize) -> Result<Section, CodecError> {
    let mut section = Section::default();
    for field in Fields::new(bytes) {
        match field? {
            (1, Field::Bytes(name)) => section.name = read_name(name)?,
            (2, Field::Bytes(row)) => section.rows.push(read_row(row, rows_left, seats_left)?),
            (tag, _) => return Err(CodecError::Unknown(format!("field {tag} of a section"))),
        }
    }
    Ok(section)
}

fn read_row(bytes: &[u8], rows_left: &mut usize, seats_left: &mut usize) -> Result<Row, CodecError> {
    *rows_left = rows_left.checked_sub(1).ok_or_else(|| CodecError::broken("more rows than a plan may have"))?;
    let row = row::decode(bytes, *seats_left)?;
    *seats_left -= row.seats.len();
    Ok(row)
}

fn read_area(area: &wire::PlanArea) -> Result<Area, CodecError> {
    let level = LevelIndex(common::read_u16(area.level)?);
    Ok(Area { name: area.name.clone(), capacity: area.capacity, level, at: Point { x: area.x, y: area.y } })
}

fn read_name(bytes: &[u8]) -> Result<String, CodecError> {
    let text = core::str::from_utf8(bytes).map_err(|_| CodecError::broken("a name that is not UTF-8"))?;
    limit("bytes of a name", text.len(), NAME_BYTES_MAX + 1)?;
    Ok(text.into())
}

/// A message with nothing but a name and numbers.
fn small<M: Message + Default>(bytes: &[u8]) -> Result<M, CodecError> {
    limit("bytes of a level or an area", bytes.len(), NAME_BYTES_MAX + 64)?;
    envelope::exact(bytes)
}

/// Refuses when `count` has reached `most` already.
fn limit(what: &str, count: usize, most: usize) -> Result<(), CodecError> {
    if count < most { Ok(()) } else { Err(CodecError::Broken(format!("more {what} than {most}"))) }
}

#[cfg(test)]
mod tests;
