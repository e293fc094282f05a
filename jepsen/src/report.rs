//! Plots and one page about a run: latency and throughput over time with the faults shaded, and who did what when. Plain SVG and HTML.

use std::fmt::Write as _;

use crate::history::{Kind, NEMESIS, Record, operations};
use crate::run::{Outcome, Plan};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 300.0;
/// Room for the scales.
const EDGE: f64 = 50.0;
/// More operations are not drawn one by one on the timeline.
const TIMELINE_MAX: usize = 2000;

/// From when to when each fault was, in nanoseconds.
fn windows(records: &[Record]) -> Vec<(String, u64, u64)> {
    let mut found: Vec<(String, u64, u64)> = Vec::new();
    for record in records.iter().filter(|record| record.process == NEMESIS) {
        if let Some(name) = record.f.strip_prefix("start ") {
            found.push((name.to_owned(), record.time, u64::MAX));
        } else if let Some(window) = found.last_mut() {
            window.2 = record.time;
        }
    }
    found
}

struct Plot {
    text: String,
    end: f64,
}

impl Plot {
    fn new(title: &str, records: &[Record]) -> Self {
        let end = records.last().map_or(1.0, |record| record.time as f64 / 1e9).max(1.0);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/><text x=\"{EDGE}\" y=\"14\">{title}</text>\n"
        );
        let mut plot = Self { text: String::new(), end };
        for (name, from, to) in windows(records) {
            let (from, to) = (plot.x(from), plot.x(to.min((end * 1e9) as u64)));
            let (width, height) = ((to - from).max(1.0), HEIGHT - 2.0 * EDGE + 20.0);
            let _ = writeln!(
                text,
                "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#f4c7c3\" \
                 fill-opacity=\"0.6\"><title>{name}</title></rect>",
                EDGE - 20.0
            );
            let _ = writeln!(
                text,
                "<text x=\"{from:.1}\" y=\"{:.1}\" font-size=\"8\" transform=\"rotate(-90 {from:.1} {:.1})\">{name}</text>",
                HEIGHT - EDGE,
                HEIGHT - EDGE
            );
        }
        for tick in 0..=10 {
            let at = end * f64::from(tick) / 10.0;
            let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\">{at:.0} s</text>", plot.x((at * 1e9) as u64), HEIGHT - EDGE + 24.0);
        }
        plot.text = text;
        plot
    }

    fn x(&self, time: u64) -> f64 {
        EDGE + (WIDTH - 2.0 * EDGE) * (time as f64 / 1e9 / self.end).min(1.0)
    }

    fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Ok => "#2f7d32",
        Kind::Fail => "#b58900",
        Kind::Info | Kind::Invoke => "#c62828",
    }
}

/// Each operation's time to its answer, on a logarithmic scale.
#[must_use]
pub fn latency(records: &[Record]) -> String {
    let mut plot = Plot::new("latency: green = happened, yellow = refused, red = not known; shaded = fault", records);
    let y = |seconds: f64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * ((seconds.max(1e-4).log10() + 4.0) / 6.0).min(1.0);
    for power in -4..=2 {
        let at = 10_f64.powi(power);
        let _ = writeln!(plot.text, "<text x=\"4\" y=\"{:.1}\">{at} s</text>", y(at));
    }
    let end = records.last().map_or(0, |record| record.time);
    for op in operations(records) {
        let seconds = (op.to.min(end) - op.from) as f64 / 1e9;
        let (x, y) = (plot.x(op.from), y(seconds));
        let _ = writeln!(plot.text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.2\" fill=\"{}\"/>", colour(op.end));
    }
    plot.finish()
}

