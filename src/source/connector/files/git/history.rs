//! Which commits touched which documents, and under what name a document went before.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gix::{
    ObjectId,
    bstr::ByteSlice,
    diff::tree::{Recorder, State, recorder},
    objs::TreeRefIter,
    revision::walk::Sorting,
    traverse::commit::simple::CommitTimeOrder,
};
use jiff::{Timestamp, tz::Offset};

use super::Scope;
use crate::domain::Moment;

/// Commits that are looked at, newest first. What lies before is as if it had not been.
const MOST_COMMITS: usize = 100_000;
/// A commit that touches more documents than this is housekeeping and says nothing about any of them.
pub(super) const MOST_TOUCHED: usize = 20;
/// Documents added are compared with documents removed as long as there are no more pairs than this.
const MOST_PAIRS: usize = 100;
/// A document was renamed when the new one shares at least this part of its lines with the old.
const SHARED_LINES: f64 = 0.5;

/// A commit that touched a document.
#[derive(Debug)]
pub(super) struct Commit {
    pub id: ObjectId,
    pub author: String,
    pub at: Option<Moment>,
    /// The first line of its message.
    pub summary: String,
    is_merge: bool,
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    path: String,
    /// `None` where it was removed.
    blob: Option<ObjectId>,
    /// What it was before; `None` where there was nothing of that path, or of the path it was renamed from.
    before: Option<ObjectId>,
    /// What a renamed document was called before.
    from: Option<String>,
}

/// A document as one commit left it.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub commit: Arc<Commit>,
    pub blob: ObjectId,
    /// What the commit found.
    pub before: Option<ObjectId>,
    pub path: String,
    pub from: Option<String>,
}

impl Version {
    /// Whether the commit is nobody's word about this document: one over many, or one that joins what others wrote.
    pub(super) fn is_quiet(&self) -> bool {
        self.commit.is_merge || self.commit.changes.len() > MOST_TOUCHED
    }
}

/// What commits did is looked up once; a commit never changes.
#[derive(Debug, Default)]
pub(in super::super) struct Cache {
    commits: HashMap<ObjectId, Arc<Commit>>,
    /// Commits that touch no document.
    others: HashSet<ObjectId>,
}

/// The commits behind `HEAD` that touch documents, newest first.
#[derive(Default)]
pub(super) struct History {
    commits: Vec<Arc<Commit>>,
    /// The place in `commits` and in a commit's changes, by path.
    by_path: HashMap<String, Vec<(usize, usize)>>,
}

impl History {
    pub(super) fn walk(repository: &gix::Repository, head: ObjectId, scope: &Scope, cache: &mut Cache) -> History {
        let sorting = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let mut commits = Vec::new();
        let walk = repository.rev_walk([head]).sorting(sorting).all().into_iter().flatten();
        // A shallow clone ends where its history does.
        for info in walk.map_while(Result::ok).take(MOST_COMMITS) {
            if cache.others.contains(&info.id) {
                continue;
            }
            if let Some(known) = cache.commits.get(&info.id) {
                commits.push(Arc::clone(known));
                continue;
            }
            let parents: Vec<ObjectId> = info.parent_ids.iter().copied().collect();
            let commit = look(repository, info.id, &parents, scope).filter(|commit| !commit.changes.is_empty());
            match commit.map(Arc::new) {
                Some(commit) => {
                    cache.commits.insert(info.id, Arc::clone(&commit));
                    commits.push(commit);
                }
                None => _ = cache.others.insert(info.id),
            }
        }
        let mut by_path: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (at, commit) in commits.iter().enumerate() {
            for (which, change) in commit.changes.iter().enumerate() {
                by_path.entry(change.path.clone()).or_default().push((at, which));
            }
        }
        History { commits, by_path }
    }

    /// The versions of the document that is called `path` now, newest first, under whatever name it went.
    pub(super) fn versions(&self, path: &str) -> Vec<Version> {
        let mut out = Vec::new();
        let mut path = path;
        let mut from = 0;
        'names: loop {
            for (at, which) in self.by_path.get(path).into_iter().flatten().filter(|(at, _)| *at >= from) {
                let Some(commit) = self.commits.get(*at) else { continue };
                let Some(change) = commit.changes.get(*which) else { continue };
                // Removed and come again: what was before is another document.
                let Some(blob) = change.blob else { break 'names };
                out.push(Version {
                    commit: Arc::clone(commit),
                    blob,
                    before: change.before,
                    path: change.path.clone(),
                    from: change.from.clone(),
                });
                match &change.from {
                    Some(older) => {
                        path = older;
                        from = at + 1;
                        continue 'names;
                    }
                    None if change.before.is_none() => break 'names,
                    None => {}
                }
            }
            return out;
        }
        out
    }
}

