//! Organisations.

use rusqlite::{Row, params};
use tributary_sync_core::ids::OrgId;

use super::{Result, Txn, View, sql, unsql};

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationRow {
    /// Its id.
    pub id: OrgId,
    /// How people name it when they sign in.
    pub slug: String,
    /// How it is shown.
    pub name: String,
    /// When it was made.
    pub created_at: u64,
    /// Since when nobody of it gets in.
    pub suspended_at: Option<u64>,
}

const COLUMNS: &str = "id, slug, name, created_at, suspended_at";

fn read(r: &Row<'_>) -> rusqlite::Result<OrganisationRow> {
    Ok(OrganisationRow {
        id: OrgId::from_bytes(r.get(0)?),
        slug: r.get(1)?,
        name: r.get(2)?,
        created_at: unsql(r.get(3)?),
        suspended_at: r.get::<_, Option<i64>>(4)?.map(unsql),
    })
}

impl View<'_> {
    /// One organisation.
    pub fn organisation(&self, id: OrgId) -> Result<Option<OrganisationRow>> {
        let sql = format!("SELECT {COLUMNS} FROM organisation WHERE id = ?1");
        self.one(&sql, [id.as_bytes()], read)
    }
    /// The organisation that people name so.
    pub fn organisation_by_slug(&self, slug: &str) -> Result<Option<OrganisationRow>> {
        let sql = format!("SELECT {COLUMNS} FROM organisation WHERE slug = ?1");
        self.one(&sql, [slug], read)
    }
    /// At most `limit` organisations after one, in order of id.
    pub fn organisations(&self, after: OrgId, limit: usize) -> Result<Vec<OrganisationRow>> {
        let sql_text =
            format!("SELECT {COLUMNS} FROM organisation WHERE id > ?1 ORDER BY id LIMIT ?2");
        self.all(
            &sql_text,
            params![after.as_bytes(), sql(limit as u64)],
            read,
        )
    }
}

impl Txn<'_> {
    /// A new organisation. False if the slug is taken.
    pub fn insert_organisation(&self, row: &OrganisationRow) -> Result<bool> {
        if self.organisation_by_slug(&row.slug)?.is_some() {
            return Ok(false);
        }
        self.execute(
            "INSERT INTO organisation (id, slug, name, created_at, suspended_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.id.as_bytes(),
                row.slug,
                row.name,
                sql(row.created_at),
                row.suspended_at.map(sql)
            ],
        )?;
        Ok(true)
    }
    /// Suspends an organisation, or lets it in again.
    pub fn set_organisation_suspended(&self, id: OrgId, at: Option<u64>) -> Result<()> {
        let text = "UPDATE organisation SET suspended_at = ?2 WHERE id = ?1";
        self.execute(text, params![id.as_bytes(), at.map(sql)])
            .map(drop)
    }
}
