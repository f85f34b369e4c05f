//! References between the questions of one row of a repeat, made relative.
//!
//! rxform writes every `${name}` as an absolute path, which means all rows at once; pyxform writes `../name`, which
//! means this row. Only the latter is right, so it is written here before rxform sees the reference.

use std::collections::{BTreeMap, BTreeSet};

use rxform::model::{Item, Question, SectionKind, Survey};

/// Where the questions of a survey stand.
pub(super) struct Places {
    paths: BTreeMap<String, String>,
    repeats: BTreeSet<String>,
}

impl Places {
    pub(super) fn of(survey: &Survey) -> Self {
        fn walk(items: &[Item], around: &str, repeats: &mut BTreeSet<String>) {
            for item in items {
                if let Item::Section(s) = item {
                    let path = Survey::child_prefix(s, around);
                    walk(&s.children, &path, repeats);
                    if s.kind == SectionKind::Repeat {
                        repeats.insert(path);
                    }
                }
            }
        }
        let mut repeats = BTreeSet::new();
        walk(&survey.items, &format!("/{}", survey.name), &mut repeats);
        Self {
            paths: survey.xpath_index(),
            repeats,
        }
    }

    /// The way from one path to another, if both stand in one repeat.
    fn relative(&self, from: &str, to: &str) -> Option<String> {
        let shared = ancestors(to)
            .find(|a| self.repeats.contains(*a) && ancestors(from).any(|f| f == *a))?;
        let up = from.matches('/').count() - shared.matches('/').count();
        Some(format!("{}{}", "../".repeat(up), &to[shared.len() + 1..]))
    }

    /// An expression of the field at `from` with its references into the same row made relative.
    fn resolve(&self, expression: &mut Option<String>, from: &str, in_filter: bool) {
        // indexed-repeat() names rows by itself and needs the absolute path.
        let Some(text) = expression
            .as_mut()
            .filter(|e| e.contains("${") && !e.contains("indexed-repeat("))
        else {
            return;
        };
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                break;
            };
            match self
                .paths
                .get(name.trim())
                .and_then(|to| self.relative(from, to))
            {
                Some(way) => {
                    // Inside a filter the place is that of a choice, not of the question.
                    let inside = in_filter || out.matches('[').count() > out.matches(']').count();
                    out.push_str(if inside { " current()/" } else { " " });
                    out.push_str(&way);
                    out.push(' ');
                }
                None => out.push_str(&format!("${{{name}}}")),
            }
            rest = tail;
        }
        if !rest.contains("${") {
            out.push_str(rest);
            *text = out;
        }
    }

    /// Does it for all expressions of a survey. Labels follow in the XForm.
    pub(super) fn resolve_all(&self, survey: &mut Survey) {
        let root = format!("/{}", survey.name);
        self.resolve_items(&mut survey.items, &root);
    }

    fn resolve_items(&self, items: &mut [Item], around: &str) {
        for item in items {
            match item {
                Item::Question(q) => {
                    let path = format!("{around}/{}", q.name);
                    self.resolve_question(q, &path);
                }
                Item::Section(s) => {
                    let path = Survey::child_prefix(s, around);
                    self.resolve(&mut s.relevant, &path, false);
                    self.resolve(&mut s.count, &path, false);
                    self.resolve_items(&mut s.children, &path);
                }
            }
        }
    }

    fn resolve_question(&self, q: &mut Question, path: &str) {
        let dynamic = q.default_is_dynamic();
        let binds = [
            &mut q.relevant,
            &mut q.constraint,
            &mut q.calculation,
            &mut q.required,
            &mut q.readonly,
        ];
        for expression in binds {
            self.resolve(expression, path, false);
        }
        if dynamic {
            self.resolve(&mut q.default, path, false);
        }
        self.resolve(&mut q.choice_filter, path, true);
    }

    /// The XForm with the outputs of its labels made relative, too.
    pub(super) fn resolve_outputs(&self, xform: &str) -> String {
        const OUTPUT: &str = "<output value=\" ";
        let mut from = "";
        let mut out = String::with_capacity(xform.len());
        for line in xform.split_inclusive('\n') {
            // Texts carry the path of their question in their id, controls in their ref.
            if let Some(id) = attribute(line, "<text id=\"") {
                from = id.split(':').next().unwrap_or_default();
            } else if let Some(path) = attribute(line, " ref=\"").filter(|p| p.starts_with('/')) {
                from = path;
            }
            let mut rest = line;
            while let Some((before, after)) = rest.split_once(OUTPUT) {
                let (to, tail) = after.split_once(' ').unwrap_or((after, ""));
                let way = self.relative(from, to);
                out.push_str(&format!(
                    "{before}{OUTPUT}{} ",
                    way.as_deref().unwrap_or(to)
                ));
                rest = tail;
            }
            out.push_str(rest);
        }
        out
    }
}

fn attribute<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.split_once(start)?.1.split('"').next()
}

/// The paths above a path, nearest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/')
        .map(|(at, _)| &path[..at])
        .filter(|p| !p.is_empty())
}
