//! A mail server that speaks as much SMTP (RFC 5321) as one letter needs, and refuses where it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What one client said: its commands, and the letters it left.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub commands: Vec<String>,
    pub letters: Vec<String>,
}

pub struct Server {
    pub port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Server {
    /// A command that begins with a word of `refusals` gets the answer beside it.
    pub fn start(refusals: &'static [(&'static str, &'static str)]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let kept = Arc::clone(&heard);
        // Ends with the process; a test opens few.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away in the middle is no fault of the server's.
                serve(&stream, refusals, &kept).ok();
            }
        });
        Server { port, heard }
    }

    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: &TcpStream, refusals: &[(&str, &str)], heard: &Mutex<Heard>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream).lines();
    let mut out = stream;
    let hear = |change: &dyn Fn(&mut Heard)| change(&mut heard.lock().unwrap_or_else(PoisonError::into_inner));
    out.write_all(b"220 here ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        hear(&|heard| heard.commands.push(line.clone()));
        if let Some((_, answer)) = refusals.iter().find(|(word, _)| line.starts_with(word)) {
            out.write_all(format!("{answer}\r\n").as_bytes())?;
            continue;
        }
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
            "AUTH" => "235 let in",
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut letter = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    letter.push_str(line.strip_prefix('.').unwrap_or(&line));
                    letter.push_str("\r\n");
                }
                hear(&|heard| heard.letters.push(letter.clone()));
                "250 kept"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
