//! Choices: those written into a control and those of secondary instances, with their filters.
//!
//! A list is read once for each way it is used, not once for each question that uses it.

use std::collections::HashMap;

use roxmltree::Node;

use super::error::{FormError, FormErrorKind, quote};
use super::itext::{Itext, Texts, child, elements, jr_file, plain_text};
use super::{CHOICES_MAX, CODE_BYTES_MAX, guard};

/// The file of `select_one_external`.
const ITEMSETS_FILE: &str = "itemsets.csv";

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub code: String,
    /// What is shown.
    pub label: Texts,
    /// Further columns of the list, which filters use: (column, value).
    pub extra: Vec<(String, String)>,
}

/// A list of choices that one or more questions offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceList {
    /// The id of the secondary instance, or the path of the one question that holds the choices.
    pub name: String,
    /// The choices in order.
    pub choices: Vec<Choice>,
}

/// Where a question's choices come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ChoiceSource {
    /// The list in [`super::FormModel::lists`]; none where the choices come from a file or from other answers, so that
    /// any code may be stored.
    pub list: Option<usize>,
    /// The choice filter, as text.
    pub filter: Option<String>,
    /// The file that the choices come from.
    pub file: Option<String>,
}

/// Reads lists as questions ask for them.
pub(super) struct Lists<'a, 'i> {
    instances: HashMap<&'a str, Node<'a, 'i>>,
    known: HashMap<(String, String, String), usize>,
    total: usize,
    /// By list, a code that holds white space, if one does.
    spaced: Vec<Option<String>>,
    pub(super) lists: Vec<ChoiceList>,
    /// Files that secondary instances come from.
    pub(super) files: Vec<String>,
}

impl<'a, 'i> Lists<'a, 'i> {
    pub(super) fn new(model: Node<'a, 'i>) -> Self {
        let mut out = Self {
            instances: HashMap::new(),
            known: HashMap::new(),
            total: 0,
            spaced: Vec::new(),
            lists: Vec::new(),
            files: Vec::new(),
        };
        for node in elements(model)
            .filter(|n| n.tag_name().name() == "instance")
            .skip(1)
        {
            out.files.extend(node.attribute("src").and_then(jr_file));
            if let Some(id) = node.attribute("id") {
                out.instances.entry(id).or_insert(node);
            }
        }
        out
    }

    /// The choices of a select control standing at `path`.
    pub(super) fn of_control(
        &mut self,
        control: Node<'a, 'i>,
        path: &str,
        itext: &Itext,
    ) -> Result<ChoiceSource, FormError> {
        let source = self.source(control, path, itext)?;
        let set = matches!(control.tag_name().name(), "select" | "rank");
        match source
            .list
            .and_then(|l| self.spaced.get(l)?.as_deref())
            .filter(|_| set)
        {
            Some(code) => {
                let detail = format!(
                    "The code {} holds white space, and several can be chosen.",
                    quote(code)
                );
                Err(FormError::new(FormErrorKind::Choice, detail).at(guard::place(control)))
            }
            None => Ok(source),
        }
    }

    fn source(
        &mut self,
        control: Node<'a, 'i>,
        path: &str,
        itext: &Itext,
    ) -> Result<ChoiceSource, FormError> {
        if let Some(itemset) = child(control, "itemset") {
            return self.of_itemset(itemset, itext);
        }
        if let Some(query) = control.attribute("query") {
            self.files.push(ITEMSETS_FILE.to_owned());
            return Ok(ChoiceSource {
                list: None,
                filter: Some(query.to_owned()),
                file: Some(ITEMSETS_FILE.to_owned()),
            });
        }
        // With search() the items written here are only column names of a file.
        if control
            .attribute("appearance")
            .is_some_and(|a| a.contains("search("))
        {
            return Ok(ChoiceSource::default());
        }
        let items = elements(control).filter(|n| n.tag_name().name() == "item");
        let mut choices = Vec::new();
        for item in items {
            let code = child(item, "value").map(plain_text).unwrap_or_default();
            let label = child(item, "label")
                .map(|l| itext.of_element(l).text)
                .unwrap_or_default();
            self.count(item, &code)?;
            choices.push(Choice {
                code,
                label,
                extra: Vec::new(),
            });
        }
        Ok(ChoiceSource {
            list: Some(self.keep(path, choices)),
            ..ChoiceSource::default()
        })
    }

    fn of_itemset(
        &mut self,
        itemset: Node<'a, 'i>,
        itext: &Itext,
    ) -> Result<ChoiceSource, FormError> {
        let nodeset = itemset.attribute("nodeset").unwrap_or_default();
        let Some((id, steps, filter)) = split_nodeset(nodeset) else {
            return Ok(ChoiceSource {
                filter: Some(nodeset.trim().to_owned()),
                ..ChoiceSource::default()
            });
        };
        let filter = filter.map(str::to_owned);
        let Some(instance) = self.instances.get(id).copied() else {
            let detail = format!("The choice list {} does not exist.", quote(id));
            return Err(FormError::new(FormErrorKind::Choice, detail).at(guard::place(itemset)));
        };
        if let Some(src) = instance.attribute("src") {
            return Ok(ChoiceSource {
                list: None,
                filter,
                file: jr_file(src),
            });
        }
        let by = |name| {
            child(itemset, name)
                .and_then(|n| n.attribute("ref"))
                .unwrap_or(name)
                .trim()
        };
        let key = (
            id.to_owned(),
            by("value").to_owned(),
            by("label").to_owned(),
        );
        let list = match self.known.get(&key) {
            Some(list) => *list,
            None => {
                let list = self.read_instance(instance, steps, &key, itext)?;
                self.known.insert(key, list);
                list
            }
        };
        Ok(ChoiceSource {
            list: Some(list),
            filter,
            file: None,
        })
    }