/// Completions a second, by how they came out.
#[must_use]
pub fn rate(records: &[Record]) -> String {
    let mut plot = Plot::new("operations a second: green = happened, yellow = refused; shaded = fault", records);
    let seconds = plot.end.ceil() as usize + 1;
    let count = |kind: Kind| {
        let mut counts = vec![0_u32; seconds];
        let of_kind = records.iter().filter(|record| record.process != NEMESIS && record.kind == kind);
        of_kind.for_each(|record| counts[(record.time / 1_000_000_000) as usize % seconds] += 1);
        counts
    };
    let rows = [Kind::Ok, Kind::Fail].map(|kind| (kind, count(kind)));
    let most = rows.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or(1).max(1);
    let _ = writeln!(plot.text, "<text x=\"4\" y=\"{EDGE}\">{most}/s</text>");
    for (kind, counts) in rows {
        let point = |(second, count): (usize, &u32)| {
            let y = HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * f64::from(*count) / f64::from(most);
            format!("{:.1},{y:.1}", plot.x(second as u64 * 1_000_000_000))
        };
        let points: Vec<String> = counts.iter().enumerate().map(point).collect();
        let _ = writeln!(plot.text, "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\"/>", points.join(" "), colour(kind));
    }
    plot.finish()
}

/// One page with everything, to be opened in a browser.
#[must_use]
pub fn page(plan: &Plan, records: &[Record], outcome: &Outcome) -> String {
    let mut text = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{name}: {valid}</title><style>\
         body{{font:14px sans-serif;max-width:1040px;margin:2em auto}}\
         td,th{{padding:2px 8px;text-align:left}}pre{{background:#f6f6f6;padding:8px;overflow:auto}}</style>\n\
         <h1>{name}: {valid}</h1><p>{} operations, {} of them happened. Again: <code>{}</code></p>\n",
        outcome.operations,
        outcome.ok,
        crate::store::again(plan),
        name = plan.workload.name(),
        valid = outcome.valid,
    );
    for what in outcome.void.iter().chain(&outcome.skipped).chain(&outcome.verdict.unknown) {
        let _ = writeln!(text, "<p>{}</p>", escape(what));
    }
    let ops = operations(records);
    for anomaly in &outcome.verdict.anomalies {
        let _ = writeln!(text, "<pre>{}</pre>", escape(&crate::check::explain(&ops, anomaly)));
    }
    let _ = write!(text, "<h2>Latency</h2>{}<h2>Rate</h2>{}<h2>Faults</h2><table>", latency(records), rate(records));
    text.push_str("<tr><th>fault<th>from<th>to<th>without a write<th>\n");
    for fault in &outcome.faults {
        let number = |name: &str| fault[name].as_f64().map_or("-".to_owned(), |seconds| format!("{seconds:.2} s"));
        let (from, to, without) = (number("from_s"), number("to_s"), number("without_service_s"));
        let (name, note) = (fault["fault"].as_str().unwrap_or(""), escape(fault["note"].as_str().unwrap_or("")));
        let _ = writeln!(text, "<tr><td>{name}<td>{from}<td>{to}<td>{without}<td>{note}");
    }
    let _ = write!(text, "</table><h2>Timeline</h2>{}", timeline(records));
    text
}

/// Who did what when: one row a process, one bar an operation.
fn timeline(records: &[Record]) -> String {
    let mut ops = operations(records);
    let all = ops.len();
    ops.truncate(TIMELINE_MAX);
    let end = ops.iter().map(|op| op.from).max().unwrap_or(1).max(1);
    let rows = ops.iter().map(|op| op.process).max().unwrap_or(0) + 1;
    let height = rows * 8 + 20;
    let mut text = format!("<p>The first {} of {all} operations.</p><svg viewBox=\"0 0 {WIDTH} {height}\" font-size=\"6\">\n", ops.len());
    let x = |time: u64| 20.0 + (WIDTH - 30.0) * time.min(end) as f64 / end as f64;
    for op in &ops {
        let (from, y) = (x(op.from), op.process * 8);
        let width = (x(op.to) - from).max(1.0);
        let tip = escape(&format!("{} {} -> {:?} {}", op.f, op.asked, op.end, op.got));
        let _ = writeln!(
            text,
            "<rect x=\"{from:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"6\" fill=\"{}\"><title>{tip}</title></rect>",
            colour(op.end)
        );
    }
    text + "</svg>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
