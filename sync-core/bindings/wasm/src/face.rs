//! What JavaScript sees: one class, text and bytes. Everything behind it is ordinary Rust that is tested without a browser.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::core::Core;
use crate::step::Step;

/// One profile in memory.
#[wasm_bindgen]
#[derive(Default)]
pub struct Face {
    core: Core,
}

#[wasm_bindgen]
impl Face {
    /// Nothing is loaded yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }
    /// Takes a row as it was kept; false if it does not read.
    pub fn load(&mut self, table: &str, key: &str, value: Vec<u8>) -> bool {
        self.core.load(table, key, value).is_ok()
    }
    /// Takes the brief of a record.
    #[wasm_bindgen(js_name = loadBrief)]
    pub fn load_brief(&mut self, key: &str, brief: Vec<u8>) {
        self.core.load_brief(key, brief);
    }
    /// Runs a step; the outcome is `{"ok":…}`, `{"missing":[…]}`, `{"verify":[…]}` or `{"refused":{…}}`.
    pub fn step(&mut self, step: &str, body: &[u8]) -> String {
        match serde_json::from_slice::<Step>(step.as_bytes()) {
            Ok(step) => self.core.step(step, body).to_text(),
            Err(_) => r#"{"refused":{"code":"input"}}"#.to_owned(),
        }
    }
    /// The body of the request that the last step made.
    pub fn body(&mut self) -> Vec<u8> {
        self.core.body()
    }
    /// Answers `verify`: 1 for each signature that holds, in its order.
    pub fn answer(&mut self, verdicts: &[u8]) {
        let verdicts: Vec<bool> = verdicts.iter().map(|v| *v == 1).collect();
        self.core.answer(&verdicts);
    }
    /// The names of the rows that the last step changed: `[[table, key, is there], …]`.
    pub fn changes(&self) -> String {
        let all = self.core.changes();
        let names = all
            .iter()
            .map(|c| (c.table.name(), c.key, c.value.is_some()));
        serde_json::Value::from_iter(names.map(|n| serde_json::json!(n))).to_string()
    }
    /// The values of those rows with their briefs, one behind the other: each with its length before it, four bytes,
    /// little-endian.
    #[wasm_bindgen(js_name = changed)]
    pub fn changed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for change in self.core.changes() {
            for part in [change.value.unwrap_or_default(), change.brief] {
                let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(part);
            }
        }
        out
    }
    /// The changes are durable.
    pub fn commit(&mut self) {
        self.core.commit();
    }
    /// They are not: nothing of the step counts.
    pub fn rollback(&mut self) {
        self.core.rollback();
    }
}

/// A file of shared vectors, made again from what stands in it; what does not read says why, beginning with `!`.
#[wasm_bindgen]
pub fn vector(name: &str, text: &str) -> String {
    crate::vectors::vector(name, text).unwrap_or_else(|e| format!("!{e}"))
}
