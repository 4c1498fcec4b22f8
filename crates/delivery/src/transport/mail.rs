//! E-mail: one letter over SMTP, with STARTTLS or TLS and authentication.
//!
//! A letter's `Message-ID` is made of its delivery id, so that a letter that is sent twice after a
//! crash is known as one by the programs that show it.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Answer, Sending, Transport};
use crate::call::chain;
use crate::limits;
use crate::message::{Letter, Message, Payload};

/// How e-mail is sent; the address may hold a password, so `Debug` shows nothing of it.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtp://`, `smtp+starttls://` or `smtps://`, with user and password.
    url: String,
    /// Who letters are from.
    from: Mailbox,
}

impl std::fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailSettings").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Why e-mail cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingsError {
    /// The server's address is none.
    #[error(
        "the mail server's address begins with smtp://, smtp+starttls:// or smtps://, with user and password as in smtps://user:password@mail.example"
    )]
    Url,
    /// The sender is no address.
    #[error("the sender is an address such as audit@acme.example or Acme <audit@acme.example>")]
    From,
}

impl MailSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// See [`MailSettingsError`].
    pub fn new(url: &str, from: &str) -> Result<Self, MailSettingsError> {
        let from = from.parse().map_err(|_| MailSettingsError::From)?;
        let url = match url.split_once("://") {
            Some(("smtp+starttls", rest)) => {
                let joint = if rest.contains('?') { '&' } else { '?' };
                format!("smtp://{rest}{joint}tls=required")
            }
            Some(("smtp" | "smtps", _)) => url.to_owned(),
            _ => return Err(MailSettingsError::Url),
        };
        AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(|_| MailSettingsError::Url)?;
        Ok(Self { url, from })
    }

    /// Returns the bare address that letters are from.
    pub fn address(&self) -> String {
        self.from.email.to_string()
    }
}

/// The mail server.
pub struct Mail {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    settings: MailSettings,
}

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
enum LetterError {
    #[error("the recipient's address cannot be used")]
    Address,
    #[error("the letter cannot be written")]
    Write(#[from] lettre::error::Error),
    #[error("this message is no letter")]
    NoLetter,
}

impl Mail {
    /// Makes a transport; nothing is connected yet.
    ///
    /// # Errors
    /// [`MailSettingsError::Url`].
    pub fn new(settings: &MailSettings) -> Result<Arc<Self>, MailSettingsError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url);
        let smtp = builder
            .map_err(|_| MailSettingsError::Url)?
            .timeout(Some(limits::MESSAGE_DEADLINE))
            .build();
        Ok(Arc::new(Self { smtp, settings: settings.clone() }))
    }

    fn write(&self, message: &Message) -> Result<lettre::Message, LetterError> {
        let Payload::Letter(letter) = &message.payload else { return Err(LetterError::NoLetter) };
        let Letter { to, subject, text, html, unsubscribe } = &**letter;
        let domain = self.settings.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.settings.from.clone())
            .subject(subject.clone())
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        for address in to {
            builder = builder.to(address.parse().map_err(|_| LetterError::Address)?);
        }
        if let Some(unsubscribe) = unsubscribe {
            builder = builder.raw_header(header("List-Unsubscribe", &format!("<{unsubscribe}>")));
        }
        let parts = MultiPart::alternative_plain_html(text.clone(), html.clone());
        Ok(builder.multipart(parts)?)
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

impl Transport for Mail {
    fn send<'a>(&'a self, message: &'a Message, _: i64) -> Sending<'a> {
        Box::pin(async move {
            let failed = |why: String| Answer::Failed { why, retry_after: None };
            let letter = match self.write(message) {
                Ok(letter) => letter,
                Err(error) => return Answer::Refused { why: chain(&error) },
            };
            let deadline = limits::MESSAGE_DEADLINE * 2;
            match tokio::time::timeout(deadline, self.smtp.send(letter)).await {
                Ok(Ok(_)) => Answer::Taken,
                Ok(Err(error)) if is_about_the_letter(&error) => {
                    Answer::Refused { why: chain(&error) }
                }
                Ok(Err(error)) => failed(chain(&error)),
                Err(_) => failed(format!("no answer within {} s", deadline.as_secs())),
            }
        })
    }
}

/// Tells whether the server refused this letter for good: mailbox unavailable, too large, not allowed
/// (550 to 554). A refused login, 530 and 535, is about all letters.
fn is_about_the_letter(error: &SmtpError) -> bool {
    error.is_permanent()
        && error.status().is_some_and(|code| (550..=554).contains(&u16::from(code)))
}

const _: Duration = limits::MESSAGE_DEADLINE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p4_the_forms_of_a_mail_servers_address() {
        let rows = [
            ("smtp://mail.example", true),
            ("smtp+starttls://user:pa%40ss@mail.example:587", true),
            ("smtps://user:pass@mail.example", true),
            ("http://mail.example", false),
            ("mail.example", false),
            ("", false),
        ];
        for (url, expected) in rows {
            let made = MailSettings::new(url, "Acme <audit@acme.example>");
            assert_eq!(made.is_ok(), expected, "{url}");
        }
        assert_eq!(MailSettings::new("smtp://a", "nobody").err(), Some(MailSettingsError::From));
        let secret = MailSettings::new("smtps://u:s3cret@a.example", "a@b.example").expect("made");
        assert!(!format!("{secret:?}").contains("s3cret"));
    }

    #[test]
    fn p4_a_letter_has_two_forms_an_id_and_a_way_out() {
        let settings = MailSettings::new("smtp://a", "Acme <audit@acme.example>").expect("made");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _within = runtime.enter();
        let mail = Mail::new(&settings).expect("made");
        let letter = Letter {
            to: vec!["ann@acme.example".to_owned()],
            subject: "[Acme] MFA Disabled by ann@acme.example".to_owned(),
            text: "text".to_owned(),
            html: "<p>html</p>".to_owned(),
            unsubscribe: Some("https://app.acme.example/audit?notifications=1".to_owned()),
        };
        let payload = Payload::Letter(Box::new(letter));
        let message = Message { id: "evt_1_2".to_owned(), payload };
        let written = mail.write(&message).expect("written").formatted();
        let written = String::from_utf8(written).expect("text").replace("\r\n ", " ");
        for line in [
            "Message-ID: <evt_1_2@acme.example>\r\n",
            "Subject: [Acme] MFA Disabled by ann@acme.example\r\n",
            "List-Unsubscribe: <https://app.acme.example/audit?notifications=1>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(written.contains(line), "{line:?} in {written}");
        }
    }
}
