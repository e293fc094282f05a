//! Words for days, so that "june", "saturday" and "2026" find what happens then. English, on the clock of the event's city.

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Letters of the short forms.
const SHORT: usize = 3;

/// A day on some city's calendar. A month of 0 stands for a day that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalDay {
    /// Such as 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1, Monday, to 7.
    pub weekday: u8,
}

impl LocalDay {
    /// The words that find this day, one space between them.
    pub(crate) fn words(self) -> String {
        let (Some(month), Some(weekday)) = (nth(&MONTHS, self.month), nth(&WEEKDAYS, self.weekday)) else { return String::new() };
        let suffix = match self.day {
            1 | 21 | 31 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        };
        let (short_month, short_day, day) = (&month[..SHORT], &weekday[..SHORT], self.day);
        format!("{weekday} {short_day} {day} {day}{suffix} {month} {short_month} {}", self.year)
    }

    /// The month as one number that counts on from year to year; none for a day that is not known.
    pub(crate) fn month_number(self) -> Option<u64> {
        (self.month > 0).then(|| u64::from(self.year) * 12 + u64::from(self.month) - 1)
    }
}

/// Such as "2026-07".
pub(crate) fn month_text(number: u64) -> String {
    format!("{:04}-{:02}", number / 12, number % 12 + 1)
}

fn nth(names: &'static [&'static str], number: u8) -> Option<&'static str> {
    usize::from(number).checked_sub(1).and_then(|at| names.get(at)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_words() {
        let day = LocalDay { year: 2026, month: 6, day: 13, weekday: 6 };
        assert_eq!(day.words(), "saturday sat 13 13th june jun 2026");
        assert_eq!(month_text(day.month_number().unwrap()), "2026-06");
        assert_eq!(month_text(LocalDay { month: 12, ..day }.month_number().unwrap()), "2026-12");
        for wrong in [LocalDay::default(), LocalDay { month: 13, ..day }, LocalDay { weekday: 8, ..day }] {
            assert_eq!(wrong.words(), "");
        }
        assert_eq!(LocalDay::default().month_number(), None);
    }
}
