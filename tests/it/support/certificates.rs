//! Certificates for `localhost`, made for one test: an authority's `ca.pem`, and `leaf.pem` with `leaf.key`.

use std::{path::Path, process::Command};

use super::say;

/// Makes them in `folder`. False where nothing can make them, which is said.
pub fn make(folder: &Path) -> bool {
    if Command::new("openssl").arg("version").output().is_err() {
        say("SKIPPED: no openssl here to make certificates with");
        return false;
    }
    let run = |words: &str| {
        let output = Command::new("openssl").current_dir(folder).args(words.split(' ')).output().unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("leaf.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    run(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=Test -keyout ca.key -out ca.pem",
    );
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr");
    run("x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem");
    true
}
