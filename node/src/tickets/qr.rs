//! The QR symbol of a code.

use qrcode::{Color, EcLevel, QrCode};

/// A square of dark and light squares, without the quiet zone around it.
pub struct Symbol {
    /// Squares to a side.
    pub width: usize,
    dark: Vec<bool>,
}

impl Symbol {
    /// The symbol of a text; survives the loss of about 15 % of its area. `None` when the text is too long for any.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        Some(Self { width: code.width(), dark: code.into_colors().into_iter().map(|color| color == Color::Dark).collect() })
    }

    /// Runs of dark squares as (column, row, length): fewer shapes to draw, and no hair lines between them.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        self.dark.chunks(self.width).enumerate().flat_map(|(y, row)| {
            let mut x = 0;
            std::iter::from_fn(move || {
                x += row[x..].iter().position(|dark| *dark)?;
                let length = row[x..].iter().take_while(|dark| **dark).count();
                x += length;
                Some((x - length, y, length))
            })
        })
    }
}
