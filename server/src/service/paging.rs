//! Lists in pages: `limit` (100 unless told, at most 1,000) and an opaque `next`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{Code, Result};

/// What part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// How many: 100 unless told, at most 1,000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub next: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The items.
    pub items: Vec<T>,
    /// Ask with this for the following ones; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl PageRequest {
    /// All there is, in pages as large as they get.
    pub fn largest(next: Option<String>) -> Self {
        Self {
            limit: Some(1_000),
            next,
        }
    }
    fn limit(&self) -> usize {
        self.limit.unwrap_or(100).clamp(1, 1_000) as usize
    }
    /// Reads the rows behind the place where the last page ended, one more than asked for, and cuts the page.
    pub fn page<Id, Row, Item: ToSchema>(
        &self,
        read: impl FnOnce(Id, usize) -> Result<Vec<Row>>,
        id: impl Fn(&Row) -> Id,
        item: impl FnMut(Row) -> Result<Item>,
    ) -> Result<Page<Item>>
    where
        Id: FromStr + Default + ToString,
    {
        let after = match &self.next {
            None => Id::default(),
            Some(text) => text.parse().map_err(|_| Code::ParameterInvalid)?,
        };
        let limit = self.limit();
        let mut rows = read(after, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| id(row).to_string());
        let items = rows.into_iter().map(item).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }
}
