//! The fixed words of an event: what kind of operation, how it ended, how much it matters.

use crate::text::words;

words! {
    /// What kind of thing an action does.
    Operation {
        /// Something new came into being.
        Create = "create",
        /// Something was looked at.
        Read = "read",
        /// Something was changed.
        Update = "update",
        /// Something was removed.
        Delete = "delete",
        /// A right was given.
        Grant = "grant",
        /// A right was taken away.
        Revoke = "revoke",
        /// A session began.
        Login = "login",
        /// A session ended.
        Logout = "logout",
        /// A version was brought into use.
        Deploy = "deploy",
        /// Somebody agreed to something.
        Approve = "approve",
        /// Data left the system.
        Export = "export",
        /// Something was run.
        Execute = "execute",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// How an action ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It was tried and did not work.
        Failure = "failure",
        /// It was not allowed.
        Denied = "denied",
        /// The producer could not tell.
        Unknown = "unknown",
    }
}

words! {
    /// Decides sampling, retention, fail policy and alert routing.
    Class {
        /// Never sampled, kept longest.
        Critical = "critical",
        /// The ordinary class.
        Standard = "standard",
        /// Many and cheap: may be sampled by policy.
        Bulk = "bulk",
    }
}

words! {
    /// How much attention an event asks for, from none to all.
    Severity {
        /// For the record only.
        Informational = "informational",
        /// Worth a look some day.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Look soon.
        High = "high",
        /// Look now.
        Critical = "critical",
    }
}

words! {
    /// The way an actor came in.
    Via {
        /// A graphical or web interface.
        Ui = "ui",
        /// A programming interface.
        Api = "api",
        /// A command line.
        Cli = "cli",
        /// The Model Context Protocol.
        Mcp = "mcp",
        /// A build or delivery pipeline.
        Pipeline = "pipeline",
        /// A control loop that brings about a wanted state.
        Controller = "controller",
    }
}

words! {
    /// What kind of actor did it.
    ActorType {
        /// A person.
        User = "user",
        /// A program with its own account.
        Service = "service",
        /// A program that decides by itself what to do next.
        Agent = "agent",
        /// The platform itself.
        System = "system",
        /// The producer could not tell.
        Unknown = "unknown",
    }
}
