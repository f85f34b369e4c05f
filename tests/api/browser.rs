//! A browser without scripts: keeps cookies, follows nothing by itself, sends the forms that stand in a page.

use tributary_tests::harness::{Client, Reply};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser.
pub(crate) struct Browser {
    client: Client,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) html: String,
}

fn escape(text: &str) -> String {
    let hex = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(hex).collect()
}

impl Browser {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            cookies: Vec::new(),
            html: String::new(),
        }
    }
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> Reply {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("cookie", cookies.as_str())];
        if method == "POST" {
            headers.push(FORM);
        }
        let reply = self.client.send(method, path, &headers, body.as_bytes());
        for (name, value) in reply.headers.iter().filter(|(n, _)| n == "set-cookie") {
            assert_eq!(name, "set-cookie");
            for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(value.contains(part), "{value}");
            }
            let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(n, _)| n != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }
    pub(crate) fn open(&mut self, path: &str) -> &str {
        let reply = self.send("GET", path, "");
        self.take(reply, 200)
    }
    pub(crate) fn take(&mut self, reply: Reply, status: u16) -> &str {
        assert_eq!(
            reply.status,
            status,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        let policy = reply.header("content-security-policy").unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        self.html = String::from_utf8(reply.body).unwrap();
        let script = self
            .html
            .contains("<script src=\"/reset.js\" defer></script>");
        assert_eq!(self.html.contains("<script"), script, "{}", self.html);
        assert_eq!(policy.contains("script-src 'self'"), script);
        assert!(!policy.contains("unsafe") && !self.html.contains("style="));
        labelled(&self.html);
        assert!(
            self.html.contains("<html lang=\"en\">") && self.html.contains("<main id=\"main\">")
        );
        &self.html
    }
    /// The value of a field, hidden or filled in by the server.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let at = format!("name=\"{name}\" value=\"");
        let rest = self.html.split_once(&at).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    }
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.hidden("token");
        let fields = [("token", token.as_str())]
            .into_iter()
            .chain(fields.iter().copied());
        let body: Vec<_> = fields.map(|(n, v)| format!("{n}={}", escape(v))).collect();
        self.send("POST", path, &body.join("&"))
    }
    pub(crate) fn sign_in(&mut self, name: &str) -> Reply {
        self.open("/");
        let fields = [
            ("organisation", "mekong"),
            ("name", name),
            ("password", "four unrelated words"),
        ];
        self.post("/sign-in", &fields)
    }
}

/// Every field that somebody fills in has a label of its own, and every id is there once.
fn labelled(html: &str) {
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let mut ids = std::collections::HashSet::new();
    let mut inside_label = false;
    for tag in html.split('<').filter_map(|t| t.split('>').next()) {
        inside_label = match tag {
            t if t.starts_with("label") => true,
            "/label" => false,
            _ => inside_label,
        };
        let id = attribute(tag, "id");
        if let Some(id) = &id {
            assert!(ids.insert(id.clone()), "two elements are {id}");
        }
        let name = tag.split(' ').next().unwrap();
        let hidden = tag.contains("type=\"hidden\"");
        if ["input", "select", "textarea"].contains(&name) && !hidden && !inside_label {
            let id = id.unwrap_or_else(|| panic!("{tag} has no label"));
            assert!(html.contains(&format!("<label for=\"{id}\"")), "{tag}");
        }
        if tag.starts_with("form method=\"post\"") {
            let form = html.split_once(&format!("<{tag}>")).unwrap().1;
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("name=\"token\""), "{tag} carries no token");
        }
    }
}
