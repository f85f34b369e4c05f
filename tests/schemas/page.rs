//! The fenced blocks of `schemas/sync-protocol.md`.

use serde::de::DeserializeOwned;

/// One fenced block.
pub(super) struct Block {
    /// The line of its fence.
    pub(super) line: usize,
    /// What stands behind the language: the kind, then `name=value`.
    info: Vec<String>,
    /// What is in it.
    pub(super) body: String,
}

impl Block {
    /// The kind.
    pub(super) fn kind(&self) -> &str {
        self.info.first().map_or("", String::as_str)
    }
    /// The value behind `name=`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.info
            .iter()
            .find_map(|i| i.strip_prefix(name)?.strip_prefix('='))
    }
    /// Its JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|e| {
            panic!(
                "schemas/sync-protocol.md:{}: the {} does not read: {e}",
                self.line,
                self.kind()
            )
        })
    }
    /// Its text without white space.
    pub(super) fn hex(&self) -> String {
        self.body.split_whitespace().collect()
    }
}

/// The page.
pub(super) struct Page {
    blocks: Vec<Block>,
}

impl Page {
    /// Reads it.
    pub(super) fn read() -> Self {
        let text = std::fs::read_to_string(path()).expect("the protocol page");
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (n, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push(block),
                (Some(info), None) => {
                    open = Some(Block {
                        line: n + 1,
                        info: info.split(' ').skip(1).map(str::to_owned).collect(),
                        body: String::new(),
                    });
                }
                (None, Some(mut block)) => {
                    block.body.push_str(line);
                    block.body.push('\n');
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "a block of the protocol page does not end");
        Self { blocks }
    }
    /// All blocks.
    pub(super) fn all(&self) -> &[Block] {
        &self.blocks
    }
    /// The blocks of a kind; there is at least one.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<&Block> {
        let found: Vec<&Block> = self.blocks.iter().filter(|b| b.kind() == kind).collect();
        assert!(
            !found.is_empty(),
            "the protocol page has no example `{kind}`"
        );
        found
    }
    /// The only block of a kind.
    pub(super) fn one(&self, kind: &str) -> &Block {
        match self.of_kind(kind).as_slice() {
            [one] => one,
            many => panic!("the protocol page has {} examples `{kind}`", many.len()),
        }
    }
    /// The block of a kind with `attribute=value`.
    pub(super) fn with(&self, kind: &str, attribute: &str, value: &str) -> &Block {
        self.of_kind(kind)
            .into_iter()
            .find(|b| b.value(attribute) == Some(value))
            .unwrap_or_else(|| panic!("no example `{kind}` with {attribute}={value}"))
    }
}

/// Where it lies.
pub(super) fn path() -> std::path::PathBuf {
    crate::tidy::root().join("schemas/sync-protocol.md")
}
