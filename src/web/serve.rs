//! Listening, on TCP and Unix sockets or on those that systemd passes, and ending in order.

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError, Router,
    body::{Bytes, HttpBody},
    http::{Request, Response},
    routing::future::RouteFuture,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use listenfd::ListenFd;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::{App, Config, Desk, audit, audit::Auditor, guard::Peer, routes};

/// How long requests may take to end once the server is to end.
const GRACE: Duration = Duration::from_secs(8);
/// After a connection could not be taken: too many files are open, most likely.
const BREATH: Duration = Duration::from_millis(100);

/// Why nothing can be listened on, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {source}; is another bluf running there?")]
    Taken { address: String, source: io::Error },
    #[error(
        "{address} can be reached from other machines; name what they call this one under [web] hosts, or listen on 127.0.0.1"
    )]
    NoHosts { address: SocketAddr },
    #[error("{path} is in use by another bluf; stop that one first", path = path.display())]
    InUse { path: PathBuf },
    #[error("a socket that systemd passed cannot be used: {0}")]
    Passed(io::Error),
    #[error("there is nothing to listen on; set listen or socket under [web]")]
    Nothing,
}

/// Something that is listened on.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Listens on the sockets that systemd passes; where it passes none, on what the configuration names. Call it on a runtime.
///
/// # Errors
/// What cannot be listened on, and what to do about it.
pub fn bind(config: &Config) -> Result<Vec<Listener>, ServeError> {
    let mut listeners = passed()?;
    if listeners.is_empty() {
        for &address in &config.listen {
            let taken = |source| ServeError::Taken { address: address.to_string(), source };
            let listener = std::net::TcpListener::bind(address).map_err(taken)?;
            listeners.push(tcp(listener).map_err(taken)?);
        }
        if let Some(path) = &config.socket {
            listeners.push(unix(path, config.socket_mode)?);
        }
    }
    for listener in &listeners {
        if let Listener::Tcp(listener) = listener
            && let Ok(address) = listener.local_addr()
            && !address.ip().is_loopback()
            && config.hosts.is_empty()
        {
            return Err(ServeError::NoHosts { address });
        }
    }
    if listeners.is_empty() { Err(ServeError::Nothing) } else { Ok(listeners) }
}

fn passed() -> Result<Vec<Listener>, ServeError> {
    let mut given = ListenFd::from_env();
    let mut listeners = Vec::new();
    for at in 0..given.len() {
        if let Ok(Some(listener)) = given.take_tcp_listener(at) {
            listeners.push(tcp(listener).map_err(ServeError::Passed)?);
        } else if let Some(listener) = given.take_unix_listener(at).map_err(ServeError::Passed)? {
            listener.set_nonblocking(true).map_err(ServeError::Passed)?;
            listeners.push(Listener::Unix(UnixListener::from_std(listener).map_err(ServeError::Passed)?));
        }
    }
    Ok(listeners)
}

fn tcp(listener: std::net::TcpListener) -> io::Result<Listener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Listener::Tcp)
}

/// A socket whose mode is right from the moment that it has its name.
fn unix(path: &Path, mode: u32) -> Result<Listener, ServeError> {
    use std::os::unix::fs::PermissionsExt;
    let taken = |source| ServeError::Taken { address: path.display().to_string(), source };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ServeError::InUse { path: path.to_path_buf() });
    }
    let nameless = path.with_extension("new");
    match fs::remove_file(&nameless) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(taken(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&nameless).map_err(taken)?;
    fs::set_permissions(&nameless, fs::Permissions::from_mode(mode)).map_err(taken)?;
    fs::rename(&nameless, path).map_err(taken)?;
    Ok(Listener::Unix(listener))
}

/// Serves `desk` until `closing` is cancelled; then takes no more, lets what is under way end, and writes the audit to its
/// end.
pub async fn serve(listeners: Vec<Listener>, desk: Arc<dyn Desk>, config: Config, closing: CancellationToken) {
    let (auditor, notes) = Auditor::new();
    let audit = tokio::spawn(audit::write(Arc::clone(desk.store()), notes));
    let connections = Arc::new(Semaphore::new(config.connections));
    let patience = config.patience;
    let tracker = TaskTracker::new();
    {
        let app = App::new(desk, config, auditor, closing.clone());
        let router = routes::router(&app);
        for listener in listeners {
            let door = Entrance {
                router: router.clone(),
                connections: Arc::clone(&connections),
                tracker: tracker.clone(),
                closing: closing.clone(),
                patience,
            };
            tracker.spawn(door.accept(listener));
        }
    }
    closing.cancelled().await;
    tracker.close();
    if timeout(GRACE, tracker.wait()).await.is_err() {
        tracing::warn!("requests were cut off that did not end in time");
    }
    if timeout(GRACE, audit).await.is_err() {
        tracing::error!("the audit could not be written to its end in time");
    }
}

/// Takes the connections of one listener.
struct Entrance {
    router: Router,
    connections: Arc<Semaphore>,
    tracker: TaskTracker,
    closing: CancellationToken,
    patience: Duration,
}

impl Entrance {
    async fn accept(self, listener: Listener) {
        loop {
            let taken = tokio::select! {
                taken = self.one(&listener) => taken,
                () = self.closing.cancelled() => return,
            };
            let connection = match taken {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            // Who is one too many waits at the door, and those behind outside.
            let place = tokio::select! {
                place = Arc::clone(&self.connections).acquire_owned() => place,
                () = self.closing.cancelled() => return,
            };
            drop(self.tracker.spawn(async move {
                connection.await;
                drop(place);
            }));
        }
    }

    async fn one(&self, listener: &Listener) -> io::Result<futures::future::BoxFuture<'static, ()>> {
        Ok(match listener {
            Listener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                let to = stream.local_addr()?;
                stream.set_nodelay(true)?;
                Box::pin(self.connection(stream, Peer::Tcp { from, to }))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Box::pin(self.connection(stream, Peer::Unix))
            }
        })
    }

    /// One connection, from its first request to its last.
    fn connection<I>(&self, stream: I, peer: Peer) -> impl Future<Output = ()> + Send + 'static
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (door, closing, patience) =
            (Door { router: self.router.clone(), peer }, self.closing.clone(), self.patience);
        async move {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
            let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(door));
            tokio::pin!(connection);
            // What goes wrong with a connection is its peer's affair.
            tokio::select! {
                _ = connection.as_mut() => {}
                () = closing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = timeout(GRACE, connection).await;
                }
            }
        }
    }
}

/// The routes, as one peer finds them.
#[derive(Clone)]
struct Door {
    router: Router,
    peer: Peer,
}

impl<B> Service<Request<B>> for Door
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<axum::body::Body>;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> RouteFuture<Infallible> {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}
