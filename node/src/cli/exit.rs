//! What the exit codes of commands mean, and which one an error has.

use std::process::ExitCode;

use boxoffice_api::client::ClientError;

/// For people, at the end of `boxoffice --help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    not found
  4    conflict: the seat is taken, the hold is over
  5    not permitted
  6    unavailable or no quorum: nothing happened
  7    outcome unknown: it may have happened, retry with the same key
  8    a check found a violation
  130  interrupted";

/// A check found a violation.
pub const VIOLATION: u8 = 8;

/// The exit code of a failed command.
pub fn of(error: &anyhow::Error) -> ExitCode {
    let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) else { return ExitCode::FAILURE };
    ExitCode::from(match error {
        ClientError::Refused { status, .. } => of_status(*status),
        ClientError::Unavailable(_) => 6,
        ClientError::Unknown => 7,
        ClientError::Answer(_) => 1,
    })
}

fn of_status(status: u16) -> u8 {
    match status {
        404 => 3,
        402 | 409 | 410 | 412 => 4,
        401 | 403 => 5,
        429 | 503 => 6,
        504 => 7,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_codes_that_the_help_promises() {
        assert_eq!([404, 409, 410, 403, 503, 504, 422].map(of_status), [3, 4, 4, 5, 6, 7, 1]);
    }
}
