//! The demo's stories: one made-up workspace per preset, told as events of the JSON contract.
//!
//! A story is a pure function of the moment it is told at: the seed is fixed, every time counts back
//! from that moment, ids and the number of events never vary. So a demo that is started again and
//! sends its stories again adds nothing. Names, companies and addresses are invented; addresses come
//! from the documentation ranges (RFC 5737, RFC 3849), mail domains end in `.example` (RFC 2606).
//!
//! What stays out: sending, workspaces, printing. The verb `demo` does these.

mod clickfunnels;
mod clienwork;
mod crm;
mod messagehub;
mod stage;
mod thing;

use proofbook_event::Timestamp;

/// One workspace with its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The workspace's name, as in the path of its address.
    pub workspace: &'static str,
    /// The customer's name for it.
    pub title: &'static str,
    /// The preset it uses.
    pub preset: &'static str,
    /// The plan it has in the end; one of the preset's retention plans.
    pub plan: &'static str,
    /// The plan to put it on until its events are in, where the story reaches back further than
    /// `plan` keeps (such events are refused as outside their retention otherwise). Changing to
    /// `plan` afterwards is what shows retention at work.
    pub plan_while_loading: Option<&'static str>,
    /// Who owns it and gets its mails.
    pub owner: Owner,
    /// Where the product lives that the events link to.
    pub app_url: &'static str,
    /// The events as JSON texts, oldest first; each names its workspace and has an id of its own.
    pub events: Vec<String>,
    /// What is worth a look.
    pub tries: &'static [Try],
}

/// The owner of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Full name.
    pub name: &'static str,
    /// E-mail address, under `.example`.
    pub email: &'static str,
}

/// Something to try in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// The question, in a reader's words.
    pub question: &'static str,
    /// The filter that answers it.
    pub query: &'static str,
}

/// Tells all stories, one per preset, as they stand at `now`.
pub fn stories(now: Timestamp) -> Vec<Story> {
    vec![
        clickfunnels::story(now),
        messagehub::story(now),
        crm::cloudfon(now),
        crm::freshsales(now),
        clienwork::story(now),
    ]
}

#[cfg(test)]
mod tests;
