//! A ticket as a page for a printer: A4, the fonts that every reader has, drawn without any picture. The code is drawn as
//! shapes, so that it is sharp at any size.

use boxoffice_ledger::money::Currency;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::map::{Excerpt, around};
use super::qr::Symbol;
use super::text::{encode, width};
use super::{Printed, moment};

const PAGE: (f32, f32) = (595.0, 842.0);
const LEFT: f32 = 56.0;
const RIGHT: f32 = PAGE.0 - LEFT;
const PLAIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

const TERMS: [&str; 5] = [
    "This code admits its bearer. Whoever shows it first comes in: do not publish a picture of it.",
    "If you give the ticket to someone else or have it refunded, this page is void at once.",
    "Please come in through any open gate while the doors are open, and keep the ticket until you leave.",
    "The code can also be shown on a screen. Turn the brightness up.",
    "The organiser's terms of sale and the house rules of the venue apply.",
];

/// The page; `None` if the code fits no symbol.
#[must_use]
pub fn draw(printed: &Printed<'_>) -> Option<Vec<u8>> {
    let symbol = Symbol::of(printed.code)?;
    let mut page = Page { content: Content::new(), exact: true };
    page.header(printed);
    page.symbol(&symbol, LEFT, 350.0, 230.0);
    if let Some(excerpt) = around(printed.plan, printed.ticket) {
        page.map(&excerpt, RIGHT - 210.0, 360.0, 210.0);
    }
    page.footer(printed);
    Some(page.finish(printed))
}

/// A page under way.
struct Page {
    content: Content,
    /// Whether every letter so far could be printed as it is.
    exact: bool,
}

impl Page {
    fn header(&mut self, printed: &Printed<'_>) {
        self.content.set_fill_gray(0.1);
        let mut y = 772.0;
        for line in wrap(&printed.event.name, 24.0 * 1.06, RIGHT - LEFT, 2) {
            self.line(BOLD, 24.0, LEFT, y, &line);
            y -= 29.0;
        }
        self.line(PLAIN, 13.0, LEFT, y, &printed.starts());
        let venue = printed.venue;
        let place = if venue.country.is_empty() { venue.city.clone() } else { format!("{}, {}", venue.city, venue.country) };
        y -= 19.0;
        for line in wrap(&format!("{}, {place}", venue.name), 13.0, RIGHT - LEFT, 2) {
            self.line(PLAIN, 13.0, LEFT, y, &line);
            y -= 17.0;
        }
        self.rule(y);
        self.place(printed, y - 26.0);
    }

    /// Section, row and seat, large.
    fn place(&mut self, printed: &Printed<'_>, y: f32) {
        let ticket = printed.ticket;
        let fields = if ticket.seat.is_some() {
            vec![("Section", ticket.section.as_str()), ("Row", ticket.row.as_str()), ("Seat", ticket.seat_name.as_str())]
        } else {
            vec![("Area", ticket.section.as_str())]
        };
        let column = (RIGHT - LEFT) / fields.len() as f32;
        for (number, (label, value)) in fields.into_iter().enumerate() {
            let x = LEFT + column * number as f32;
            self.content.set_fill_gray(0.4);
            self.line(PLAIN, 10.0, x, y, label);
            self.content.set_fill_gray(0.0);
            let size = fit(value, 22.0, column - 12.0);
            self.line(BOLD, size, x, y - 25.0, value);
        }
    }

    fn symbol(&mut self, symbol: &Symbol, x: f32, y: f32, side: f32) {
        // Two squares of light within, and more outside: the page is light too, and nothing stands close.
        let unit = side / (symbol.width + 4) as f32;
        self.content.set_fill_gray(0.0);
        for (column, row, length) in symbol.runs() {
            let (left, top) = (x + unit * (column + 2) as f32, y + side - unit * (row + 2) as f32);
            self.content.rect(left, top - unit, unit * length as f32, unit);
        }
        self.content.fill_nonzero();
    }

    /// The seats around, the own one marked, and where the stage is. Downwards in the plan is downwards on the page.
    fn map(&mut self, excerpt: &Excerpt, x: f32, y: f32, side: f32) {
        self.content.set_stroke_gray(0.75).set_line_width(0.8).rect(x, y, side, side).stroke();
        let on_page = |(right, down): (f32, f32)| (x + right * side, y + (1.0 - down) * side);
        self.content.set_fill_gray(0.72);
        let radius = excerpt.radius * side;
        for &seat in &excerpt.seats {
            let (cx, cy) = on_page(seat);
            self.content.rect(cx - radius, cy - radius, 2.0 * radius, 2.0 * radius);
        }
        self.content.fill_nonzero();
        let (cx, cy) = on_page(excerpt.place);
        self.content.set_fill_rgb(0.8, 0.05, 0.15);
        circle(&mut self.content, cx, cy, (radius * 1.9).max(3.5));
        self.content.fill_nonzero();
        self.content.set_stroke_rgb(0.8, 0.05, 0.15).set_line_width(1.4);
        circle(&mut self.content, cx, cy, (radius * 3.2).max(7.0));
        self.content.stroke();
        if let Some((right, down)) = excerpt.towards {
            let far = side * 0.42;
            let from = (cx + right * (radius * 3.2).max(7.0), cy - down * (radius * 3.2).max(7.0));
            let to = (cx + right * far, cy - down * far);
            arrow(&mut self.content, from, to);
        }
        self.content.set_fill_gray(0.4);
        let caption = if excerpt.towards.is_some() { "Your place; the arrow points to the stage or pitch" } else { "Your place" };
        self.line(PLAIN, 8.5, x, y - 12.0, caption);
    }