    fn read_instance(
        &mut self,
        instance: Node<'a, 'i>,
        steps: &str,
        (id, value, label): &(String, String, String),
        itext: &Itext,
    ) -> Result<usize, FormError> {
        let mut choices = Vec::new();
        let leaf = steps.rsplit('/').next().unwrap_or_default();
        let items = elements(instance)
            .flat_map(elements)
            .filter(|n| n.tag_name().name() == leaf);
        for item in items {
            let code = child(item, value).map(plain_text).unwrap_or_default();
            self.count(item, &code)?;
            let label_column = label
                .strip_prefix("jr:itext(")
                .and_then(|l| l.strip_suffix(')'));
            let column = label_column.unwrap_or(label).trim();
            let text = child(item, column).map(plain_text).unwrap_or_default();
            let texts = match label_column {
                Some(_) => itext
                    .entry(&text)
                    .map(|e| e.text.clone())
                    .unwrap_or_default(),
                None => Texts::one(&itext.default, text),
            };
            let extra = elements(item)
                .filter(|n| n.tag_name().name() != value && n.tag_name().name() != column)
                .map(|n| (n.tag_name().name().to_owned(), plain_text(n)))
                .collect();
            choices.push(Choice {
                code,
                label: texts,
                extra,
            });
        }
        Ok(self.keep(id, choices))
    }

    fn keep(&mut self, name: &str, choices: Vec<Choice>) -> usize {
        let spaced = choices
            .iter()
            .find(|c| c.code.contains(char::is_whitespace));
        self.spaced.push(spaced.map(|c| c.code.clone()));
        self.lists.push(ChoiceList {
            name: name.to_owned(),
            choices,
        });
        self.lists.len() - 1
    }

    fn count(&mut self, item: Node<'_, '_>, code: &str) -> Result<(), FormError> {
        self.total += 1;
        if self.total > CHOICES_MAX {
            return Err(FormError::limit("too many choices", CHOICES_MAX).at(guard::place(item)));
        }
        let fault = match code {
            "" => "A choice has no code.",
            c if c.len() > CODE_BYTES_MAX => "The code of a choice is too long.",
            c if c.chars().any(char::is_control) => {
                "The code of a choice holds a control character."
            }
            _ => return Ok(()),
        };
        Err(FormError::new(FormErrorKind::Choice, fault).at(guard::place(item)))
    }
}

/// `instance('id')/root/item[filter]`, also inside `randomize(…)`: the id, the steps, the filter.
fn split_nodeset(nodeset: &str) -> Option<(&str, &str, Option<&str>)> {
    let mut text = nodeset.trim();
    if let Some(inner) = text.strip_prefix("randomize(") {
        let end = inner
            .rfind(']')
            .map_or_else(|| inner.find([',', ')']), |i| Some(i + 1));
        // `instance('x')` has a bracket of its own.
        let own = inner.find(')')? + 1;
        let end = match end {
            Some(end) if end > own => end,
            _ => own + inner.get(own..)?.find([',', ')'])?,
        };
        text = inner.get(..end)?.trim();
    }
    let rest = text.strip_prefix("instance(")?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (id, rest) = rest.get(1..)?.split_once(quote)?;
    let rest = rest.trim_start().strip_prefix(')')?;
    match rest.find('[') {
        None => Some((id, rest.trim(), None)),
        Some(open) => {
            let close = rest.rfind(']').filter(|c| *c > open)?;
            Some((id, rest[..open].trim(), Some(rest[open + 1..close].trim())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_nodeset;

    #[test]
    fn itemsets_are_taken_apart() {
        for (nodeset, id, steps, filter) in [
            ("instance('a')/root/item", "a", "/root/item", None),
            (
                "instance(\"a\")/root/item[ x = /data/y ]",
                "a",
                "/root/item",
                Some("x = /data/y"),
            ),
            (
                "randomize(instance('a')/root/item)",
                "a",
                "/root/item",
                None,
            ),
            (
                "randomize(instance('a')/root/item, 12)",
                "a",
                "/root/item",
                None,
            ),
            (
                "randomize(instance('a')/root/item[f(x)=b[1]], /data/s)",
                "a",
                "/root/item",
                Some("f(x)=b[1]"),
            ),
        ] {
            assert_eq!(
                split_nodeset(nodeset),
                Some((id, steps, filter)),
                "{nodeset}"
            );
        }
        for odd in [
            "/data/people[1]/name",
            "",
            "instance(",
            "instance('a",
            "randomize(",
            "instance('a')/x][",
        ] {
            let _ = split_nodeset(odd);
        }
        assert_eq!(split_nodeset("/data/r/name"), None);
    }
}
