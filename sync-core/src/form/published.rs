//! A published form: a model together with the ids that its package gives to the fields.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::error::FormError;
use super::model::{Field, FieldKind, FormModel};
use super::package::{FormPackage, invalid};
use super::xform::parse;
use crate::ids::{FieldId, FormHash};

/// A form version as it is used: for validation, columns, codebooks, charts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedForm {
    model: FormModel,
    package: FormPackage,
    hash: FormHash,
    by_id: HashMap<FieldId, usize>,
}

impl PublishedForm {
    /// Opens a stored version: its XForm as served and the bytes of its package.
    pub fn open(xform: &str, package: &[u8]) -> Result<Self, FormError> {
        let package = FormPackage::from_bytes(package)?;
        if <[u8; 32]>::from(Sha256::digest(xform.as_bytes())) != package.xform_sha256 {
            return Err(invalid("This form package belongs to another XForm."));
        }
        Self::new(parse(xform)?, package)
    }

    /// Joins a model with its package.
    pub fn new(model: FormModel, package: FormPackage) -> Result<Self, FormError> {
        let same = model.form_id == package.form_id
            && model.fields.len() == package.fields.len()
            && model
                .fields
                .iter()
                .zip(&package.fields)
                .all(|(f, p)| f.path == p.path);
        if !same {
            return Err(invalid(
                "This form package lists other fields than its XForm has.",
            ));
        }
        let by_id: HashMap<_, _> = package
            .fields
            .iter()
            .enumerate()
            .map(|(i, f)| (f.id, i))
            .collect();
        if by_id.len() != package.fields.len() {
            return Err(invalid("This form package gives one id to two fields."));
        }
        let hash = package.hash()?;
        Ok(Self {
            model,
            package,
            hash,
            by_id,
        })
    }

    /// The model.
    pub fn model(&self) -> &FormModel {
        &self.model
    }
    /// The package.
    pub fn package(&self) -> &FormPackage {
        &self.package
    }
    /// The name of the version.
    pub fn hash(&self) -> FormHash {
        self.hash
    }
    /// The field with this id.
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.model.fields.get(*self.by_id.get(&id)?)
    }
    /// The id of the field at an index of [`FormModel::fields`].
    pub fn id(&self, index: usize) -> Option<FieldId> {
        self.package.fields.get(index).map(|f| f.id)
    }
    /// The field at a path with its id.
    pub fn at_path(&self, path: &str) -> Option<(FieldId, &Field)> {
        let index = self.model.fields.iter().position(|f| f.path == path)?;
        Some((self.id(index)?, self.model.fields.get(index)?))
    }
    /// All fields with their ids, in document order.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.package
            .fields
            .iter()
            .map(|p| p.id)
            .zip(&self.model.fields)
    }
    /// The id of the nearest repeat around a field.
    pub fn repeat_of(&self, field: &Field) -> Option<FieldId> {
        self.id(field.repeat?)
    }
    /// The id of the row id field of a repeat.
    pub fn row_field(&self, repeat: FieldId) -> Option<FieldId> {
        let index = *self.by_id.get(&repeat)?;
        self.fields()
            .find(|(_, f)| f.kind == FieldKind::RowId && f.parent == Some(index))
            .map(|(id, _)| id)
    }
}