    fn footer(&mut self, printed: &Printed<'_>) {
        let ticket = printed.ticket;
        let (open, close) = printed.event.terms.entry.doors(printed.event.starts_at);
        let zone = &printed.venue.time_zone;
        self.rule(326.0);
        self.content.set_fill_gray(0.1);
        let paid = if ticket.price == 0 { "free".to_owned() } else { amount(ticket.price, ticket.currency) };
        let mut y = 304.0;
        for text in [
            format!("Doors open: {}", moment(open, zone)),
            format!("Doors close: {}", moment(close, zone)),
            format!("Price: {paid}"),
            format!("Ticket {} (issue {})", ticket.id, ticket.epoch),
            format!("Order {}", ticket.order),
        ] {
            self.line(PLAIN, 10.5, LEFT, y, &text);
            y -= 16.0;
        }
        self.rule(y);
        self.line(BOLD, 10.5, LEFT, y - 20.0, "Good to know");
        y -= 37.0;
        for text in TERMS {
            self.line(PLAIN, 9.5, LEFT, y, text);
            y -= 14.0;
        }
        if !self.exact {
            let note = "Some letters of this ticket are not in the printer's fonts: they are printed as the nearest ones or as \"?\".";
            self.content.set_fill_gray(0.4);
            self.line(PLAIN, 8.5, LEFT, y - 6.0, note);
        }
    }

    fn line(&mut self, font: Name<'_>, size: f32, x: f32, y: f32, text: &str) {
        let (bytes, exact) = encode(text);
        self.exact &= exact;
        self.content.begin_text().set_font(font, size).next_line(x, y).show(Str(&bytes)).end_text();
    }

    fn rule(&mut self, y: f32) {
        self.content.set_stroke_gray(0.8).set_line_width(0.8).move_to(LEFT, y).line_to(RIGHT, y).stroke();
    }

    /// Wraps the page up as a file.
    fn finish(self, printed: &Printed<'_>) -> Vec<u8> {
        let [catalog, pages, page, plain, bold, content, info] = [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
        let mut pdf = Pdf::new();
        let mut root = pdf.catalog(catalog);
        root.pages(pages).lang(TextStr("en"));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.pages(pages).kids([page]).count(1);
        let mut leaf = pdf.page(page);
        leaf.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(pages).contents(content);
        leaf.resources().fonts().pair(PLAIN, plain).pair(BOLD, bold);
        leaf.finish();
        pdf.type1_font(plain).base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
        pdf.type1_font(bold).base_font(Name(b"Helvetica-Bold")).encoding_predefined(Name(b"WinAnsiEncoding"));
        pdf.stream(content, &self.content.finish());
        pdf.document_info(info)
            .title(TextStr(&format!("Ticket: {}, {}", printed.event.name, printed.place())))
            .creator(TextStr("boxoffice"));
        pdf.finish()
    }
}

/// Four curves that make a circle.
fn circle(content: &mut Content, x: f32, y: f32, radius: f32) {
    let bend = radius * 0.552_284_8;
    content.move_to(x + radius, y);
    content.cubic_to(x + radius, y + bend, x + bend, y + radius, x, y + radius);
    content.cubic_to(x - bend, y + radius, x - radius, y + bend, x - radius, y);
    content.cubic_to(x - radius, y - bend, x - bend, y - radius, x, y - radius);
    content.cubic_to(x + bend, y - radius, x + radius, y - bend, x + radius, y);
    content.close_path();
}

fn arrow(content: &mut Content, from: (f32, f32), to: (f32, f32)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(0.01);
    let (ux, uy) = (dx / length * 6.0, dy / length * 6.0);
    content.move_to(from.0, from.1).line_to(to.0, to.1).stroke();
    content.move_to(to.0 - ux - uy * 0.6, to.1 - uy + ux * 0.6).line_to(to.0, to.1);
    content.line_to(to.0 - ux + uy * 0.6, to.1 - uy - ux * 0.6).stroke();
}

/// The largest size up to `size` at which a text is at most `room` wide.
fn fit(text: &str, size: f32, room: f32) -> f32 {
    let needed = width(&encode(text).0) as f32 / 1000.0 * 1.06 * size;
    if needed > room { size * room / needed } else { size }
}

/// A text in lines of at most `room`, broken between words; what does not fit into `most` lines ends with an ellipsis.
fn wrap(text: &str, size: f32, room: f32, most: usize) -> Vec<String> {
    let fits = |line: &str| width(&encode(line).0) as f32 / 1000.0 * size <= room;
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        let longer = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
        if fits(&longer) || last.is_empty() {
            *last = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    let cut = lines.len() > most;
    lines.truncate(most);
    let count = lines.len();
    for (number, line) in lines.iter_mut().enumerate() {
        let more = cut && number + 1 == count;
        if more || !fits(line) {
            while !line.is_empty() && !fits(&format!("{line}\u{2026}")) {
                line.pop();
            }
            line.push('\u{2026}');
        }
    }
    lines
}

/// An amount with its currency's decimals, as most have two.
fn amount(minor: u64, currency: Currency) -> String {
    let digits = match currency.code() {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XAF" | "XOF" | "PYG" | "UGX" => 0,
        "BHD" | "KWD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD" => 3,
        _ => 2,
    };
    let scale = 10_u64.pow(digits);
    let code = currency.code();
    if digits == 0 {
        format!("{minor} {code}")
    } else {
        format!("{}.{:0places$} {code}", minor / scale, minor % scale, places = digits as usize)
    }
}
