//! The vendors' own descriptions: Prism serves them, so that what is asked is what they publish, and what they show as an
//! answer is read.
//!
//! `BLUF_NODE_MODULES` names the folder where npm put `@stoplight/prism-cli`, `@octokit/openapi`, `@octokit/graphql-schema`
//! and `graphql`; `BLUF_SPECS` the folder of `slack_web_openapi_v2.json`; `BLUF_PRISM` a Prism that stands elsewhere.

use std::{
    env,
    io::Write,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use bluf::{
    source::connector::{github::discussions::QUERIES, registry::SourceConfig},
    time::FixedClock,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

use super::fold::{Fold, pull_to_end};

/// Prism reads GitHub's description for some fifteen seconds on a free machine.
const STARTS_WITHIN_SECS: u64 = 180;

/// A mock server of a description, ended with the test.
struct Prism {
    child: Child,
    address: String,
}

impl Drop for Prism {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Passes requests on to Prism, notes what it objects to, and mends what a mock cannot do: it has no last page.
struct Relay {
    address: String,
    objections: Arc<Mutex<Vec<String>>>,
}

impl Respond for Relay {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path();
        if path == "/auth.test" {
            // The description of 2021 wants a header here that Slack has long since dropped.
            return ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "user": "bluf", "team": "Team" }));
        }
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let asked = format!("{}{path}{query}", self.address);
        let answer = ureq::get(&asked)
            .header("authorization", "Bearer t")
            .header("accept", "application/json")
            .config()
            .http_status_as_error(false)
            .build()
            .call();
        let mut answer = answer.expect("Prism answers");
        let header = answer.headers().get("sl-violations").and_then(|value| value.to_str().ok()).unwrap_or("[]");
        let violations: Vec<Value> = serde_json::from_str(header).expect("Prism's violations are JSON");
        let mut objections = self.objections.lock().expect("no test panicked with it");
        let ours = violations.iter().filter(|violation| violation["location"][0] == "request");
        objections.extend(ours.map(|violation| format!("{asked}: {violation}")));
        let status = answer.status().as_u16();
        if status != 200 {
            objections.push(format!("{asked}: HTTP {status}"));
        }
        let mut body: Value = serde_json::from_str(&answer.body_mut().read_to_string().expect("a body")).expect("JSON");
        if let Some(cursor) = body.pointer_mut("/response_metadata/next_cursor") {
            *cursor = json!("");
        }
        // Examples that stand one level too deep in the description.
        let body = body.get_mut("value").map(Value::take).unwrap_or(body);
        ResponseTemplate::new(status).set_body_json(body)
    }
}

fn absent(what: &str) {
    assert!(env::var("BLUF_NEED_SERVERS").as_deref() != Ok("1"), "{what} is needed here");
    // Straight to the terminal: of a test that passes, what it prints is not shown.
    let said = format!("NOT TESTED against the vendor's description: no {what} (see tests/it/connector/prism.rs)\n");
    std::io::stderr().write_all(said.as_bytes()).ok();
}

fn node_modules() -> Option<PathBuf> {
    env::var_os("BLUF_NODE_MODULES").map(PathBuf::from)
}

/// A file of what was installed, or what is missing.
fn found(path: Option<PathBuf>, what: &str) -> Option<PathBuf> {
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        absent(what);
    }
    path
}

fn prism(description: Option<PathBuf>, what: &str) -> Option<Prism> {
    let description = found(description, what)?;
    let in_path = env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join("prism")).find(|path| path.exists());
    let own = env::var_os("BLUF_PRISM").map(PathBuf::from).or(in_path);
    let program = found(own.or(node_modules().map(|folder| folder.join(".bin/prism"))), "prism")?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let child = Command::new(program)
        .args(["mock", "--host", "127.0.0.1", "--port", &port.to_string()])
        .arg(description)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Prism starts");
    let prism = Prism { child, address: format!("http://127.0.0.1:{port}") };
    for _ in 0..STARTS_WITHIN_SECS * 5 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(prism);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("Prism did not start within {STARTS_WITHIN_SECS} s");
}

/// Everything that is pulled through Prism, and what Prism objected to.
async fn pulled(prism: &Prism, config: &str) -> (Fold, Vec<String>) {
    let relay = MockServer::start().await;
    let objections = Arc::new(Mutex::new(Vec::new()));
    let responder = Relay { address: prism.address.clone(), objections: Arc::clone(&objections) };
    Mock::given(matchers::any()).respond_with(responder).mount(&relay).await;
    let config: SourceConfig = toml::from_str(&config.replace("BASE", &relay.uri())).expect("a configuration");
    let clock = Arc::new(FixedClock("2026-03-20T12:00:00Z".parse().expect("a time")));
    let source = config.build("vendor", clock).expect("a good configuration");
    let mut fold = Fold::default();
    let cursors = pull_to_end(source.as_ref(), None, &mut fold).await;
    pull_to_end(source.as_ref(), cursors.last(), &mut fold).await;
    let objections = objections.lock().expect("no test panicked with it").clone();
    (fold, objections)
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_asked_and_read_as_it_publishes() {
    let description = env::var_os("BLUF_SPECS").map(|folder| PathBuf::from(folder).join("slack_web_openapi_v2.json"));
    let Some(prism) = prism(description, "BLUF_SPECS with slack_web_openapi_v2.json") else { return };
    let (fold, objections) = pulled(&prism, "type = \"slack\"\nbase_url = \"BASE\"\ntoken = \"t\"").await;
    assert_eq!(objections, Vec::<String>::new());
    assert!(fold.threads.values().any(|thread| thread.channel.as_deref() == Some("#general")), "{}", fold.text());
    assert!(fold.holds("smell your nose letter"), "{}", fold.text());
    assert_eq!(fold.poisoned.len(), 0, "{:?}", fold.poisoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn github_is_asked_and_read_as_it_publishes() {
    let description = node_modules().map(|folder| folder.join("@octokit/openapi/generated/api.github.com.json"));
    let Some(prism) = prism(description, "@octokit/openapi in BLUF_NODE_MODULES") else { return };
    let config = "type = \"github\"\nbase_url = \"BASE\"\nrepos = [\"octocat/Hello-World\"]\ntoken = \"t\"";
    let (fold, objections) = pulled(&prism, config).await;
    assert_eq!(objections, Vec::<String>::new());
    let thread = fold.threads.get("octocat/Hello-World#1347").unwrap_or_else(|| panic!("{}", fold.text()));
    // The opening, a comment, a review's words and a comment on code.
    assert!(thread.messages.len() >= 4 && !thread.events.is_empty(), "{}", fold.text());
    assert_eq!(fold.poisoned.len(), 0, "{:?}", fold.poisoned);
}

#[test]
fn every_graphql_query_is_valid_by_githubs_schema() {
    let modules = found(node_modules(), "@octokit/graphql-schema and graphql in BLUF_NODE_MODULES");
    let Some(modules) = modules else { return };
    let script = "const { buildClientSchema, parse, validate } = require('graphql');
        const read = (path) => JSON.parse(require('fs').readFileSync(process.env.NODE_PATH + path));
        const schema = read('/@octokit/graphql-schema/schema.json');
        const found = validate(buildClientSchema(schema.data ?? schema), parse(process.argv[1]));
        if (found.length) { console.error(found.map(String).join('\\n')); process.exit(1); }";
    let node = Command::new("node").env("NODE_PATH", modules).args(["-e", script, QUERIES]).output();
    let output = node.expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
