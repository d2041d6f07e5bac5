//! The client against real sockets: where it does not go, and what it does not wait for.

use std::{io::Write, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpListener};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use super::*;

fn options() -> Options {
    Options {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(5),
        most_body_bytes: 1000,
        extra_ca: None,
        redirects: true,
    }
}

fn client(server: &MockServer) -> Client {
    Client::new(vec![Host::of(&server.uri()).unwrap()], &options()).unwrap()
}

async fn server(path: &str, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::path(path)).respond_with(answer).mount(&server).await;
    server
}

fn get(server: &MockServer, path: &str) -> Request {
    Request::get(&format!("{}{path}", server.uri()), &[]).unwrap()
}

#[track_caller]
fn permanent(answer: Result<Response, NetError>) -> String {
    match answer {
        Err(NetError::Permanent { what, .. }) => what,
        other => panic!("expected a permanent error, got {other:?}"),
    }
}

#[tokio::test]
async fn a_request_says_who_asks_and_its_token_is_never_shown() {
    let server = MockServer::start().await;
    Mock::given(matchers::header("user-agent", concat!("bluf/", env!("CARGO_PKG_VERSION"))))
        .and(matchers::header("authorization", "Bearer t0k3n"))
        .and(matchers::query_param("q", "a b&c"))
        .respond_with(ResponseTemplate::new(200).set_body_string("[1]"))
        .mount(&server)
        .await;
    let request = Request::get(&format!("{}/x", server.uri()), &[("q", "a b&c")]).unwrap();
    let request = request.bearer(&Secret::new("t0k3n\n")).unwrap();
    assert!(!format!("{request:?} {:?}", request.headers).contains("t0k3n"), "{request:?}");
    let answer = client(&server).send(request).await.unwrap();
    assert_eq!(answer.json::<Vec<u8>>().unwrap(), [1]);
    assert!(!answer.place.contains("q="), "{}", answer.place);
}

#[tokio::test]
async fn only_the_named_host_and_port_is_asked() {
    let (named, other) = (MockServer::start().await, MockServer::start().await);
    let client = client(&named);
    let answer = client.send(get(&other, "/")).await;
    assert!(permanent(answer).contains("does not name this host"));
    let port = named.address().port();
    for address in [format!("http://localhost:{port}/"), format!("https://127.0.0.1:{port}/"), "file:///etc".into()] {
        assert!(
            permanent(client.send(Request::get(&address, &[]).unwrap()).await).contains("does not name"),
            "{address}"
        );
    }
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn redirect_ssrf_5530_no_redirect_leaves_the_host() {
    let inside = server("/secret", ResponseTemplate::new(200).set_body_string("inside")).await;
    for target in [format!("{}/secret", inside.uri()), "http://169.254.169.254/".into(), "http://10.0.0.1/".into()] {
        let redirect = ResponseTemplate::new(302).insert_header("location", target.as_str());
        let outside = server("/x", redirect).await;
        let answer = client(&outside).send(get(&outside, "/x")).await.unwrap();
        let verdict = crate::net::retry::verdict(&answer, jiff::Timestamp::UNIX_EPOCH);
        assert!(matches!(verdict, Err(NetError::Permanent { status: Some(302), .. })), "{target}: {verdict:?}");
    }
    assert!(inside.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_moved_page_of_the_same_host_is_followed_and_a_circle_is_left() {
    let host = server("/old", ResponseTemplate::new(301).insert_header("location", "/new")).await;
    Mock::given(matchers::path("/new")).respond_with(ResponseTemplate::new(200)).mount(&host).await;
    let round = ResponseTemplate::new(302).insert_header("location", "/round");
    Mock::given(matchers::path("/round")).respond_with(round).mount(&host).await;
    assert_eq!(client(&host).send(get(&host, "/old")).await.unwrap().status, 200);
    assert_eq!(client(&host).send(get(&host, "/round")).await.unwrap().status, 302);
    assert!(host.received_requests().await.unwrap().len() < 12);
}

#[tokio::test]
async fn a_body_is_capped_after_decompression() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[b'a'; 100_000]).unwrap();
    let bomb =
        ResponseTemplate::new(200).set_body_bytes(gzip.finish().unwrap()).insert_header("content-encoding", "gzip");
    let host = server("/bomb", bomb).await;
    assert!(permanent(client(&host).send(get(&host, "/bomb")).await).contains("larger than 1000 bytes"));
}

#[tokio::test]
async fn who_does_not_answer_or_breaks_off_is_worth_another_try() {
    let host = server("/slow", ResponseTemplate::new(200).set_delay(Duration::from_secs(2))).await;
    let slow = client(&host).send(get(&host, "/slow")).await;
    assert!(matches!(&slow, Err(NetError::Transient(what)) if what.contains("/slow: no answer in time")), "{slow:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/cut", listener.local_addr().unwrap());
    let cutter = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"a\":").await.unwrap();
    });
    let client = Client::new(vec![Host::of(&address).unwrap()], &options()).unwrap();
    let cut = client.send(Request::get(&address, &[]).unwrap()).await;
    assert!(matches!(cut, Err(NetError::Transient(_))), "{cut:?}");
    cutter.await.unwrap();
    let refused = client.send(Request::get(&address, &[]).unwrap()).await;
    assert!(matches!(refused, Err(NetError::Transient(_))), "{refused:?}");
}

#[tokio::test]
async fn secrets_are_kept_out_of_addresses_and_off_plain_http() {
    let error = Host::of("https://user:pw@a.example/").unwrap_err().to_string();
    assert!(!error.contains("pw@"), "{error}");
    assert!(Host::of("ftp://a.example").is_err() && Host::of("a.example").is_err());
    assert_eq!(Host::of("https://a.example/api").unwrap().to_string(), "https://a.example:443");
    let client = Client::new(vec![Host::of("http://a.example").unwrap()], &options()).unwrap();
    let request = Request::get("http://a.example/", &[]).unwrap().bearer(&Secret::new("t")).unwrap();
    assert!(permanent(client.send(request).await).contains("plain http"));
}

#[test]
fn an_extra_authority_must_be_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "not a certificate").unwrap();
    let options = Options { extra_ca: Some(path), ..options() };
    let Err(error) = Client::new(Vec::new(), &options) else { panic!("taken for a certificate") };
    assert!(error.to_string().contains("ca.pem"), "{error}");
}
