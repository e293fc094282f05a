//! A poster for an event without an image: a drawing that follows from its name, category, date and venue, the same at every node.

use std::fmt::Write;

use boxoffice_ledger::command::{Event, Venue};
use boxoffice_ledger::time::Timestamp;

/// The drawing's size, in its own units.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// How the name is written, the largest first.
const SIZES: [Size; 3] =
    [Size { letters: 14, lines: 3, font: 110 }, Size { letters: 20, lines: 4, font: 84 }, Size { letters: 28, lines: 5, font: 64 }];
/// Letters of the lines below it.
const SMALL_LETTERS: usize = 60;

/// How many letters fit in a line and how many lines on the poster, at a font size.
struct Size {
    letters: usize,
    lines: usize,
    font: u32,
}

/// Draws it as SVG, without scripts or references.
#[must_use]
pub fn draw(event: &Event, venue: &Venue) -> String {
    let dice = *blake3::hash(format!("{}\n{}", event.name, event.category).as_bytes()).as_bytes();
    let hue = u32::from(dice[0]) * 360 / 256;
    let other = (hue + 40 + u32::from(dice[1]) % 100) % 360;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\
         <title>{}</title><defs><linearGradient id=\"g\" x1=\"0\" y1=\"0\" x2=\"1\" y2=\"1\">\
         <stop offset=\"0\" stop-color=\"hsl({hue} 55% 26%)\"/><stop offset=\"1\" stop-color=\"hsl({other} 60% 42%)\"/>\
         </linearGradient></defs><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"url(#g)\"/>",
        escaped(&event.name)
    );
    rows_of_seats(&mut svg, &dice);
    let _ = write!(svg, "<g fill=\"#fff\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">");
    line(&mut svg, 110, 34, 600, 0.8, &shortened(&event.category, SMALL_LETTERS).to_uppercase());
    let (size, name) = name_lines(&event.name);
    for (number, text) in (0..).zip(&name) {
        line(&mut svg, 130 + size + number * (size + size / 8), size, 750, 1.0, text);
    }
    line(&mut svg, HEIGHT - 110, 40, 600, 0.95, &local_day(event.starts_at, &venue.time_zone));
    let place = [venue.name.as_str(), venue.city.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    line(&mut svg, HEIGHT - 58, 34, 400, 0.85, &shortened(&place, SMALL_LETTERS));
    svg.push_str("</g></svg>");
    svg
}

/// Arcs of dots, as seats around a stage; how many and where follows from the dice.
fn rows_of_seats(svg: &mut String, dice: &[u8; 32]) {
    let (x, y) = (820 + u32::from(dice[2]), 560 + u32::from(dice[3]) % 160);
    let gap = 16 + u32::from(dice[4]) % 14;
    svg.push_str("<g fill=\"none\" stroke=\"#fff\" stroke-linecap=\"round\">");
    for row in 0..7 + u32::from(dice[5]) % 5 {
        let radius = 120 + row * 48;
        let opacity = 10 + u32::from(dice[6 + row as usize]) % 22;
        let _ = write!(
            svg,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" stroke-width=\"13\" stroke-dasharray=\"0 {gap}\" opacity=\"0.{opacity}\"/>"
        );
    }
    svg.push_str("</g>");
}

fn line(svg: &mut String, y: u32, size: u32, weight: u32, opacity: f32, text: &str) {
    let text = escaped(text);
    let _ = write!(svg, "<text x=\"72\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" opacity=\"{opacity}\">{text}</text>");
}

/// The font size and the lines of the name: as large as it can be written, shortened if it is too long for the smallest.
fn name_lines(name: &str) -> (u32, Vec<String>) {
    let [.., smallest] = &SIZES;
    let fitting = SIZES.iter().find(|size| wrapped(name, size.letters).len() <= size.lines);
    let size = fitting.unwrap_or(smallest);
    let mut lines = wrapped(name, size.letters);
    if lines.len() > size.lines {
        lines.truncate(size.lines);
        lines.iter_mut().next_back().into_iter().for_each(|last| last.push('\u{2026}'));
    }
    (size.font, lines)
}

/// Lines of at most so many letters, broken between words where that is possible. Wide letters count twice.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split_whitespace() {
        let wide = width(word);
        if room > wide
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
            line.push_str(word);
            room -= wide + 1;
            continue;
        }
        let mut line = String::new();
        room = letters;
        for letter in word.chars() {
            let wide = letter_width(letter);
            if wide > room {
                lines.push(std::mem::take(&mut line));
                room = letters;
            }
            line.push(letter);
            room -= wide;
        }
        lines.push(line);
    }
    lines
}

fn width(text: &str) -> usize {
    text.chars().map(letter_width).sum()
}

fn letter_width(letter: char) -> usize {
    if letter >= '\u{1100}' { 2 } else { 1 }
}

fn shortened(text: &str, letters: usize) -> String {
    let mut lines = wrapped(text, letters).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { first + "\u{2026}" } else { first }
}

/// The day and hour at the venue.
fn local_day(at: Timestamp, zone: &str) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let Ok(at) = jiff::Timestamp::from_microsecond(micros) else { return String::new() };
    at.to_zoned(zone).strftime("%a, %-d %B %Y, %H:%M").to_string()
}

/// Text for XML: without what has a meaning there, and without what may not stand there at all.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control.is_control() => safe.push(' '),
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_between_words_and_are_written_smaller_when_they_are_long() {
        assert_eq!(wrapped("Midnight Radio, live", 14), ["Midnight", "Radio, live"]);
        assert_eq!(wrapped("Donaudampfschiff", 5), ["Donau", "dampf", "schif", "f"]);
        assert_eq!(wrapped("\u{97f3}\u{697d}\u{4f1a}", 4), ["\u{97f3}\u{697d}", "\u{4f1a}"]);
        assert_eq!(wrapped("  ", 4), Vec::<String>::new());
        let sizes = ["Aida", "A concert of the philharmonic orchestra of the city", &"word ".repeat(40)].map(|name| name_lines(name).0);
        assert!(sizes[0] > sizes[1] && sizes[1] >= sizes[2], "{sizes:?}");
        assert!(name_lines(&"word ".repeat(40)).1.last().unwrap().ends_with('\u{2026}'));
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<script>\"&'\u{1}\u{ffff}"), "&lt;script&gt;&quot;&amp;&#39; ");
        assert_eq!(shortened("one two three", 7), "one two\u{2026}");
    }

    #[test]
    fn the_day_is_that_of_the_venue() {
        // 2026-07-19T23:30:00Z is the next day in Berlin.
        let at = Timestamp(1_784_503_800_000_000);
        assert_eq!(local_day(at, "Europe/Berlin"), "Mon, 20 July 2026, 01:30");
        assert_eq!(local_day(at, "Nowhere/At-All"), "Sun, 19 July 2026, 23:30");
    }
}
