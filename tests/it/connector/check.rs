//! What holds for every connector that pulls from a service.

use std::time::Duration;

use bluf::source::connector::{Source, SourceError, registry::SourceConfig};

use super::{
    fake::{Health, Service, World},
    fold::{Fold, pull_to_end},
};
use crate::support::root;

/// Proves the rules of connectors for a kind; its items are a snapshot.
pub async fn check<S: Service>() {
    assert!(SourceConfig::KINDS.contains(&S::NAME));
    let world = World::<S>::start().await;
    let mut all = Fold::default();
    let cursors = pull_to_end(world.source().as_ref(), None, &mut all).await;
    insta::assert_snapshot!(S::NAME, all.text());
    assert!(!all.poisoned.is_empty(), "the fixture has an item that cannot be read");

    nothing_new(&world, &cursors, &all).await;
    any_cursor(&world, &cursors, &all).await;
    a_new_process_each_time(&world, &all).await;
    bad_days(&world, &cursors, &all).await;
    in_a_circle(&world).await;
    only_its_host(&world);
    let whoami = world.source().check().await.expect("the service is well");
    assert!(!whoami.account.is_empty());
}

async fn nothing_new<S: Service>(world: &World<S>, cursors: &[bluf::domain::Cursor], all: &Fold) {
    let source = world.source();
    let mut again = all.clone();
    let mut cursor = cursors.last().cloned();
    for _ in 0..3 {
        let page = source.pull(cursor.as_ref()).await.expect("the service is well");
        assert!(page.items.is_empty() && !page.more, "pulled again, it brings {:?}", page.items);
        again.take(&page);
        cursor = Some(page.next);
    }
    assert_eq!(&again, all);
}

async fn any_cursor<S: Service>(world: &World<S>, cursors: &[bluf::domain::Cursor], all: &Fold) {
    for cursor in cursors {
        let mut again = all.clone();
        pull_to_end(world.source().as_ref(), Some(cursor), &mut again).await;
        assert_eq!(again.text(), all.text(), "from {cursor:?}");
    }
    let mut from_nothing = all.clone();
    pull_to_end(world.source().as_ref(), None, &mut from_nothing).await;
    assert_eq!(&from_nothing, all);
}

async fn a_new_process_each_time<S: Service>(world: &World<S>, all: &Fold) {
    let (mut fold, mut cursor) = (Fold::default(), None);
    for _ in 0..200 {
        let page = world.source().pull(cursor.as_ref()).await.expect("the service is well");
        fold.take(&page);
        cursor = Some(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!(&fold, all);
}

/// Whatever happens to the service, nothing is lost: once it is well, the end is the same.
async fn bad_days<S: Service>(world: &World<S>, cursors: &[bluf::domain::Cursor], all: &Fold) {
    let pull = async |health, cursor| {
        world.set(health);
        let outcome = world.source().pull(cursor).await;
        world.set(Health::Well);
        outcome
    };
    for cursor in [None, cursors.last()] {
        let limited = pull(Health::Limited, cursor).await;
        let seventeen = Duration::from_secs(17);
        assert!(
            matches!(limited, Err(SourceError::RateLimited { retry_after }) if retry_after == seventeen),
            "{limited:?}"
        );
        let down = pull(Health::Down, cursor).await;
        assert!(matches!(down, Err(SourceError::Transient(_))), "{down:?}");
        match pull(Health::CutShort, cursor).await {
            Err(SourceError::Transient(what)) => {
                assert!(what.contains("127.0.0.1") && what.contains("breaks off"), "{what}")
            }
            other => panic!("a page that breaks off came to {other:?}"),
        }
    }
    let mut fold = Fold::default();
    pull_to_end(world.source().as_ref(), None, &mut fold).await;
    assert_eq!(&fold, all);
}

async fn in_a_circle<S: Service>(world: &World<S>) {
    world.set(Health::Circling);
    let before = world.requests();
    let (source, mut cursor, mut fold) = (world.source(), None, Fold::default());
    for _ in 0..20 {
        let Ok(page) = source.pull(cursor.as_ref()).await else { break };
        fold.take(&page);
        if !page.more {
            break;
        }
        cursor = Some(page.next);
    }
    let asked = world.requests() - before;
    assert!(asked < 1000, "{asked} requests in a circle");
    world.set(Health::Well);
}

fn only_its_host<S: Service>(world: &World<S>) {
    let hosts = world.config("").hosts().expect("an address");
    let own = format!("http://127.0.0.1:{}", world.server.address().port());
    assert_eq!(hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), [own]);
}

/// One pull, whatever it brings.
pub async fn pull_once(source: &dyn Source, cursor: &mut Option<bluf::domain::Cursor>, fold: &mut Fold) -> bool {
    let page = source.pull(cursor.as_ref()).await.expect("the service is well");
    fold.take(&page);
    *cursor = Some(page.next);
    page.more
}

/// Kinds that are tested against what they read itself: folders, a mail server, what is pushed.
const REAL: [&str; 3] = ["files", "imap", "push"];

#[test]
fn every_kind_has_a_folder_of_fixtures() {
    for kind in SourceConfig::KINDS.into_iter().filter(|kind| !REAL.contains(kind)) {
        assert!(root().join("tests/fixtures/connector").join(kind).is_dir(), "{kind}");
    }
}