/// What one commit did to documents. Of a merge only what differs from every parent counts: the rest is another commit's.
fn look(repository: &gix::Repository, id: ObjectId, parents: &[ObjectId], scope: &Scope) -> Option<Commit> {
    let commit = repository.find_commit(id).ok()?;
    let tree = commit.tree().ok()?;
    let mut changes = changes(repository, parents.first().copied(), &tree, scope)?;
    for parent in parents.get(1..).unwrap_or_default() {
        if changes.is_empty() {
            break;
        }
        let others = self::changes(repository, Some(*parent), &tree, scope)?;
        let paths: HashSet<String> = others.into_iter().map(|change| change.path).collect();
        changes.retain(|change| paths.contains(&change.path));
    }
    if parents.len() == 1 {
        find_renames(repository, &mut changes);
    }
    let author = commit.author().ok()?;
    let (name, mail) = (author.name.to_str_lossy(), author.email.to_str_lossy());
    let name = if name.trim().is_empty() { mail.split('@').next().unwrap_or_default() } else { name.trim() };
    let time = author.time().ok();
    let summary = commit.message_raw_sloppy().to_str_lossy();
    Some(Commit {
        id,
        author: name.to_owned(),
        at: time.and_then(|time| moment(time.seconds, time.offset)),
        summary: summary.trim_start().lines().next().unwrap_or_default().trim().to_owned(),
        is_merge: parents.len() > 1,
        changes,
    })
}

/// The documents that differ between a commit's parent and itself.
fn changes(
    repository: &gix::Repository,
    parent: Option<ObjectId>,
    tree: &gix::Tree<'_>,
    scope: &Scope,
) -> Option<Vec<Change>> {
    let before = match parent {
        // The edge of a shallow clone: everything would look new.
        Some(parent) => repository.find_commit(parent).ok()?.tree().ok()?,
        None => repository.empty_tree(),
    };
    let mut recorder = Recorder::default();
    gix::diff::tree(
        TreeRefIter::from_bytes(&before.data, before.id.kind()),
        TreeRefIter::from_bytes(&tree.data, tree.id.kind()),
        State::default(),
        &repository.objects,
        &mut recorder,
    )
    .ok()?;
    let document = |path: &[u8]| path.to_str().ok().and_then(|path| scope.document(path)).map(str::to_owned);
    let change = |record: recorder::Change| match record {
        recorder::Change::Addition { entry_mode, oid, path, .. } if entry_mode.is_blob() => {
            Some(Change { path: document(&path)?, blob: Some(oid), before: None, from: None })
        }
        recorder::Change::Deletion { entry_mode, oid, path, .. } if entry_mode.is_blob() => {
            Some(Change { path: document(&path)?, blob: None, before: Some(oid), from: None })
        }
        recorder::Change::Modification { entry_mode, oid, previous_oid, path, .. } if entry_mode.is_blob() => {
            let blob = (oid != previous_oid).then_some(oid)?;
            Some(Change { path: document(&path)?, blob: Some(blob), before: Some(previous_oid), from: None })
        }
        _ => None,
    };
    Some(recorder.records.into_iter().filter_map(change).collect())
}

/// Gives each added document the name of the removed one it was: the same bytes, or, among few, most of the same lines.
fn find_renames(repository: &gix::Repository, changes: &mut [Change]) {
    let mut removed: Vec<(String, ObjectId)> =
        changes.iter().filter(|c| c.blob.is_none()).filter_map(|c| Some((c.path.clone(), c.before?))).collect();
    let mut added: Vec<&mut Change> = changes.iter_mut().filter(|c| c.before.is_none()).collect();
    let name = |change: &mut Change, (path, blob): (String, ObjectId)| {
        (change.from, change.before) = (Some(path), Some(blob));
    };
    for change in &mut added {
        if let Some(at) = removed.iter().position(|(_, blob)| Some(*blob) == change.blob) {
            name(change, removed.swap_remove(at));
        }
    }
    added.retain(|change| change.from.is_none());
    if removed.len() * added.len() > MOST_PAIRS {
        return;
    }
    let text = |blob: ObjectId| repository.find_blob(blob).ok().map(|blob| blob.data.to_str_lossy().into_owned());
    for change in added {
        let Some(new) = change.blob.and_then(text) else { continue };
        let alike = removed.iter().enumerate().filter_map(|(at, (_, blob))| Some((at, shared(&text(*blob)?, &new))));
        let best = alike.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, share)| *share >= SHARED_LINES);
        if let Some((at, _)) = best {
            name(change, removed.swap_remove(at));
        }
    }
}

/// The part of the longer text's filled lines that the other has too.
fn shared(a: &str, b: &str) -> f64 {
    let lines =
        |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (lines(a), lines(b));
    let mut left: HashMap<&str, usize> = HashMap::new();
    a.iter().for_each(|line| *left.entry(line).or_default() += 1);
    let mut both = 0usize;
    for line in &b {
        if let Some(count) = left.get_mut(line.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            both += 1;
        }
    }
    let longer = a.len().max(b.len()).max(1);
    both as f64 / longer as f64
}

fn moment(seconds: i64, offset_seconds: i32) -> Option<Moment> {
    let instant = Timestamp::from_second(seconds).ok()?;
    Some(Moment::At { instant, offset: Offset::from_seconds(offset_seconds).unwrap_or(Offset::UTC) })
}

#[cfg(test)]
mod tests {
    use super::shared;

    #[test]
    fn a_renamed_document_keeps_most_of_its_lines() {
        assert!(shared("a\nb\nc\n", "a\nb\nx\n") > 0.6);
        assert!(shared("a\nb\n", "c\nd\ne\n") < 0.1);
        assert!(shared("", "") < 0.1);
    }
}
