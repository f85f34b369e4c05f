//! Rust as tokens: which names a file uses and how long its functions are.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::files;

/// A file read.
pub(super) struct Source {
    /// From the repository's root.
    pub(super) path: String,
    /// Its lines.
    pub(super) lines: Vec<String>,
    tokens: TokenStream,
}

/// A name with what stands before it: `std::fs::read`, from the crate's root where it was relative.
pub(super) struct Name {
    /// The line.
    pub(super) line: usize,
    /// The segments.
    pub(super) segments: Vec<String>,
}

/// A function with a body.
pub(super) struct Function {
    /// The line of its `fn`.
    pub(super) line: usize,
    /// Its name.
    pub(super) name: String,
    /// From `fn` to the closing brace.
    pub(super) length: usize,
}

impl Source {
    /// Reads a file.
    pub(super) fn read(path: &str) -> Self {
        let text = files::text(path).expect("Rust is UTF-8");
        let lines = text.lines().map(str::to_owned).collect();
        let tokens = text
            .parse()
            .unwrap_or_else(|e| panic!("{path}: not Rust: {e}"));
        Self {
            path: path.to_owned(),
            lines,
            tokens,
        }
    }

    /// Every Rust file whose path starts with one of these.
    pub(super) fn under(folders: &[&str]) -> Vec<Self> {
        let mut paths = files::rust();
        paths.retain(|p| folders.iter().any(|f| p.starts_with(f)));
        paths.iter().map(|p| Self::read(p)).collect()
    }

    /// The module that the file is, from the crate's root.
    pub(super) fn module(&self) -> Vec<String> {
        let inside = self.path.split_once("src/").map_or("", |(_, m)| m);
        let inside = inside.trim_end_matches(".rs");
        let parts = inside.split('/').map(str::to_owned);
        let mut parts: Vec<String> = parts.collect();
        if parts
            .last()
            .is_some_and(|l| ["mod", "lib", "main"].contains(&l.as_str()))
        {
            parts.pop();
        }
        parts
    }

    /// How many lines stand before the inline tests.
    pub(super) fn length(&self) -> usize {
        let inline = |w: &[String]| {
            w[0] == "#[cfg(test)]" && w[1].starts_with("mod ") && w[1].ends_with('{')
        };
        self.lines
            .windows(2)
            .position(inline)
            .unwrap_or(self.lines.len())
    }

    /// Whether the whole file is tests or a bench.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/benches/")
            || self.path.contains("/tests/")
            || self.path.ends_with("_tests.rs")
            || self.path.ends_with("/tests.rs")
    }

    /// Every name it uses.
    pub(super) fn names(&self) -> Vec<Name> {
        let mut names = Vec::new();
        collect_names(self.tokens.clone(), &self.module(), &[], &mut names);
        names
    }

    /// Every function with a body.
    pub(super) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        collect_functions(self.tokens.clone(), &mut functions);
        functions
    }
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c)
}

fn ident(token: Option<&TokenTree>) -> Option<&Ident> {
    match token {
        Some(TokenTree::Ident(i)) => Some(i),
        _ => None,
    }
}

fn collect_names(tokens: TokenStream, module: &[String], prefix: &[String], out: &mut Vec<Name>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if word == "mod" => {
                // An inline module: what stands in it is relative to it.
                let name = ident(tokens.get(at + 1)).map(ToString::to_string);
                match (name, tokens.get(at + 2)) {
                    (Some(name), Some(TokenTree::Group(body))) => {
                        let inner = [module, &[name]].concat();
                        collect_names(body.stream(), &inner, &[], out);
                        at += 3;
                    }
                    _ => at += 2,
                }
            }
            TokenTree::Ident(first) => {
                let mut segments = prefix.to_vec();
                segments.push(first.to_string());
                let line = first.span().start().line;
                at += 1;
                while is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':') {
                    at += 2;
                    match tokens.get(at) {
                        Some(TokenTree::Ident(next)) => {
                            segments.push(next.to_string());
                            at += 1;
                        }
                        Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace => {
                            collect_names(g.stream(), module, &segments, out);
                            at += 1;
                        }
                        _ => break,
                    }
                }
                let segments = absolute(segments, module);
                out.push(Name { line, segments });
            }
            TokenTree::Group(group) => {
                collect_names(group.stream(), module, &[], out);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// `self` and `super` resolved; `crate` stays as the first segment.
fn absolute(segments: Vec<String>, module: &[String]) -> Vec<String> {
    let relative = |s: &String| s == "self" || s == "super";
    if !segments.first().is_some_and(relative) {
        return segments;
    }
    let ups = segments.iter().filter(|s| *s == "super").count();
    let keep = module.len().saturating_sub(ups);
    let rest = segments.into_iter().skip_while(relative);
    let base = module.iter().take(keep).cloned();
    std::iter::once("crate".to_owned())
        .chain(base)
        .chain(rest)
        .collect()
}

fn collect_functions(tokens: TokenStream, out: &mut Vec<Function>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match (token, ident(tokens.get(at + 1))) {
            (TokenTree::Ident(word), Some(name)) if word == "fn" => {
                let body = tokens[at..].iter().find_map(|t| match t {
                    TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => Some(Some(g)),
                    TokenTree::Punct(p) if p.as_char() == ';' => Some(None),
                    _ => None,
                });
                if let Some(Some(body)) = body {
                    let line = word.span().start().line;
                    out.push(Function {
                        line,
                        name: name.to_string(),
                        length: body.span_close().end().line - line + 1,
                    });
                }
            }
            (TokenTree::Group(group), _) => collect_functions(group.stream(), out),
            _ => {}
        }
    }
}
