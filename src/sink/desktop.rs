//! A notification on this desktop: `notify-send`, or `osascript` on macOS, started with arguments and never by a shell.

use std::{io, path::PathBuf, process::Stdio, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use super::{Sink, SinkError, permanent};
use crate::{
    alert::render::{self, Notice},
    domain::notice::Envelope,
};

/// A desktop that has not taken it by then does not answer. Seconds.
const PATIENCE_SECS: u64 = 10;
/// Obligations that fit on one notification.
const MOST_SHOWN: usize = 3;
/// What it shows on macOS: text comes in as arguments, and is never part of the script.
const SCRIPT: [&str; 3] = [
    "on run argv",
    "display notification (item 3 of argv) with title (item 1 of argv) subtitle (item 2 of argv)",
    "end run",
];

/// `type = "desktop"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the program is, if it is not on the path.
    pub program: Option<PathBuf>,
}

pub struct Desktop {
    name: String,
    program: PathBuf,
}

impl Config {
    pub fn build(self, name: &str) -> Desktop {
        let usual = if cfg!(target_os = "macos") { "osascript" } else { "notify-send" };
        Desktop { name: name.to_owned(), program: self.program.unwrap_or_else(|| PathBuf::from(usual)) }
    }
}

#[async_trait]
impl Sink for Desktop {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, _now: Timestamp) -> Result<(), SinkError> {
        let notice = render::notice(envelope);
        let arguments = if cfg!(target_os = "macos") { osascript } else { notify_send };
        self.run(&arguments(&notice.subject, &body(&notice))).await
    }

    async fn check(&self) -> Result<String, SinkError> {
        let asked = if cfg!(target_os = "macos") { ["-e", "return"] } else { ["--version", "--"] };
        self.run(&asked.map(str::to_owned)).await?;
        Ok(format!("{} is there", self.program.display()))
    }
}

impl Desktop {
    async fn run(&self, arguments: &[String]) -> Result<(), SinkError> {
        let program = self.program.display();
        let mut command = Command::new(&self.program);
        // Names in all scripts come through only in a UTF-8 locale, which a service may lack.
        command.args(arguments).env("LC_ALL", "C.UTF-8").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = timeout(Duration::from_secs(PATIENCE_SECS), command.status()).await;
        let ended = ended.map_err(|_| SinkError::Transient(format!("{program}: the desktop does not answer")))?;
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(SinkError::Transient(format!(
                "{program} ended with {status}: is there a desktop session, with DBUS_SESSION_BUS_ADDRESS set?"
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(permanent(format!(
                "{program} is not there; install it (Debian: libnotify-bin), set program to where it is, or remove the sink"
            ))),
            Err(error) => Err(permanent(format!("{program}: {error}"))),
        }
    }
}

/// The first few, a line each.
fn body(notice: &Notice) -> String {
    let mut lines: Vec<String> = notice.opening.iter().filter(|_| notice.items.is_empty()).cloned().collect();
    for item in notice.items.iter().take(MOST_SHOWN) {
        let quote = if item.quote.is_words { format!("“{}”", item.quote.text) } else { item.quote.text.clone() };
        if notice.items.len() == 1 {
            lines.extend([item.lead.clone(), item.due.clone(), quote]);
            lines.push(item.thread_url.clone().unwrap_or_else(|| item.show.clone()));
        } else {
            lines.push(format!("{} {}", item.headline, item.due));
        }
    }
    let more = notice.items.len().saturating_sub(MOST_SHOWN) + notice.left_out;
    if more > 0 {
        lines.push(format!("{more} more; `bluf alerts` lists them."));
    }
    lines.join("\n")
}

/// The body may hold markup and escapes of its own, so both are taken out of it; nothing is read as an option.
fn notify_send(subject: &str, body: &str) -> Vec<String> {
    let body = body.replace('\\', r"\\").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ["--app-name=bluf", "--category=im", "--", subject, &body].map(str::to_owned).to_vec()
}

fn osascript(subject: &str, body: &str) -> Vec<String> {
    let script = SCRIPT.iter().flat_map(|line| ["-e", line]);
    script.chain(["bluf", subject, body]).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_an_argument_and_never_an_option_or_markup() {
        let shown = notify_send("--help", r"<b>\074i\076 & </b>");
        assert_eq!(shown[2..], ["--", "--help", r"&lt;b&gt;\\074i\\076 &amp; &lt;/b&gt;"]);
        let shown = osascript("\" & do shell script \"x", "b");
        assert_eq!(shown[6..], ["bluf", "\" & do shell script \"x", "b"]);
        assert!(!shown[..6].concat().contains("do shell"));
    }
}
