//! Mail: mbox, Maildir and single messages, threaded.

mod maildir;
mod mbox;
mod message;
mod threading;
mod transfer;

use std::{io, num::NonZero, panic, path::Path, thread};

use sha2::{Digest, Sha256};

use self::message::Letter;
use super::Reading;
use crate::domain::{Fault, Moment, Place, Thread};

pub use self::{maildir::is_maildir, mbox::is_mbox, message::is_eml};

/// Fewer items than this are not worth another thread.
const FEW_ITEMS: usize = 64;

/// Reads every message of an mbox: the classic kind, mboxrd, and what list archives make of it.
pub fn read_mbox(bytes: &[u8], name: &str) -> Reading {
    let mut mail = Mail::new(name);
    let items: Vec<mbox::Item> = mbox::split(bytes).collect();
    let read = each(&items, |item| message::read(&mbox::unquoted(item.bytes), item.postmark));
    for (item, read) in items.iter().zip(read) {
        let place =
            Place { file: Some(name.to_owned()), line: Some(item.line), item: Some(item.number), ..Place::default() };
        if item.is_stray {
            mail.faults.push(Fault::new(place, "text before the first message belongs to none and was left out"));
            continue;
        }
        mail.add(read, place);
    }
    mail.into_reading()
}

/// Reads every message under `folder`: in `cur` and `new`, in nested folders, and placed beside them. `tmp` is skipped,
/// as what lies there is not delivered yet. An error is about `folder` itself; one about what is in it becomes a fault.
pub fn read_maildir(folder: &Path) -> io::Result<Reading> {
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    let mut mail = Mail::new(&name);
    let found = maildir::find(folder)?;
    let read = each(&found, |one| one.read().map(|bytes| bytes.map(|bytes| message::read(&bytes, None))));
    for (one, read) in found.into_iter().zip(read) {
        let place = Place { file: Some(one.shown), ..Place::default() };
        match read {
            Some(Ok(read)) => mail.add(read, place),
            Some(Err(what)) => mail.faults.push(Fault::new(place, what)),
            None => {}
        }
    }
    Ok(mail.into_reading())
}

/// Reads one message.
pub fn read_eml(bytes: &[u8], name: &str) -> Reading {
    let mut mail = Mail::new(name);
    mail.add(message::read(bytes, None), Place { file: Some(name.to_owned()), ..Place::default() });
    mail.into_reading()
}

/// One letter as a thread of its own, for whoever joins it to the others.
#[derive(Debug)]
pub(super) struct Single {
    /// Its id is that of the first letter it refers to, or the letter's own.
    pub thread: Thread,
    /// The letters it refers to, the one it answers last.
    pub joins: Vec<String>,
    /// What of it could not be read.
    pub doubts: Vec<String>,
}

/// Reads one letter of `mailbox`. One without a `Message-ID` is known by its bytes. `Err` says why there is none.
pub(super) fn read_single(bytes: &[u8], delivered_at: Option<Moment>, mailbox: &str) -> Result<Single, String> {
    let (mut letter, doubts) = message::read(bytes, delivered_at)?;
    let id = letter.id.get_or_insert_with(|| {
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("sha256-{hex}")
    });
    let joins: Vec<String> = letter.chain.iter().filter(|other| *other != id).cloned().collect();
    let mut threads = threading::threads(vec![letter], mailbox);
    let mut thread = threads.pop().ok_or("holds no letter; left out")?;
    if let Some(first) = joins.first() {
        first.clone_into(&mut thread.id);
    }
    for message in &mut thread.messages {
        message.reply_to = joins.last().cloned();
    }
    thread.channel.get_or_insert_with(|| mailbox.to_owned());
    Ok(Single { thread, joins, doubts })
}

/// Messages of one input as they are gathered.
struct Mail<'n> {
    name: &'n str,
    letters: Vec<Letter>,
    faults: Vec<Fault>,
    items: usize,
}

impl<'n> Mail<'n> {
    fn new(name: &'n str) -> Mail<'n> {
        Mail { name, letters: Vec::new(), faults: Vec::new(), items: 0 }
    }

    /// Adds what [`message::read`] made of the next item.
    fn add(&mut self, read: Result<(Letter, Vec<String>), String>, place: Place) {
        self.items += 1;
        match read {
            Err(what) => self.faults.push(Fault::new(place, what)),
            Ok((mut letter, doubts)) => {
                self.faults.extend(doubts.into_iter().map(|what| Fault::new(place.clone(), what)));
                letter.item = self.items;
                self.letters.push(letter);
            }
        }
    }

    fn into_reading(self) -> Reading {
        Reading { threads: threading::threads(self.letters, self.name), faults: self.faults }
    }
}

/// What `work` makes of each of `items`, in their order. All processors take part: a first import of years of mail is
/// waited for.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = if items.len() < FEW_ITEMS { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) };
    let part = |items: &[T]| -> Vec<R> { items.iter().map(&work).collect() };
    if workers == 1 {
        return part(items);
    }
    thread::scope(|scope| {
        let shares: Vec<_> =
            items.chunks(items.len().div_ceil(workers)).map(|share| scope.spawn(|| part(share))).collect();
        shares.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests;
