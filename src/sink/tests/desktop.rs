//! Notifications: a stand-in for `notify-send` writes down what it is given.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::{built, is_permanent, is_transient};
use crate::{alert::render::sample, domain::Stage};

fn program(folder: &Path, text: &str) -> String {
    let path = folder.join("notify");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("type = 'desktop'\nprogram = '{}'", path.display())
}

#[tokio::test]
async fn a_notification_is_given_as_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let sink = built(&program(folder.path(), &format!("printf '%s\\n' \"$@\" > {}", seen.display())));
    let now = sample::at("2026-11-16T16:00:00Z");
    sink.send(&sample::saying("x $(touch here) <b>`id`</b> y"), now).await.unwrap();
    let text = fs::read_to_string(&seen).unwrap();
    assert!(text.contains("$(touch here) &lt;b&gt;`id`&lt;/b&gt;"), "{text}");
    sink.send(&sample::envelope(Stage::Breached), now).await.unwrap();
    insta::assert_snapshot!("desktop", fs::read_to_string(&seen).unwrap());
    sink.send(&sample::digest(), now).await.unwrap();
    assert_eq!(fs::read_to_string(&seen).unwrap().lines().count(), 4 + 3);
    assert!(sink.check().await.is_ok());
}

#[tokio::test]
async fn a_desktop_that_is_not_there_is_said() {
    let now = sample::at("2026-11-16T16:00:00Z");
    let absent = built("type = 'desktop'\nprogram = '/nowhere/notify-send'");
    is_permanent(&absent.send(&sample::outage(), now).await, "libnotify-bin");
    assert!(absent.check().await.is_err());
    let folder = tempfile::tempdir().unwrap();
    let failing = built(&program(folder.path(), "exit 1"));
    is_transient(&failing.send(&sample::outage(), now).await);
}
