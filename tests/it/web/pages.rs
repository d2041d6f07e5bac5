//! Pages: what a thread says is text on them, links are ours, and nobody needs a script, a pointer or colours.

use super::site::Site;

fn page(site: &Site, path: &str) -> String {
    let answer = site.get(path).header("accept", "text/html").send().ok();
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    // The templates write every slash of a value as a reference; a browser does not mind.
    answer.text().replace("&#x2f;", "/")
}

/// Every address that a page has in it.
fn addresses(html: &str) -> Vec<String> {
    ["href=\"", "src=\"", "action=\""]
        .iter()
        .flat_map(|name| html.split(name).skip(1).filter_map(|rest| rest.split('"').next()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn text_of_a_thread_is_text() {
    let site = Site::new();
    let key = site.key("p1@h");
    for path in [
        "/".to_owned(),
        format!("/threads/{key}"),
        "/search?q=xylophone".to_owned(),
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%3E".to_owned(),
    ] {
        let html = page(&site, &path);
        for evil in ["<script", "<img", "<i>", "<b>", "onerror=alert(1)>", "\u{202e}", "\"><"] {
            assert!(!html.contains(evil) || evil == "\"><", "{evil} in {path}: {html}");
        }
        for address in addresses(&html) {
            assert!(address.starts_with('/') || address.starts_with('#'), "{address} in {path}");
            assert!(!address.contains("evil"), "{address}");
        }
        assert!(!html.contains("{{ 7") || html.contains("{{ 7 * 7 }}"), "a template of a thread is run");
        assert!(!html.contains("style=\"") && !html.contains("onclick"), "{path}");
    }
    assert!(page(&site, &format!("/threads/{key}")).contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_claim_links_to_the_message_that_it_quotes() {
    let site = Site::new();
    let key = site.key("export");
    let html = page(&site, &format!("/threads/{key}"));
    let link = format!("href=\"/threads/{key}#m2\"");
    assert!(html.contains(&link) && html.contains("id=\"m2\""), "{html}");
    assert!(html.contains("Read 3 of 3 messages"), "what was read is said");
    assert!(html.contains("How this was made") && html.contains("Every text is a quote"));
    // A long thread comes in pages, and its quotes know which.
    let messages = (0..450)
        .map(|n| {
            super::site::said(
                &format!("m{n}"),
                "Ana",
                "2026-11-12T09:00:00Z",
                if n == 430 { "We decided to paint the shed green." } else { "ok" },
            )
        })
        .collect();
    site.bring("team", vec![super::site::of("long", bluf::domain::Kind::Chat, "Long", messages)]);
    site.read_all();
    let key = site.key("long");
    let html = page(&site, &format!("/threads/{key}"));
    assert!(html.contains(&format!("href=\"/threads/{key}?from=400#m430\"")), "{html}");
    assert!(html.contains("Messages 1 to 200 of 450") && html.contains(&format!("/threads/{key}?from=200#messages")));
    let last = page(&site, &format!("/threads/{key}?from=430"));
    assert!(
        last.contains("Messages 401 to 450 of 450") && last.contains("id=\"m430\"") && !last.contains("Later messages")
    );
}

/// What can be told of WCAG 2.2 AA without a browser.
#[test]
fn pages_can_be_used_by_everybody() {
    let site = Site::new();
    for path in ["/".to_owned(), format!("/threads/{}", site.key("export")), "/search?q=friday".to_owned()] {
        let html = page(&site, &path);
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\""), "{path}");
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert_eq!(html.matches("<main id=\"main\"").count(), 1, "{path}");
        assert!(
            html.contains("class=\"skip\" href=\"#main\"")
                && html.contains("role=\"search\"")
                && html.contains("<nav aria-label")
        );
        assert!(html.contains("<label for=\"q\">") && html.contains("name=\"viewport\""));
        assert!(!html.contains("<script"), "{path}");
        let title = html.split("<title>").nth(1).and_then(|t| t.split("</title>").next()).unwrap_or_default();
        assert!(title.ends_with("· bluf") && title.len() > 8, "{title}");
    }
    // A state is a word.
    site.bring(
        "team",
        vec![super::site::of(
            "new",
            bluf::domain::Kind::Chat,
            "New",
            vec![super::site::said("n", "Ana", "2026-11-12T09:00:00Z", "Hello.")],
        )],
    );
    assert!(page(&site, "/").contains("<strong>to be read</strong>"));
    let css = site.get("/style.css").send().ok().text();
    assert!(css.contains("light-dark(") && css.contains(":focus-visible") && css.contains("min-height: 24px"));
    assert!(!css.contains("url(") && !css.contains("@import") && !css.contains("animation"));
}

#[test]
fn every_pair_of_colours_can_be_told_apart() {
    let site = Site::with(|_| {});
    let css = site.get("/style.css").send().ok().text();
    let colour = |name: &str, which: usize| -> f64 {
        let pair = css
            .split(&format!("--{name}: light-dark("))
            .nth(1)
            .and_then(|rest| rest.split(')').next())
            .expect("a pair");
        let hex = pair.split(", ").nth(which).expect("a colour").trim_start_matches('#');
        let channel = |at: usize| {
            let c = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        // WCAG 2: relative luminance.
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    };
    for scheme in [0, 1] {
        for (text, ground, least) in [
            ("text", "ground", 4.5),
            ("text", "raised", 4.5),
            ("text", "mark", 4.5),
            ("quiet", "ground", 4.5),
            ("quiet", "raised", 4.5),
            ("link", "ground", 4.5),
            ("link", "raised", 4.5),
            ("edge", "ground", 3.0),
            ("edge", "raised", 3.0),
        ] {
            let (a, b) = (colour(text, scheme), colour(ground, scheme));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= least, "{text} on {ground}, scheme {scheme}: {contrast:.2}");
        }
    }
}

#[test]
fn a_theme_is_remembered_and_leads_nowhere_else() {
    let site = Site::new();
    let own = format!("http://127.0.0.1:{}", site.address.port());
    let choose = |body: &str| {
        site.post("/theme", body)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &own)
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .send()
    };
    let answer = choose("to=dark&back=%2Fsearch%3Fq%3Dx");
    assert_eq!((answer.status, answer.header("location")), (303, "/search?q=x"));
    assert!(
        answer.header("set-cookie").starts_with("theme=dark; ")
            && answer.header("set-cookie").contains("SameSite=Strict")
    );
    let html = site.get("/").header("cookie", "a=b; theme=dark").send().ok().text();
    assert!(
        html.contains("<html lang=\"en\" data-theme=\"dark\">")
            && html.contains("value=\"dark\" aria-pressed=\"true\"")
    );
    for back in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example", "%0D%0Ax%3A+y", "evil", ""] {
        assert_eq!(choose(&format!("to=light&back={back}")).header("location"), "/", "{back}");
    }
    choose("to=plaid").is_problem(400, "bad_theme");
    let html = site.get("/").header("cookie", "theme=\"><script>").send().ok().text();
    assert!(html.contains("data-theme=\"auto\""));
}

#[test]
fn somebody_with_a_browser_gets_a_page_also_when_it_fails() {
    let site = Site::with(|_| {});
    for (path, status) in [("/nothing", 404), ("/threads/0000000000000000", 404), ("/?cursor=zz", 400)] {
        let answer = site.get(path).header("accept", "text/html,*/*;q=0.8").send();
        assert_eq!((answer.status, answer.header("content-type")), (status, "text/html; charset=utf-8"), "{path}");
        assert!(answer.text().contains(answer.header("x-request-id")) && answer.text().contains("<h1>"));
    }
    let answer = site.get("/api/v1/threads/0").header("accept", "text/html").send();
    answer.is_problem(404, "no_thread");
    assert!(page(&site, "/").contains("There is no thread here yet"));
}
