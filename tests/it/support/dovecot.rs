//! A real IMAP server on this machine, a client to change its mailboxes with, and a line that can be cut.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::say;

const PASSWORD: &str = "s3cret";

/// A server with one account, `ana`, and mailboxes that begin empty.
pub struct Dovecot {
    child: Child,
    folder: TempDir,
    pub port: u16,
    pub tls_port: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // It ends its children only when it is asked to end.
        let asked = Command::new("kill").arg(pid).status();
        if !asked.is_ok_and(|status| status.success()) {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

impl Dovecot {
    /// `None` where there is no Dovecot, which is said, and fails where servers are needed.
    pub fn start() -> Option<Dovecot> {
        Dovecot::start_with("")
    }

    /// `more` is added to its settings; `TLS` stands for certificates made for it.
    pub fn start_with(more: &str) -> Option<Dovecot> {
        let Some(program) =
            ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].into_iter().find(|p| Path::new(p).exists())
        else {
            assert!(
                std::env::var_os("BLUF_NEED_SERVERS").is_none(),
                "BLUF_NEED_SERVERS is set and there is no Dovecot"
            );
            say("SKIPPED: no Dovecot here; apt-get install --no-install-recommends dovecot-imapd");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let (port, tls_port) = (free_port(), free_port());
        let here = folder.path().to_str().unwrap();
        for name in ["base", "mail"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let settings = settings(here, port, tls_port) + &more.replace("HERE", here);
        fs::write(folder.path().join("dovecot.conf"), settings).unwrap();
        let config = format!("{here}/dovecot.conf");
        let child = Command::new(program)
            .args(["-F", "-c", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dovecot starts");
        let server = Dovecot { child, folder, port, tls_port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("dovecot does not answer: {}", server.log());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn client(&self) -> Client {
        Client::new(self.port)
    }

    /// What a source needs to be told, at `port`.
    pub fn settings(&self, port: u16) -> String {
        format!("host = '127.0.0.1'\nport = {port}\ntls = 'none'\nuser = 'ana'\npassword = '{PASSWORD}'\n")
    }

    /// Puts letters where the server will find them when the mailbox is next opened.
    pub fn deliver(&self, letters: impl Iterator<Item = String>) {
        let new = self.folder.path().join("mail/ana/new");
        for (n, letter) in letters.enumerate() {
            fs::write(new.join(format!("{:010}.M{n}.here", 1_700_000_000 + n)), letter).unwrap();
        }
    }
}

/// Root may own no mail, and the server's own users are those its package makes; anybody else is all of them.
fn settings(here: &str, port: u16, tls_port: u16) -> String {
    let id = |what: &str| {
        let output = Command::new("id").arg(what).output().expect("id");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (user, group) = (id("-un"), id("-gn"));
    let is_root = id("-u") == "0";
    let (uid, gid) = if is_root { ("65534".to_owned(), "65534".to_owned()) } else { (id("-u"), id("-g")) };
    let users = if is_root {
        #[cfg(unix)]
        {
            std::os::unix::fs::chown(format!("{here}/mail"), Some(65534), Some(65534)).unwrap();
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(here, open).unwrap();
        }
        String::new()
    } else {
        format!("default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n")
    };
    format!(
        "{users}base_dir = {here}/base\nstate_dir = {here}/base\nlog_path = {here}/log\nprotocols = imap\n\
         listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nfirst_valid_uid = 0\n\
         mail_location = maildir:{here}/mail/%u\nmail_max_userip_connections = 100\n\
         passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
         userdb {{\n driver = static\n args = uid={uid} gid={gid} home={here}/mail/%u\n}}\n\
         service imap-login {{\n chroot =\n inet_listener imap {{\n port = {port}\n }}\n \
         inet_listener imaps {{\n port = {tls_port}\n }}\n}}\nservice anvil {{\n chroot =\n}}\n"
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A client as plain as can be, logged in, with `INBOX` open.
pub struct Client {
    stream: TcpStream,
    tag: usize,
}

impl Client {
    fn new(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Client { stream, tag: 0 };
        client.until("\r\n");
        client.say(&format!("LOGIN ana {PASSWORD}"));
        client.say("SELECT INBOX");
        client
    }

    /// Says a command and gives the whole answer.
    pub fn say(&mut self, command: &str) -> String {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.stream.write_all(format!("{tag} {command}\r\n").as_bytes()).unwrap();
        let answer = self.until(&format!("{tag} "));
        let end = answer.rsplit_once(&format!("{tag} ")).map(|(_, end)| end.to_owned()).unwrap_or_default();
        assert!(end.starts_with("OK"), "{command}: {answer}");
        answer
    }

    pub fn append(&mut self, mailbox: &str, letter: &str) {
        let letter = letter.replace('\n', "\r\n");
        self.say(&format!("APPEND {mailbox} {{{}+}}\r\n{letter}", letter.len()));
    }

    /// Deletes the letters of the open mailbox that meet `criteria`.
    pub fn delete(&mut self, criteria: &str) {
        for uid in self.uids(criteria) {
            self.say(&format!("UID STORE {uid} +FLAGS (\\Deleted)"));
        }
        self.say("EXPUNGE");
    }

    pub fn uids(&mut self, criteria: &str) -> Vec<u32> {
        let answer = self.say(&format!("UID SEARCH {criteria}"));
        let line = answer.lines().find(|l| l.starts_with("* SEARCH")).unwrap_or_default();
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// Reads until a line begins with `start` and is whole.
    fn until(&mut self, start: &str) -> String {
        let mut text = Vec::new();
        let mut piece = [0; 65_536];
        loop {
            let n = self.stream.read(&mut piece).expect("an answer in time");
            assert!(n > 0, "the server hung up");
            text.extend_from_slice(&piece[..n]);
            let so_far = String::from_utf8_lossy(&text);
            if so_far.ends_with("\r\n") && (start == "\r\n" || so_far.lines().any(|line| line.starts_with(start))) {
                return so_far.into_owned();
            }
        }
    }
}

/// A line to a server that is cut once so many bytes have come from there.
pub struct Line {
    pub port: u16,
    left: Arc<AtomicUsize>,
}

impl Line {
    pub fn to(server: u16) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let shared = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
                join(client, server, &shared);
            }
        });
        Line { port, left }
    }

    /// Lets so many bytes come, and then cuts whoever is connected.
    pub fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.cut_after(usize::MAX);
    }
}

fn join(client: TcpStream, server: TcpStream, left: &Arc<AtomicUsize>) {
    let (mut up_from, mut up_to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        io::copy(&mut up_from, &mut up_to).ok();
        up_to.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to, left) = (server, client, Arc::clone(left));
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(n) = from.read(&mut piece)
            && n > 0
        {
            let may = left.load(Ordering::SeqCst);
            let sent = n.min(may);
            if may != usize::MAX {
                left.store(may - sent, Ordering::SeqCst);
            }
            if to.write_all(&piece[..sent]).is_err() || sent < n {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
        from.shutdown(Shutdown::Both).ok();
    });
}
