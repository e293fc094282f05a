//! The port to the post: what is mailed, and who carries it. The built-in carrier writes files that any mail program can send.

mod files;

use async_trait::async_trait;

pub use files::FileMailer;

/// A letter to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// A normalised address.
    pub to: String,
    /// One line of ASCII.
    pub subject: &'static str,
    /// Lines of text. May hold a link that stands for a right: never log it.
    pub text: String,
}

/// Carries letters.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Takes a letter; once this returns it is not lost by a crash of this node.
    ///
    /// # Errors
    /// When it could not be taken.
    async fn send(&self, letter: Letter) -> std::io::Result<()>;
}

/// What is mailed.
pub mod letters {
    use super::Letter;

    /// A link to set a password.
    pub fn reset(to: String, link: &str) -> Letter {
        let text = format!(
            "Somebody, probably you, wants to set a new password for your account.\n\n{link}\n\n\
             The link works once, for 30 minutes. If it was not you, do nothing: your password stays as it is.\n"
        );
        Letter { to, subject: "Set a new password", text }
    }

    /// A link to confirm a new address.
    pub fn confirm_email(to: String, link: &str) -> Letter {
        let text = format!(
            "Please confirm that this is the new address of your account.\n\n{link}\n\n\
             The link works once, for a day. If you did not ask for it, do nothing.\n"
        );
        Letter { to, subject: "Confirm your new e-mail address", text }
    }

    /// A notice to the address that an account is about to leave.
    pub fn email_changes(to: String, new: &str) -> Letter {
        let text = format!(
            "Your account is about to get another e-mail address: {new}.\n\n\
             If it was not you, change your password now: somebody knows it.\n"
        );
        Letter { to, subject: "Your e-mail address is about to change", text }
    }

    /// A link to what a guest bought.
    pub fn guest_tickets(to: String, link: &str) -> Letter {
        let text = format!(
            "Thank you for your order. Your tickets are here:\n\n{link}\n\n\
             Whoever has this link has the tickets: keep it to yourself. With it you can also open an account with a password, or take\n\
             the tickets into the account that you have. If you did not order anything, somebody mistyped their address: do nothing.\n"
        );
        Letter { to, subject: "Your tickets", text }
    }

    /// A notice that a ticket waits.
    pub fn ticket_offered(to: String, link: &str) -> Letter {
        let text = format!(
            "Somebody wants to give you a ticket. Log in with this e-mail address, or open an account with it, to take it up:\n\n{link}\n\n\
             The offer stands for 7 days. If you do not want it, do nothing: the ticket stays theirs.\n"
        );
        Letter { to, subject: "A ticket is waiting for you", text }
    }

    /// A notice that a webhook was switched off.
    pub fn webhook_given_up(to: String, webhook: &str) -> Letter {
        let text = format!(
            "Nothing arrived at your webhook {webhook} for three days, so it was switched off.\n\n\
             What happened since waits for it, as long as it is kept. When it can be reached again, switch it on.\n"
        );
        Letter { to, subject: "Your webhook was switched off", text }
    }

    /// A notice that the password was changed.
    pub fn password_changed(to: String) -> Letter {
        let text = "The password of your account was changed, and all other devices were logged out.\n\n\
                    If it was not you, set a new one with \"Forgot your password?\" now.\n";
        Letter { to, subject: "Your password was changed", text: text.into() }
    }
}
