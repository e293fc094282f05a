//! A ticket's code as a drawing for a screen: nothing but the symbol, with a title that a screen reader says.

use std::fmt::Write as _;

use super::Printed;
use super::qr::Symbol;

/// Light squares around the symbol, as its standard asks.
pub const QUIET: usize = 4;

/// The drawing; `None` if the code fits no symbol.
#[must_use]
pub fn draw(printed: &Printed<'_>) -> Option<String> {
    let symbol = Symbol::of(printed.code)?;
    let side = symbol.width + 2 * QUIET;
    let title = escape(&format!("Ticket code: {}, {}, {}", printed.event.name, printed.starts(), printed.place()));
    let mut path = String::with_capacity(symbol.width * symbol.width * 4);
    for (x, y, length) in symbol.runs() {
        write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET).ok()?;
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-labelledby=\"t\" \
         shape-rendering=\"crispEdges\"><title id=\"t\">{title}</title><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>\n"
    ))
}

/// Text as XML wants it. Control characters have no place in XML at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
