//! The closed vocabularies of the contract, each a small enum with its wire word.

use core::fmt;

/// Declares an enum whose variants are words of the wire format.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every word, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Finds the variant of a wire word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// Finds the variant of a number written by `self as u8`.
            pub fn from_u8(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// How the act ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It was tried and did not work.
        Failure = "failure",
        /// It was refused for lack of permission.
        Denied = "denied",
    }
}

vocabulary! {
    /// How much attention an event asks for.
    Severity {
        /// Everyday.
        Info = "info",
        /// Worth a look.
        Notice = "notice",
        /// Should be looked at.
        Warning = "warning",
        /// Must be looked at now.
        Critical = "critical",
    }
}

vocabulary! {
    /// The class of an action.
    Verb {
        /// Something came into being.
        Create = "create",
        /// Something was looked at.
        Read = "read",
        /// Something changed.
        Update = "update",
        /// Something went away.
        Delete = "delete",
        /// A session began or ended.
        Login = "login",
        /// None of the others.
        Other = "other",
    }
}

vocabulary! {
    /// What kind of party acted.
    ActorType {
        /// A person.
        User = "user",
        /// The product itself.
        System = "system",
        /// A program holding a key.
        ApiKey = "api_key",
        /// Another service.
        Service = "service",
        /// An AI agent.
        Agent = "agent",
        /// The vendor's support staff.
        Support = "support",
        /// Nobody known.
        Anonymous = "anonymous",
    }
}

vocabulary! {
    /// The way by which an act came in.
    Channel {
        /// A user interface.
        Ui = "ui",
        /// An API call.
        Api = "api",
        /// A command line.
        Cli = "cli",
        /// A model-context-protocol client.
        Mcp = "mcp",
        /// A background job.
        Job = "job",
        /// An import of older events.
        Import = "import",
    }
}
